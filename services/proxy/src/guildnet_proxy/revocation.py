"""What is open ends when what it rests on does: a workspace, a right, or what vouched for its caller.

A workspace and a right are watched. Whoever vouched for a caller tells nobody when that ends, so it is asked again
every few seconds while something of the caller is open: a request whose body is sent, a stream, a WebSocket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from guildnet.errors import GuildNetError
from guildnet.identity import Identity
from guildnet.telemetry import logger
from guildnet_proxy.auth.authenticate import Authenticator, Credential
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.frontdoor.workspaces import Workspaces

RECHECK_SECONDS = 3.0
"""With the time that asking takes, everything is closed within ten."""
AT_ONCE = 64
"""Callers that are asked about before everybody else has a turn."""

Shown = tuple[Credential, Identity]


def still_allowed(workspaces: Workspaces, record: Record) -> bool:
    """May what is open stay open? A workspace that is gone or stopped, or a right that is, closes it."""
    if record.identity is None or not record.workspace:
        return True
    workspace = workspaces.index.workspaces.get(record.workspace)
    if workspace is None or not workspace.spec.running:
        return False
    return workspaces.decide(record.identity, workspace).allowed


class Revocation:
    """Closes what may not stay open. `opened` gives the records of what is, `close` closes those that it is told of."""

    def __init__(
        self,
        authenticator: Authenticator,
        workspaces: Workspaces,
        opened: Callable[[], Iterable[Record]],
        close: Callable[[Callable[[Record], bool]], int],
    ) -> None:
        self._authenticator = authenticator
        self._workspaces = workspaces
        self._opened = opened
        self._close = close

    async def run(self) -> None:
        """Never ends. A session that ends here is looked after at once."""
        ended = self._authenticator.ended
        while True:
            try:
                async with asyncio.timeout(RECHECK_SECONDS):
                    await ended.changed.wait()
            except TimeoutError:
                pass
            ended.changed.clear()
            await self.once()
            await ended.sync()

    async def once(self) -> int:
        """Asks again about everybody who has something open, and closes what was theirs; gives how much."""
        asked: dict[tuple[int, int], Shown] = {}
        for record in self._opened():
            if record.credential is not None and record.identity is not None:
                asked[id(record.credential), id(record.identity)] = record.credential, record.identity
        changed: dict[tuple[int, int], Identity | None] = {}
        keys = list(asked)
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            found = await asyncio.gather(*(self._again(*asked[key]) for key in some))
            changed |= {key: now for key, now in zip(some, found, strict=True) if now != asked[key][1]}
        return self._close(lambda record: self._stays(record, changed)) if changed else 0

    async def _again(self, shown: Credential, known: Identity) -> Identity | None:
        """Whoever nobody can ask about stays who it was."""
        try:
            return await self._authenticator.ask_again(shown, known)
        except GuildNetError:
            return known
        except Exception:  # noqa: BLE001  one caller's fault keeps nobody else's connections open
            logger.exception("a caller could not be asked about again")
            return known

    def _stays(self, record: Record, changed: dict[tuple[int, int], Identity | None]) -> bool:
        """The api was told who asks, and decides by that: with other rights one has to ask it anew."""
        key = id(record.credential), id(record.identity)
        if key not in changed:
            return True
        identity = changed[key]
        if identity is None or record.kind != "workspace":
            return False
        record.identity = identity
        return still_allowed(self._workspaces, record)
