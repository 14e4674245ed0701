"""SSE stream of the workspaces that one reader may list: what there is, and then each change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from itertools import chain
from typing import Final

from guildnet.web.entries import Entry
from guildnet_api.cluster.index import Delta, Position, Rights, WorkspaceIndex
from guildnet_api.http import sse
from guildnet_api.http.event_stream import SHUTDOWN_RETRY_MS, StreamSupervisor

WAKE_SECONDS: Final = 5.0
"""How soon a stream notices what nobody wakes it for: changed rules, the time for a ping."""
COALESCE_SECONDS: Final = 0.1
"""Least time between two blocks: what changes meanwhile is sent together, and a workspace once."""
BLOCK_BYTES: Final = 128 * 1024
"""Of frames that are sent together: a reader that takes little holds one block."""


class ServerStream:
    """One reader. `rights` tells what it may list; when that changes it is sent everything again.

    An id names the position and the rights: who comes back under others is sent everything, too. Nothing is told of
    workspaces that the reader may not list, not even that they are gone.
    """

    def __init__(
        self,
        index: WorkspaceIndex,
        supervisor: StreamSupervisor,
        rights: Callable[[], Rights],
        stale: Callable[[], int],
        entry: Entry | None,
        since: str,
    ) -> None:
        """`since` is the last id the reader saw, "" at its first visit.

        `stale` gives the seconds since the cluster last confirmed the index, 0 while it does.
        """
        self._index = index
        self._supervisor = supervisor
        self._rights_now = rights
        self._rights = rights()
        self._stale_seconds = stale
        self._stale = False
        self._entry = entry
        self._since = since
        self._version = 0
        self._shown: set[str] | None = set()
        """Names that the reader knows, None for a reader that may list every one."""
        self._sent_at = time.monotonic()
        self._ends_at = supervisor.end_of_life()

    async def events(self) -> AsyncGenerator[sse.Event, None]:
        """Everything (or what a returning reader missed), `synced`, and then each change."""
        yield sse.Retry()
        for block in self._beginning(self._position()):
            yield sse.Frames(block)
        while not self._supervisor.closed and time.monotonic() < self._ends_at:
            blocks = chain(self._news(), self._age())
            sent = False
            for block in blocks:
                yield sse.Frames(block)
                sent = True
            # Changes may all be hidden from this reader: its connection has to be kept open all the same.
            if not sent and time.monotonic() - self._sent_at > sse.PING_SECONDS - WAKE_SECONDS / 2:
                yield sse.Ping()
                sent = True
            if sent:
                self._sent_at = time.monotonic()
                await asyncio.sleep(COALESCE_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(WAKE_SECONDS):
                    await self._index.signal.wait()
        yield sse.Retry(SHUTDOWN_RETRY_MS)

    def _position(self) -> Position | None:
        position, _, rights = self._since.rpartition(".")
        return Position.parse(position) if rights == self._rights.key else None

    def _news(self) -> Iterable[bytes]:
        rights = self._rights_now()
        if rights.key != self._rights.key:
            self._rights = rights
            return self._beginning(None)
        if self._index.version == self._version:
            return ()
        delta, self._version = self._index.after(self._version), self._index.version
        return self._frames(delta, self._identifier(), synced=False)

    def _age(self) -> Iterable[bytes]:
        """A `stale` event when what is told begins to be old, and when that is over."""
        seconds = self._stale_seconds()
        if bool(seconds) != self._stale:
            self._stale = not self._stale
            yield sse.frame(sse.compact({"seconds": seconds}), event="stale")

    def _beginning(self, position: Position | None) -> Iterable[bytes]:
        self._version = self._index.version
        delta = self._index.resume(position)
        allowed = self._rights.allowed
        if allowed is not None and not delta.full and not all(map(allowed, delta.changed)):
            # Of one that is hidden now nobody knows whether it was hidden before.
            delta = self._index.resume(None)
        if allowed is None:
            self._shown = None
        elif delta.full:
            self._shown = set()
        else:
            known = (*self._index.all(), *delta.gone)
            self._shown = {ws.name for ws in known if allowed(ws)}
        return self._frames(delta, self._identifier(), synced=True)

    def _identifier(self) -> str:
        return f"{self._index.position}.{self._rights.key}"

    def _frames(self, delta: Delta, identifier: str, *, synced: bool) -> Iterable[bytes]:
        """Blocks of frames. Only the last frame of all has the id: a reader lost before it gets all of it again."""
        held: list[bytes] = []
        size = 0
        ids = []
        for frame, shown in self._each(delta):
            held.append(frame)
            size += len(frame)
            if shown:
                ids.append(shown)
            if size > BLOCK_BYTES:
                yield b"".join(held[:-1])
                held, size = held[-1:], 0
        if synced:
            data = {"full": True, "ids": ids} if delta.full else {"full": False}
            held.append(sse.frame(sse.compact(data), event="synced"))
        if held:
            held[-1] = b"id: %s\n" % identifier.encode() + held[-1]
            yield b"".join(held)

    def _each(self, delta: Delta) -> Iterable[tuple[bytes, str]]:
        """The frame of each change that the reader is told of, and the name of the workspace that it shows."""
        allowed = self._rights.allowed
        for changed in delta.changed:
            ws = self._index.get(changed.name)  # it may have changed while the frames before were sent
            if ws is not None and (allowed is None or allowed(ws)):
                if self._shown is not None:
                    self._shown.add(ws.name)
                yield sse.frame(self._index.fragment(ws, self._entry), event="server"), ws.name
            elif self._forget(changed.name):
                yield _gone(changed.name), ""
        for gone in delta.gone:
            if self._shown is None or self._forget(gone.name):
                yield _gone(gone.name), ""

    def _forget(self, name: str) -> bool:
        """Whether the reader knew of it until now."""
        if self._shown is None or name not in self._shown:
            return False
        self._shown.remove(name)
        return True


def _gone(name: str) -> bytes:
    return sse.frame(sse.compact({"id": name}), event="gone")
