"""What one of several processes is given: its number, how many there are, and a folder that all of them know.

Bounds are for the install, so each process has its part of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from guildnet_proxy.http.limits import Limits
from guildnet_proxy.settings import Settings


@dataclass(frozen=True, slots=True)
class Share:
    """Process `index` of `count`; the first leads: it alone writes what is written once for an install.

    `tailnet` is the descriptor of the private listener, which all accept from; -1 without a tailnet.
    """

    index: int
    count: int
    folder: Path
    tailnet: int = -1

    @property
    def leads(self) -> bool:
        return self.index == 0

    @property
    def ops(self) -> Path:
        """The socket on which this process says how it is."""
        return self.folder / f"ops-{self.index}.sock"

    @property
    def used_tickets(self) -> Path:
        return self.folder / "tickets"

    @property
    def output_lock(self) -> Path:
        return self.folder / "output.lock"

    def settings(self, settings: Settings) -> Settings:
        """With this process' part of each bound."""
        names = ("streams_per_workspace", "requests_per_identity", "upgrades_per_identity")
        return settings.model_copy(update={name: self._part(getattr(settings, name)) for name in names})

    def limits(self, limits: Limits) -> Limits:
        return replace(
            limits,
            connections=self._part(limits.connections),
            connections_per_address=self._part(limits.connections_per_address),
        )

    def _part(self, bound: int) -> int:
        return -(-bound // self.count)
