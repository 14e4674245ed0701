"""Hostile upstreams: what the workspace `evil` does with a request, by the first part of its path."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SWITCHED: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BLOCK: Final = b"x" * 65536
PAUSE: Final = 0.02
FOREVER: Final = 75.0
"""Longer than any deadline that ends what waits for it."""


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _repeated(writer: asyncio.StreamWriter, data: bytes, pause: float = 0.0) -> None:
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause)


def says(first: bytes, *, then: bytes = b"", pause: float = PAUSE, end: str = "stays") -> Talk:
    """Writes `first`, then `then` for ever, or ends as told."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        if then:
            await _repeated(writer, then, pause)
        if end == "stays":
            await asyncio.sleep(FOREVER)
        await asyncio.sleep(PAUSE)
        if end == "resets":
            reset(writer)

    return talk


def _stop_reading(writer: asyncio.StreamWriter) -> None:
    # The types say that a writer's transport only writes.
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # of TCP, which typeshed does not say


async def _not_read(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _stop_reading(writer)
    await asyncio.sleep(FOREVER)


async def _early_answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _stop_reading(writer)
    writer.write(OK)
    await asyncio.sleep(FOREVER)


async def _switched_not_read(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _stop_reading(writer)
    writer.write(SWITCHED)
    await asyncio.sleep(FOREVER)


async def _half_closed(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(SWITCHED)
    writer.write_eof()
    await asyncio.sleep(FOREVER)


async def _chatty(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks when nobody asked: on a connection that lies in the pool."""
    writer.write(OK)
    await asyncio.sleep(PAUSE)
    writer.write(OK * 100)


TALKS: Final[dict[str, Talk]] = {
    "ok": says(OK, end="closes"),
    "big": says(b"HTTP/1.1 200 OK\r\n\r\n", then=BLOCK, pause=0.0),
    "flood": says(SWITCHED + BLOCK * 4, then=BLOCK, pause=0.0),
    "silent-socket": says(SWITCHED),
    "not-read": _not_read,
    "early-answer": _early_answer,
    "socket-not-read": _switched_not_read,
    "socket-half-closed": _half_closed,
    "head-by-byte": says(b"HTTP/1.1 200 OK\r\n", then=b"a:\r\n"),
    "head-endless": says(b"HTTP/1.1 200 OK\r\n", then=b"a: b\r\n" * 1000, pause=0.0),
    "interim-endless": says(b"", then=b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, pause=0.0),
    "interim-slow": says(b"", then=b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "garbage": says(b"\x00\xffnonsense\r\n\r\n", end="closes"),
    "never": says(b""),
    "resets-at-once": says(b"", end="resets"),
    "resets-in-head": says(b"HTTP/1.1 200", end="resets"),
    "resets-after-head": says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", end="resets"),
    "resets-in-chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab", end="resets"),
    "resets-in-socket": says(SWITCHED + b"\x81", end="resets"),
    "closes-in-body": says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", end="closes"),
    "chunks-endless": says(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", then=b"1\r\na\r\n" * 5000, pause=0.0
    ),
    "extensions-endless": says(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", then=b"a=b;" * 5000, pause=0.0
    ),
    "trailers-endless": says(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", then=b"a: b\r\n" * 3000, pause=0.0
    ),
    "chunk-too-long": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    "switches-unasked": says(SWITCHED),
    "chatty": _chatty,
    "odd-location": says(b"HTTP/1.1 302 Found\r\nLocation: http:/\t/127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n"),
    "two-lengths": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "more-than-promised": says(OK + BLOCK, end="closes"),
    "odd-status": says(b"HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", end="closes"),
}


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: one request, and what its path says."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        await TALKS[head.split(b" ")[1].split(b"/")[1].decode()](reader, writer)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError, KeyError):
        pass  # cancelled at the end of the proof, where nobody waits
    finally:
        writer.close()
