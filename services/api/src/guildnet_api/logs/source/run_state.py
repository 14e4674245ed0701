"""State of a container's run, as the watch of pods tells it: ended or not, and how many runs came after it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from guildnet_api.cluster.index import WorkspaceIndex
from guildnet_api.cluster.pods import Container
from guildnet_api.logs.model import Run

SETTLE_SECONDS: Final = 1.0
"""How long the cluster may take to report the end of a container whose log stream has ended."""


@dataclass(frozen=True, slots=True)
class RunState:
    """Questions about runs, answered from the index of pods."""

    index: WorkspaceIndex

    def ended(self, run: Run) -> bool:
        """Whether the container does not run any more, or is in another run."""
        found = self._container(run)
        return found is None or found.restart != run.restart or found.state != "running"

    def runs_since(self, run: Run) -> int:
        """How many runs the container began since; of those before the current one the kubelet keeps only the last."""
        found = self._container(run)
        if found is None or found.restart <= run.restart:
            return 0
        # While a container waits to be started again, the kubelet's previous run is the current one itself.
        return found.restart - run.restart + (found.state == "waiting")

    async def settle(self, run: Run) -> None:
        """Wait until the run is reported as ended, SETTLE_SECONDS at most: its log is opened again till then."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while not self.ended(run):
                    await self.index.signal.wait()
        except TimeoutError:
            return

    def _container(self, run: Run) -> Container | None:
        pod = self.index.pod_by_uid(run.pod_uid)
        return pod.container(run.container) if pod else None
