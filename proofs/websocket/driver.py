"""Plays one case over one connection, and keeps all that the server said."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from dataclasses import dataclass
from typing import Final

from proofs.websocket.case import Await, AwaitClose, Case, Pause
from proofs.websocket.frames import BINARY, CLOSE, CONTINUATION, PONG, TEXT, Frame, Reader

WITHIN_SECONDS: Final = 15.0
_HANDSHAKE: Final = (
    "GET / HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
)
_OF_THE_HANDSHAKE: Final = (b"sec-websocket-accept", b"sec-websocket-extensions", b"sec-websocket-protocol")


@dataclass(frozen=True, slots=True)
class Heard:
    """What a server said: its handshake, its bytes and the frames they are, the close's code, and how it ended."""

    handshake: tuple[bytes, ...]
    frames: tuple[str, ...]
    echoes: int
    size: int
    sha256: str
    code: int | None
    end: str


class _Connection:
    """One connection while a case is played: a plain socket, for a transport that cannot write forgets to read."""

    def __init__(self, taken: socket.socket) -> None:
        self.taken = taken
        self.frames: list[Frame] = []
        self.digest = hashlib.sha256()
        self.size = 0
        self.echoes = 0
        self.closing = False
        self.end = ""
        self.news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def write(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.taken, data)

    async def head(self) -> bytes:
        """The handshake's answer. Raises OSError where the connection ends before it."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            octet = await self._loop.sock_recv(self.taken, 1)
            if not octet:
                raise ConnectionResetError(head)
            head += octet
        return head

    async def read(self) -> None:
        """All frames until the server ends the connection."""
        parsed = Reader()
        try:
            while data := await self._loop.sock_recv(self.taken, 1 << 16):
                self.size += len(data)
                self.digest.update(data)
                for frame in parsed.feed(data):
                    self._took(frame)
                self.news.set()
        except OSError:
            pass  # a reset is how a close arrives while bytes of ours are under way
        self.end = "closed inside a frame" if parsed.rest else "closed"
        self.news.set()

    def _took(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.echoes += frame.fin and frame.opcode in {CONTINUATION, TEXT, BINARY, PONG}
        self.closing = self.closing or frame.opcode == CLOSE

    async def echoed(self, count: int) -> None:
        """Returns when so much has come back, or the connection has ended."""
        while not (self.end or self.echoes >= count):
            self.news.clear()
            await self.news.wait()

    async def closed(self) -> None:
        """Returns when the server's close frame has come, or the connection has ended."""
        while not (self.end or self.closing):
            self.news.clear()
            await self.news.wait()


async def play(port: int, host: str, cookie: str, case: Case) -> Heard:
    """What the server at this port says to the case; what it has not said in time is not waited for."""
    loop = asyncio.get_running_loop()
    extensions = f"Sec-WebSocket-Extensions: {case.extensions}\r\n" if case.extensions else ""
    with socket.socket() as taken:
        taken.setblocking(False)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(WITHIN_SECONDS):
            await loop.sock_connect(taken, ("127.0.0.1", port))
            connection = _Connection(taken)
            await connection.write(_HANDSHAKE.format(host=host, cookie=cookie, extensions=extensions).encode())
            head = await connection.head()
        reading = asyncio.create_task(connection.read())
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                await _say(connection, case)
                await asyncio.shield(reading)
        except TimeoutError:
            connection.end = "left open"
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    return _heard(head, connection)


async def _say(connection: _Connection, case: Case) -> None:
    try:
        for step in case.script():
            if isinstance(step, Await):
                await connection.echoed(step.count)
            elif isinstance(step, AwaitClose):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(step.seconds):
                        await connection.closed()
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            else:
                await connection.write(step)
    except OSError:
        pass  # the server has closed: what it said is what counts


def _heard(head: bytes, connection: _Connection) -> Heard:
    start, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    said = [line for line in lines if line.lower().startswith(_OF_THE_HANDSHAKE)]
    frames = connection.frames
    codes = [frame.code for frame in frames if frame.code is not None]
    shown = tuple(f"{frame.opcode}{'' if frame.fin else '+'}/{frame.rsv}:{len(frame.payload)}" for frame in frames)
    code = codes[0] if codes else None
    echoes, sha256 = connection.echoes, connection.digest.hexdigest()
    handshake = (start[9:12], *sorted(line.lower() for line in said))
    return Heard(handshake, shown, echoes, connection.size, sha256, code, connection.end)


def passed(case: Case, heard: Heard) -> bool:
    """Did the server do what the case asks of one: echo all, or fail the connection by a code that says why?"""
    if heard.handshake[0] != b"101" or heard.end != "closed" or heard.echoes < case.echoes:
        return False
    if case.fails:
        return heard.code in {1002, 1003, 1007}
    return case.closes or heard.code == 1000
