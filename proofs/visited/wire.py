"""Requests as bytes, to the proxy's listeners and to the api, and their answers as text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ANSWER_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer to a request that asked for the end of its connection."""

    status: int
    head: str
    body: bytes

    def values(self, name: str) -> list[str]:
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return [value.strip() for key, _, value in lines if key.lower() == name.lower()]


async def connected(where: int | Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To a port of loopback, or to a socket."""
    if isinstance(where, Path):
        return await asyncio.open_unix_connection(str(where), limit=2**20)
    return await asyncio.open_connection("127.0.0.1", where, limit=2**20)


def request(method: str, target: str, lines: Sequence[str], body: bytes = b"") -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, *length, "", ""]).encode("latin-1") + body


async def ask(where: int | Path, method: str, target: str, *lines: str, body: bytes = b"") -> Answer:
    reader, writer = await connected(where)
    try:
        writer.write(request(method, target, ("Connection: close", *lines), body))
        async with asyncio.timeout(ANSWER_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            rest = await reader.read(-1)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if "transfer-encoding: chunked" in head.lower():
        rest = _joined(rest)
    return Answer(int(head.split(" ")[1]), head, rest)


def _joined(chunks: bytes) -> bytes:
    found = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size.partition(b";")[0] or b"0", 16)
        if not length:
            break
        found, chunks = found + rest[:length], rest[length + 2 :]
    return found
