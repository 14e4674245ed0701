"""SSE stream of every container of a pod: one viewer for each, and their events as they come.

The order is that of each container alone; between two of them it is that of arrival. An id names the place in every
container, so that a reader that comes back goes on in each at its next line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Protocol

from guildnet_api.cluster.index import WorkspaceIndex
from guildnet_api.cluster.pods import Pod
from guildnet_api.http import sse
from guildnet_api.http.event_stream import Connection
from guildnet_api.http.sse import Event
from guildnet_api.logs.hub import WAKE_SECONDS
from guildnet_api.logs.reader.cursor import Cursor, StreamRequest
from guildnet_api.logs.reader.stream_events import Cut, End, Lines, MergedLines, Status

ALL_CONTAINERS: Final = "*"
"""As `container`: all of the pod, init containers too."""
PRIMARY: Final = ""
"""Stands for the container that is meant where none is named; it is there before there is a pod."""


class Reader(Protocol):
    """A `Viewer`, as far as it matters here."""

    def events(self, connection: Connection | None) -> AsyncGenerator[Event, None]: ...


class MergedStream:
    """The stream of a request for every container; `reader` makes the viewer of one. Only the viewer of the primary
    container tells of what concerns the whole workspace."""

    __slots__ = ("_cut", "_ended", "_index", "_max_tail", "_places", "_queue", "_reader", "_request", "_tasks")

    def __init__(
        self,
        request: StreamRequest,
        index: WorkspaceIndex,
        reader: Callable[[StreamRequest], Reader],
        max_tail: int,
    ) -> None:
        """`max_tail` is how many lines are read of a container that was silent when a returning reader left."""
        self._request = request
        self._index = index
        self._reader = reader
        self._max_tail = max_tail
        self._places = dict(_places(request.resume))
        self._ended = False
        self._cut = False
        self._queue: asyncio.Queue[tuple[str, Event | Exception | None]] = asyncio.Queue(1)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def events(self, _: Connection | None) -> AsyncGenerator[Event, None]:
        """What to send."""
        reading = {self._start(PRIMARY)}
        try:
            while reading:
                for name in self._unread():
                    reading.add(self._start(name))
                try:
                    async with asyncio.timeout(WAKE_SECONDS):
                        name, event = await self._queue.get()
                except TimeoutError:
                    continue  # there may be other containers by now
                if isinstance(event, Exception):
                    raise event
                if event is None:
                    reading.discard(name)
                    continue
                merged = self._merged(name, event)
                if merged is not None:
                    yield merged
                if self._cut:
                    return
            if self._ended:
                yield End()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _unread(self) -> list[str]:
        """The containers that have no viewer yet."""
        pod = self._index.pod(self._request.target)
        return [c.name for c in pod.containers if c.name not in {*self._tasks, _primary(pod)}] if pod else []

    def _start(self, name: str) -> str:
        events = self._request.events and name == PRIMARY
        request = replace(self._request, container=name or None, resume=self._resume(name), events=events)
        if self._places and not request.resume:
            # It was silent when the reader left: whatever it has written since is new.
            request = replace(request, tail=self._max_tail)
        self._tasks[name] = asyncio.create_task(self._pump(name, self._reader(request)), name="log of one")
        return name

    def _resume(self, name: str) -> str:
        name = name or _primary(self._index.pod(self._request.target))
        if name != PRIMARY:
            return self._places.get(name, "")
        # Of a pod that is gone any place does: it says from when on lines are new.
        return max(self._places.values(), key=_time, default="")

    async def _pump(self, name: str, reader: Reader) -> None:
        try:
            async with aclosing(reader.events(None)) as events:
                async for event in events:
                    await self._queue.put((name, event))
        except Exception as error:  # noqa: BLE001  raised where the stream is sent from
            await self._queue.put((name, error))
        else:
            await self._queue.put((name, None))

    def _merged(self, name: str, event: Event) -> Event | None:
        """What is sent of a viewer's event, None for nothing."""
        match event:
            case Lines():
                return self._placed(event)
            case End():
                self._ended = True
                return None
            case Cut():
                self._cut = True
                return replace(event, last_event_id=self._identifier())
            case Status() | sse.Ping() if name != PRIMARY:
                return None
            case sse.Retry(milliseconds=sse.RETRY_MS) if name != PRIMARY:
                return None
        return event

    def _placed(self, block: Lines) -> MergedLines:
        """Every line with the id that names the place in each container after it."""
        run, lines = block.run, []
        for line in block.lines:
            self._places[run.container] = run.prefix + line.id
            lines.append((self._identifier(), line))
        return MergedLines(lines)

    def _identifier(self) -> str:
        return ",".join(self._places.values())


def _primary(pod: Pod | None) -> str:
    """The name of the container that PRIMARY stands for, PRIMARY while that is not known."""
    found = pod.container(None) if pod else None
    return found.name if found else PRIMARY


def _places(identifier: str) -> Iterable[tuple[str, str]]:
    """The parts of an id by container; what is none of ours is left out."""
    for part in identifier.split(","):
        found = Cursor.parse(part)
        run = found.run if found else None
        if run is not None:
            yield run[2], part


def _time(identifier: str) -> int:
    found = Cursor.parse(identifier)
    return found.time_ns if found else 0
