"""Connections that are held open and notice when their last byte came and when they ended; and a pod that ends none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs.visited.wire import connected, request

BEAT_SECONDS: Final = 0.1
WEBSOCKET: Final = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a caller holds: where its requests go, by which lines, and what it is of."""

    name: str
    where: int | Path
    target: str
    lines: tuple[str, ...]
    method: str = "GET"
    status: int = 200


class Held:
    """A connection that is open until somebody else ends it. `last` is when its last byte came, or could be sent."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.last = 0.0
        self.ended = False
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> Held:
        """Raises AssertionError where it is not let in."""
        line = self.line
        reader, writer = await connected(line.where)
        self._writer = writer
        uploads = line.method == "POST"
        more = ("Content-Length: 1000000000",) if uploads else ("Connection: close",) if line.status == 200 else ()
        writer.write(request(line.method, line.target, (*line.lines, *more)))
        if not uploads:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            assert int(head.split(b" ")[1]) == line.status, (line, head)
        self.last = time.monotonic()
        self._tasks.append(asyncio.create_task(self._read(reader, counts=not uploads)))
        if uploads:
            self._tasks.append(asyncio.create_task(self._send(writer)))
        return self

    async def _read(self, reader: asyncio.StreamReader, *, counts: bool) -> None:
        with suppress(OSError):
            while await reader.read(65536):
                if counts:
                    self.last = time.monotonic()
        self.ended = True

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while not self.ended:
                writer.write(b"x" * 64)
                await writer.drain()
                self.last = time.monotonic()
                await asyncio.sleep(BEAT_SECONDS)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writer is not None:
            self._writer.transport.abort()


class Asking:
    """The next request, again and again. `last` is when one was let through last, `ended` that one was not."""

    def __init__(self, name: str, ask: Callable[[], Awaitable[int]]) -> None:
        self.name = name
        self.last = 0.0
        self.ended = False
        self._ask = ask
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> Asking:
        assert await self._ask() == 200, self.name
        self.last = time.monotonic()
        self._task = asyncio.create_task(self._go_on())
        return self

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if await self._ask() in (200, 503):  # being asked about somebody is not being refused
                self.last = time.monotonic()
                self.ended = False
            else:
                self.ended = True

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


async def pod(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes uploads for ever, and sends something all the time over streams and WebSockets."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if head.startswith(b"post"):
            while await reader.read(65536):
                pass
        elif b"upgrade: websocket" in head:
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            await _beat(writer, b"\x81\x01x")
        elif b"/events" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            await _beat(writer, b"data: x\n\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass  # the proof's own end cancels it
    finally:
        writer.close()


async def _beat(writer: asyncio.StreamWriter, beat: bytes) -> None:
    while not writer.transport.is_closing():
        writer.write(beat)
        await writer.drain()
        await asyncio.sleep(BEAT_SECONDS)
