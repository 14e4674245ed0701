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

from starlette.types import Receive, Scope, Send

from guildnet_api import sse
from guildnet_api.metrics import Metrics

CONNECTION: Final = "guildnet.connection"
"""Key of the scope under which the server puts its `Connection`; absent where the application is called without one."""


class Connection(Protocol):
    """What a stream may do with its connection besides ASGI's `send`."""

    def abort(self) -> None:
        """Drop it, whatever is still to be written."""
        ...

    def write(self, chunk: bytes) -> bool:
        """Write a whole chunk of the answer under way; False, and nothing is written, where its reader is behind."""
        ...


Blocks = Callable[[Connection | None], AsyncGenerator[bytes, None]]
"""What makes the bytes. With a connection it may also write to that itself, while its next block is waited for."""


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
    """An ASGI application that sends blocks; empty ones are not sent."""

    def __init__(
        self,
        blocks: Blocks,
        closing: Closing,
        name: str,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        self._blocks = blocks
        self._closing = closing
        self._name = name
        self._headers = [*sse.HEADERS, *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewers = self._closing.metrics.viewers.labels(self._name)
        viewers.inc()
        left = asyncio.ensure_future(_left(receive))
        sending = asyncio.ensure_future(self._send(scope, send))
        try:
            await asyncio.wait({left, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            viewers.dec()
            for task in (left, sending):
                task.cancel()
            await asyncio.gather(left, sending, return_exceptions=True)

    async def _send(self, scope: Scope, send: Send) -> None:
        connection: Connection | None = scope.get(CONNECTION)
        abort = connection.abort if connection else _nothing
        key = id(self)
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        if scope["method"] != "HEAD":
            async with aclosing(self._blocks(connection)) as blocks:
                async for block in blocks:
                    if block:
                        self._closing.began(key, abort)
                        await send({"type": "http.response.body", "body": block, "more_body": True})
                        self._closing.took(key)
                        if self._name == "logs":
                            self._closing.metrics.wrote(len(block))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _nothing() -> None:
    return


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
