"""Every container of a pod as one stream: a viewer each, and what they send as it comes.

The order is that of each container alone; between two of them it is that of arrival. An id names the place in every
container, so that a reader that comes back goes on in each at its next line.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Protocol

from guildnet_api.cluster.index import Roster
from guildnet_api.cluster.pods import Pod
from guildnet_api.http import sse
from guildnet_api.http.event_stream import Connection
from guildnet_api.logs.cursor import Wish, place
from guildnet_api.logs.hub import TICK_SECONDS

EVERY: Final = "*"
"""As `container`: all of the pod, init containers too."""
LEAD: Final = ""
"""Stands for the container that is meant where none is named; it is there before there is a pod."""
_ID: Final = re.compile(rb"^id: (.+)$", re.MULTILINE)
_CUT: Final = re.compile(rb"^event: cut\ndata: (.+)$", re.MULTILINE)


class Reader(Protocol):
    """A `Viewer`, as far as it matters here."""

    def blocks(self, connection: Connection | None) -> AsyncGenerator[bytes, None]: ...


class Several:
    """The stream of a wish for every container; `reader` makes the viewer of one. The lead alone tells of what concerns
    the whole workspace."""

    __slots__ = ("_at", "_ended", "_most", "_queue", "_reader", "_roster", "_tasks", "_wish")

    def __init__(self, wish: Wish, roster: Roster, reader: Callable[[Wish], Reader], most: int) -> None:
        self._wish = wish
        self._roster = roster
        self._reader = reader
        self._most = most
        self._at = dict(_places(wish.resume))
        self._ended = False
        self._queue: asyncio.Queue[tuple[str, bytes | Exception | None]] = asyncio.Queue(1)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def blocks(self, _: Connection | None) -> AsyncGenerator[bytes, None]:
        """The bytes to send."""
        running = {self._begin(LEAD)}
        try:
            while running:
                for name in self._others():
                    running.add(self._begin(name))
                try:
                    async with asyncio.timeout(TICK_SECONDS):
                        name, block = await self._queue.get()
                except TimeoutError:
                    continue  # there may be other containers by now
                if isinstance(block, Exception):
                    raise block
                if block is None:
                    running.discard(name)
                    continue
                merged, cut = self._merged(name, block)
                yield merged
                if cut:
                    return
            yield sse.END if self._ended else b""
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _others(self) -> list[str]:
        """The containers that have no viewer yet."""
        pod = self._roster.pod(self._wish.target)
        return [c.name for c in pod.containers if c.name not in {*self._tasks, self._lead(pod)}] if pod else []

    @staticmethod
    def _lead(pod: Pod | None) -> str:
        """The name of the container that LEAD stands for, LEAD while that is not known."""
        found = pod.container(None) if pod else None
        return found.name if found else LEAD

    def _begin(self, name: str) -> str:
        tells = self._wish.events and name == LEAD
        wish = replace(self._wish, container=name or None, resume=self._resume(name), events=tells)
        if self._at and not wish.resume:
            # It was silent when the reader left: whatever it has written since is new.
            wish = replace(wish, tail=self._most)
        self._tasks[name] = asyncio.create_task(self._pump(name, self._reader(wish)), name="log of one")
        return name

    def _resume(self, name: str) -> str:
        name = name or self._lead(self._roster.pod(self._wish.target))
        if name != LEAD:
            return self._at.get(name, "")
        # Of a pod that is gone any place does: it says from when on lines are new.
        return max(self._at.values(), key=_time, default="")

    async def _pump(self, name: str, reader: Reader) -> None:
        try:
            async with aclosing(reader.blocks(None)) as blocks:
                async for block in blocks:
                    await self._queue.put((name, block))
        except Exception as error:  # noqa: BLE001  told where the stream is sent from
            await self._queue.put((name, error))
        else:
            await self._queue.put((name, None))

    def _merged(self, name: str, block: bytes) -> tuple[bytes, bool]:
        """What is sent of a viewer's block, and whether the stream ends with it."""
        if block.endswith(sse.END):
            self._ended = True
            block = block.removesuffix(sse.END)
        if name != LEAD and (block in (sse.retry(), sse.PING) or block.startswith(b"event: status\n")):
            return b"", False
        block = _ID.sub(self._placed, block)
        cut = _CUT.search(block)
        if cut is None:
            return block, False
        told = sse.compact({**json.loads(cut[1]), "lastEventId": self._identifier()})
        return b"".join((block[: cut.start(1)], told, block[cut.end(1) :])), True

    def _placed(self, found: re.Match[bytes]) -> bytes:
        self._at.update(_places(found[1].decode()))
        return b"id: " + self._identifier().encode()

    def _identifier(self) -> str:
        return ",".join(self._at.values())


def _places(identifier: str) -> Iterable[tuple[str, str]]:
    """The parts of an id by container; what is none of ours is left out."""
    for part in identifier.split(","):
        found = place(part)
        run = found.run if found else None
        if run is not None:
            yield run[2], part


def _time(identifier: str) -> int:
    found = place(identifier)
    return found.time_ns if found else 0
