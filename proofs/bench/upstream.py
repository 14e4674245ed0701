"""The upstream: one bare protocol for all that is asked, which counts what it served.

What a proxy did not pass on is not proxied, so the counts of both ends have to be the same. By path: `/bulk/length/N`
and `/bulk/chunked/N` are a body of N blocks, `/bulk/upload` takes one, `/bulk/socket` echoes WebSocket messages,
`/bulk/stream/N` sends N records at a steady pace, `/mid` is 100 KB; anything else is answered with one kilobyte.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Final, cast

from proofs.bench import bodies

STREAM_SECONDS: Final = 0.01
"""Between two records of a stream."""
_ANSWER: Final = bodies.answer(bodies.BODY)
_MID: Final = bodies.answer(bodies.MID)
_OTHERS: Final = (b"GET /bulk/", b"GET /mid ")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_KEY: Final = re.compile(rb"\r\nsec-websocket-key:[ \t]*(\S+)", re.IGNORECASE)
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PADDING: Final = bodies.BLOCK[: bodies.RECORD - 20]
_HIGH_WATER: Final = 512 * 1024


class Upstream:
    """`digest` is of the last uploaded body, taken only while `checking`: hashing costs."""

    def __init__(self) -> None:
        self.served = 0
        self.port = 0
        self.checking = True
        self.digest = ""
        self.connections: set[asyncio.Transport] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Upstream]:
        server = await asyncio.get_running_loop().create_server(lambda: _Serving(self), "127.0.0.1", 0, backlog=4096)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            for transport in self.connections:
                transport.abort()
            await asyncio.sleep(0)


class _Serving(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._rest = b""
        self._take: Callable[[bytes], None] | None = None
        self._left = 0
        self._digest = hashlib.sha256()
        self._writing = True
        self._pieces: Iterator[bytes] = iter(())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._upstream.connections.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._upstream.connections.discard(self._transport)

    def pause_writing(self) -> None:
        self._writing = False

    def resume_writing(self) -> None:
        self._writing = True
        self._pump()

    def data_received(self, data: bytes) -> None:
        if self._take is not None:
            self._take(data)
            return
        if self._rest:
            data = self._rest + data
        if not data.startswith(b"GET /") or data.startswith(_OTHERS):
            self._one(data)
            return
        heads = data.count(b"\r\n\r\n")
        self._rest = b"" if data.endswith(b"\r\n\r\n") else data[data.rfind(b"\r\n\r\n") + 4 if heads else 0 :]
        if heads:
            self._upstream.served += heads
            self._transport.write(_ANSWER * heads)

    def _one(self, data: bytes) -> None:
        """A request that is not of the usual kind."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            return
        self._rest = b""
        head, data = data[: end + 2], data[end + 4 :]
        method, target, _ = head.split(b" ", 2)
        _, _, kind, count = (target + b"///").split(b"/")[:4]
        if method == b"GET" and target.startswith(b"/bulk/"):
            _GETS[kind](self, int(count or 0), head)
        elif method == b"GET":
            self._upstream.served += 1
            self._transport.write(_MID)
        elif b"\r\ntransfer-encoding:" in head.lower():
            self._transport.write(b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n\r\n")
        else:
            found = _LENGTH.search(head)
            self._left, self._take, self._digest = int(found[1]) if found else 0, self._body, hashlib.sha256()
            self._body(data)

    def _body(self, data: bytes) -> None:
        self._left -= len(data)
        if self._upstream.checking:
            self._digest.update(data)
        if self._left <= 0:
            self._take = None
            self._upstream.digest = self._digest.hexdigest()
            self._upstream.served += 1
            self._transport.write(_ANSWER)

    def _length(self, count: int, _: bytes) -> None:
        self._upstream.served += 1
        self._transport.write(bodies.answer(b"").replace(b"Length: 0", b"Length: %d" % (count * len(bodies.BLOCK))))
        self._pieces = repeat(bodies.BLOCK, count)
        self._pump()

    def _chunked(self, count: int, _: bytes) -> None:
        self._upstream.served += 1
        self._transport.write(_chunked_head())
        self._pieces = iter((*repeat(bodies.CHUNKED_BLOCK, count), b"0\r\n\r\n"))
        self._pump()

    def _pump(self) -> None:
        while self._writing and (piece := next(self._pieces, None)) is not None:
            self._transport.write(piece)

    def _stream(self, count: int, _: bytes) -> None:
        self._upstream.served += 1
        self._transport.write(_chunked_head())
        # Streams that were asked for together do not send together.
        asyncio.get_running_loop().call_later(self._upstream.served % 16 / 16 * STREAM_SECONDS, self._record, count)

    def _record(self, left: int) -> None:
        if self._transport.is_closing():
            return
        if not left:
            self._transport.write(b"0\r\n\r\n")
            return
        asyncio.get_running_loop().call_later(STREAM_SECONDS, self._record, left - 1)
        self._transport.write(b"%x\r\n%020d%b\r\n" % (bodies.RECORD, time.perf_counter_ns(), _PADDING))

    def _socket(self, _: int, head: bytes) -> None:
        key = _KEY.search(head)
        self._take = self._echo
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept(key[1] if key else b"")
        )

    def _echo(self, data: bytes) -> None:
        data = self._rest + data
        while len(data) >= len(bodies.FRAME):
            if data[1] != bodies.FRAME[1]:
                self._transport.close()
                return
            frame, data = data[: len(bodies.FRAME)], data[len(bodies.FRAME) :]
            self._upstream.served += 1
            self._transport.write(bodies.ECHO[:2] + unmasked(frame))
        self._rest = data


_GETS: Final[dict[bytes, Callable[[_Serving, int, bytes], None]]] = {
    b"length": _Serving._length,
    b"chunked": _Serving._chunked,
    b"stream": _Serving._stream,
    b"socket": _Serving._socket,
}


def _chunked_head() -> bytes:
    return bodies.answer(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")


def unmasked(frame: bytes) -> bytes:
    """The message of a client's frame of 64 bytes (RFC 6455, section 5.3)."""
    mask, message = frame[2:6], frame[6:]
    if mask == b"\0\0\0\0":
        return message
    repeated = int.from_bytes(mask * (len(message) // 4), "big")
    return (int.from_bytes(message, "big") ^ repeated).to_bytes(len(message), "big")


def accept(key: bytes) -> bytes:
    """The answer to a Sec-WebSocket-Key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
