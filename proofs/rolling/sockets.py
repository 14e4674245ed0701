"""WebSockets held open: a message now and then, its echo checked; one that was closed is made again at once."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from proofs.rolling.service import Run, Service
from proofs.soaking.upstream import body_of
from proofs.websocket.case import code
from proofs.websocket.frames import BINARY, CLOSE, Frame, Reader, frame

SIZES: Final = (2, 50, 300, 50, 4_000, 50, 300, 20_000)
ECHO_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.5
"""After a failure, until it is tried again."""
GOING_AWAY: Final = 1001


@dataclass(frozen=True, slots=True)
class Closed:
    """One that ended: by which proxy, seconds after its SIGTERM (None without one), and the close frame's code."""

    pod: str
    after: float | None
    code: int | None


@dataclass
class Held:
    """All WebSockets: how many are open, what was checked, how those ended that the clients did not, and failures."""

    open: int = 0
    echoes: int = 0
    closed: list[Closed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class _Socket(asyncio.Protocol):
    """One connection from its handshake to its end."""

    def __init__(self, sockets: Sockets, handshake: bytes, run: Run, pause: float) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_open = False
        self._sockets = sockets
        self._handshake = handshake
        self._run = run
        self._pause = pause
        self._head = b""
        self._frames = Reader()
        self._awaited = b""
        self._failed = False
        self._closing: Closed | None = None
        self._timer: asyncio.TimerHandle | None = None

    def itself(self) -> _Socket:
        """For asyncio, which asks for what makes a protocol."""
        return self

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        transport.write(self._handshake)
        self._later(ECHO_SECONDS, self._fail, "no answer to the handshake")

    def data_received(self, data: bytes) -> None:
        if not self.is_open:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._fail(f"the handshake's answer is {self._head[:200]!r}")
                return
            self.is_open = True
            self._sockets.held.open += 1
            self._later(self._pause, self._say)
        for each in self._frames.feed(data):
            self._took(each)

    def _took(self, taken: Frame) -> None:
        if self._closing is not None:
            self._sockets.held.failures.append("a frame came behind the close frame")
        elif taken.opcode == CLOSE:
            self._closing = self._end(taken.code)
            self.transport.write(frame(CLOSE, code(taken.code or 1000)))
            self._later(ECHO_SECONDS, self._fail, "the connection was left open behind its close frame")
        elif taken.opcode != BINARY or not self._awaited or taken.payload != self._awaited:
            self._fail(f"a frame that is no echo: {taken.opcode}, {len(taken.payload)} bytes")
        else:
            self._awaited = b""
            self._sockets.held.echoes += 1
            self._later(self._pause, self._say)

    def _say(self) -> None:
        number = next(self._sockets.numbers)
        # Text, as terminals and editors send: who begins to read within it takes no letter for a frame's header.
        self._awaited = body_of(str(number), SIZES[number % len(SIZES)] // 2).hex().encode()
        self.transport.write(frame(BINARY, self._awaited))
        self._later(ECHO_SECONDS, self._fail, "no echo")

    def _fail(self, what: str) -> None:
        if not (self._sockets.over or self._failed):
            self._sockets.held.failures.append(f"{what} ({self._run})")
        self._failed = True
        self.transport.abort()

    def _later(self, seconds: float, call: Any, *args: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, call, *args)

    def _end(self, number: int | None) -> Closed:
        return Closed(self._run.pod, self._run.after, number)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        sockets = self._sockets
        if self.is_open:
            sockets.held.open -= 1
            if not sockets.over:
                sockets.held.closed.append(self._closing or self._end(None))
        else:
            self._fail("the connection ended before it was one")
        self.ended.set_result(None)


def handshake_of(host: str, cookie: str) -> bytes:
    """What a client says first, as a page of the workspace's own."""
    return (
        f"GET /socket/0/0/0 HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nOrigin: http://{host}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


class Sockets:
    """All WebSockets of the proof."""

    def __init__(self, service: Service) -> None:
        self.held = Held()
        self.over = False
        self.numbers: Iterator[int] = itertools.count(1)
        self._service = service
        self._now: set[_Socket] = set()

    async def hold(self, handshake: bytes, seed: int, pause: float) -> None:
        """One client with one WebSocket, until it is over; a message about every `pause` seconds."""
        chance = random.Random(seed)
        while not self.over:
            try:
                taken, run = await self._service.dial()
            except (OSError, TimeoutError) as error:
                self.held.failures.append(f"no connection: {error!r}")
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            one = _Socket(self, handshake, run, pause * (0.5 + chance.random()))
            await asyncio.get_running_loop().create_connection(one.itself, sock=taken)
            self._now.add(one)
            await one.ended
            self._now.discard(one)
            if not one.is_open:
                await asyncio.sleep(AGAIN_SECONDS)

    def end(self) -> None:
        """It is over: all clients leave."""
        self.over = True
        for one in list(self._now):
            one.transport.abort()
