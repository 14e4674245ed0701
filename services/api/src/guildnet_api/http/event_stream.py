"""An event stream as an ASGI answer: blocks of bytes as they come, until they end or the client leaves.

A client that takes nothing for too long is aborted: its buffer is bounded (the server pauses above 64 KiB), and so is
the time it may stay full. When the process closes down, every stream ends by itself with a `retry`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Final, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from guildnet_api.http import sse
from guildnet_api.metrics import Metrics

CONNECTION: Final = "guildnet.connection"
"""Key of the scope under which the server puts the request's `Connection`."""
_UNDER_WAY: Final = "guildnet.stream"
_KEPT: Final = frozenset({"type", "method", "http_version"})
"""What the server itself looks at while an answer is under way."""


class Connection(Protocol):
    """What a stream may do with its connection besides ASGI's `send`."""

    def when_lost(self, call: Callable[[], None] | None) -> None:
        """Call this when the client is gone, at once where it is already; None: do not any more."""
        ...

    def abort(self) -> None:
        """Drop it, whatever is still to be written."""
        ...

    def write(self, chunk: bytes) -> bool:
        """Write a whole chunk of the answer under way; False, and nothing is written, where its reader is behind."""
        ...


Blocks = Callable[[Connection], AsyncGenerator[bytes, None]]
"""What makes the bytes. It may also write to the connection itself, while its next block is waited for."""


class Closing:
    """Whether streams are to end, who is slow, and how many there are."""

    def __init__(self, metrics: Metrics, slow_seconds: float, retry_ms: int = 1000) -> None:
        self.closed = False
        self.retry_ms = retry_ms
        self.metrics = metrics
        self._slow = slow_seconds
        self._wake: list[Callable[[], None]] = []
        self._sending: dict[int, tuple[float, Callable[[], None]]] = {}

    def wakes(self, notify: Callable[[], None]) -> None:
        """Register what makes waiting streams look around."""
        self._wake.append(notify)

    def close(self) -> None:
        """Every stream ends, soon."""
        self.closed = True
        for notify in self._wake:
            notify()

    def cut(self, reason: str) -> None:
        self.metrics.cut.labels(reason).inc()

    def began(self, key: int, abort: Callable[[], None]) -> None:
        self._sending[key] = (time.monotonic(), abort)

    def took(self, key: int) -> None:
        self._sending.pop(key, None)

    async def watch(self) -> None:
        """Abort whoever blocks a write for longer than allowed; in a task of its own."""
        while True:
            await asyncio.sleep(min(1.0, self._slow / 2))
            late = time.monotonic() - self._slow
            for key, (since, abort) in list(self._sending.items()):
                if since < late:
                    self._sending.pop(key, None)
                    self.cut("stalled")
                    abort()


class EventStream:
    """An answer that sends blocks until they end or the client leaves; empty ones are not sent.

    A stream lives for hours. So it begins within the application, where its headers are made, and goes on outside of it
    (see `Streaming`): a dozen layers of middleware would each keep a frame for every reader.
    """

    __slots__ = ("_blocks", "_closing", "_headers", "_name")

    def __init__(
        self, blocks: Blocks, closing: Closing, name: str, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        self._blocks = blocks
        self._closing = closing
        self._name = name
        self._headers = [*sse.HEADERS, *headers]

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            scope[_UNDER_WAY] = self

    async def run(self, connection: Connection, send: Send) -> None:
        """The rest of the answer. The task ends with the connection."""
        viewers = self._closing.metrics.viewers.labels(self._name)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of the server's
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
            self._closing.took(id(self))
            viewers.dec()

    async def _send(self, connection: Connection, send: Send) -> None:
        async with aclosing(self._blocks(connection)) as blocks:
            async for block in blocks:
                if block:
                    self._closing.began(id(self), connection.abort)
                    await send({"type": "http.response.body", "body": block, "more_body": True})
                    self._closing.took(id(self))
                    if self._name == "logs":
                        self._closing.metrics.wrote(len(block))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Streaming:
    """The outermost layer: runs the streams that the application began, when it has returned."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        stream: EventStream | None = scope.pop(_UNDER_WAY, None)
        if stream is not None:
            connection: Connection = scope[CONNECTION]
            # Nobody asks for anything of the request any more, and the server keeps it as long as the answer lasts.
            scope["headers"].clear()
            for name in scope.keys() - _KEPT:
                del scope[name]
            await stream.run(connection, send)
