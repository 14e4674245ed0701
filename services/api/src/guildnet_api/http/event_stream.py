"""Event streams as ASGI responses: events are encoded and sent as they come, until they end or the client leaves.

A client that takes nothing for too long is aborted: its buffer is bounded (the server pauses above 64 KiB), and so is
the time it may stay full. When the process shuts down, every stream ends by itself with a `retry`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from guildnet_api.http import sse
from guildnet_api.http.limits import Places
from guildnet_api.metrics import Metrics

CONNECTION: Final = "guildnet.connection"
"""Key of the scope under which the server puts the request's `Connection`."""
SHUTDOWN_RETRY_MS: Final = 1000
LIFE_SECONDS: Final = (480.0, 660.0)
"""How long a stream lasts: then it is asked for again, by whoever the caller is and is allowed by then. Spread, so that
not all readers come back at once."""
_STREAM: Final = "guildnet.stream"
_KEPT_SCOPE_KEYS: Final = frozenset({"type", "method", "http_version"})
"""What the server itself reads while a response is under way."""


class Connection(Protocol):
    """What a stream may do with its connection besides ASGI's `send`."""

    def when_lost(self, call: Callable[[], None] | None) -> None:
        """Call this when the client is gone, at once where it is already; None: do not any more."""
        ...

    def abort(self) -> None:
        """Drop it, whatever is still to be written."""
        ...

    def write(self, chunk: bytes) -> bool:
        """Write a whole chunk of the response under way; False, and nothing is written, while its buffer is full."""
        ...


Events = Callable[[Connection], AsyncGenerator[sse.Event, None]]
"""Makes the events. It may also write to the connection itself, while its next event is waited for."""


class StreamSupervisor:
    """The event streams of a process: ends them at shutdown, aborts stalled ones, counts them."""

    def __init__(self, metrics: Metrics, stalled_seconds: float) -> None:
        """`stalled_seconds` is how long one write may take."""
        self.closed = False
        self.metrics = metrics
        self._stalled_seconds = stalled_seconds
        self._on_close: list[Callable[[], None]] = []
        self._writing: dict[int, tuple[float, Callable[[], None]]] = {}

    @staticmethod
    def end_of_life() -> float:
        """When a stream that begins now has to end (monotonic seconds)."""
        return time.monotonic() + random.uniform(*LIFE_SECONDS)  # noqa: S311  spreads load, protects nothing

    def on_close(self, notify: Callable[[], None]) -> None:
        """Register what wakes waiting streams at shutdown."""
        self._on_close.append(notify)

    def close(self) -> None:
        """Every stream ends, soon."""
        self.closed = True
        for notify in self._on_close:
            notify()

    def count_cut(self, reason: str) -> None:
        self.metrics.cut.labels(reason).inc()

    def write_began(self, key: int, abort: Callable[[], None]) -> None:
        self._writing[key] = (time.monotonic(), abort)

    def write_ended(self, key: int) -> None:
        self._writing.pop(key, None)

    async def watch(self) -> None:
        """Abort streams whose write takes too long; in a task of its own."""
        while True:
            await asyncio.sleep(min(1.0, self._stalled_seconds / 2))
            late = time.monotonic() - self._stalled_seconds
            for key, (since, abort) in list(self._writing.items()):
                if since < late:
                    self._writing.pop(key, None)
                    self.count_cut("stalled")
                    abort()


class EventStream:
    """A response that sends events until they end or the client leaves.

    A stream lives for hours. So it begins within the application, where its headers are made, and goes on outside of it
    (see `Streaming`): a dozen layers of middleware would each keep a frame for every reader.
    """

    __slots__ = ("_events", "_held", "_name", "_places", "_supervisor")

    def __init__(self, events: Events, supervisor: StreamSupervisor, name: str, places: Callable[[], Places]) -> None:
        """`name` is the stream's label in metrics; `places` takes what it holds as long as it lasts, or raises
        TooManyRequests."""
        self._events = events
        self._supervisor = supervisor
        self._name = name
        self._places = places
        self._held: Places | None = None

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Raises what `places` does, before anything is sent."""
        head = scope["method"] == "HEAD"
        if not head:
            self._held = self._places()
            scope[_STREAM] = self
        await send({"type": "http.response.start", "status": 200, "headers": list(sse.HEADERS)})
        if head:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def close(self) -> None:
        """Give back what it holds; once is enough."""
        if self._held is not None:
            self._held.close()

    async def run(self, connection: Connection, send: Send) -> None:
        """The rest of the response. The task ends with the connection."""
        viewers = self._supervisor.metrics.viewers.labels(self._name)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine of the server's
        lost = False

        def end() -> None:
            nonlocal lost
            lost = True
            task.cancel()

        viewers.inc()
        connection.when_lost(end)
        try:
            await self._send(connection, send)
        except asyncio.CancelledError:
            if not lost:
                raise
            task.uncancel()
        finally:
            connection.when_lost(None)
            self._supervisor.write_ended(id(self))
            viewers.dec()

    async def _send(self, connection: Connection, send: Send) -> None:
        async with aclosing(self._events(connection)) as events:
            async for event in events:
                data = event.encode()
                if data:
                    self._supervisor.write_began(id(self), connection.abort)
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                    self._supervisor.write_ended(id(self))
                    if self._name == "logs":
                        self._supervisor.metrics.log_bytes_sent(len(data))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Streaming:
    """The outermost layer: runs the streams that the application began, when it has returned."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except BaseException:
            if (begun := scope.pop(_STREAM, None)) is not None:
                begun.close()
            raise
        stream: EventStream | None = scope.pop(_STREAM, None)
        if stream is not None:
            connection: Connection = scope[CONNECTION]
            # Nobody asks for anything of the request any more, and the server keeps it as long as the response lasts.
            scope["headers"].clear()
            kept = {name: scope[name] for name in _KEPT_SCOPE_KEYS & scope.keys()}
            scope.clear()  # which also gives back the room that a dict keeps of keys that are deleted one by one
            scope.update(kept)
            try:
                await stream.run(connection, send)
            finally:
                stream.close()
