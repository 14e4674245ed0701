"""The bytes that are asked for and answered, and the judgement of what came back. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Final

BODY: Final = b"".join(hashlib.sha256(b"guildnet %d" % number).hexdigest().encode() for number in range(16))
"""One kilobyte."""
BLOCK: Final = b"".join(hashlib.sha256(b"block %d" % number).digest() for number in range(1 << 15))
"""One mebibyte that does not compress; large bodies repeat it."""
MID: Final = BLOCK[: 100 * 1024]
PIECE: Final = 16 * 1024
"""Bytes of a chunk of a chunked body."""
CHUNKED_BLOCK: Final = b"".join(b"%x\r\n%b\r\n" % (PIECE, BLOCK[at : at + PIECE]) for at in range(0, len(BLOCK), PIECE))
RECORD: Final = 1024
"""Bytes of a record of a stream: the time at which it was written in 20 digits, then padding."""
FRAME: Final = b"\x82\xc0\0\0\0\0" + BODY[:64]
"""A WebSocket message of 64 bytes as a client sends it; masked, as it has to be, by zeros."""
ECHO: Final = b"\x82\x40" + BODY[:64]
KEY: Final = "Z3VpbGRuZXQgYmVuY2ghIQ=="
"""A Sec-WebSocket-Key."""

_BROWSER: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)


class WrongAnswerError(Exception):
    """An answer that voids its round; the text says what was wrong with it."""


def answer(body: bytes) -> bytes:
    """What the upstream answers, as programs of workspaces do."""
    digest = hashlib.sha256(body).hexdigest()[:16].encode()
    head = (
        b"HTTP/1.1 200 OK\r\n"
        b"Server: upstream\r\n"
        b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        b"Content-Type: application/json\r\n"
        b'Etag: "%b"\r\n'
        b"Cache-Control: no-cache\r\n"
        b"X-Content-Type-Options: nosniff\r\n"
        b"Content-Length: %d\r\n\r\n"
    ) % (digest, len(body))
    return head + body


def request(
    host: str, cookie: str, target: str, *more: str, method: str = "GET", connection: str = "keep-alive"
) -> bytes:
    """What a browser sends for a script's fetch on a workspace's page. Every proxy gets these very bytes."""
    lines = (
        f"{method} {target} HTTP/1.1",
        f"Host: {host}",
        f"Connection: {connection}",
        'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
        "sec-ch-ua-mobile: ?0",
        'sec-ch-ua-platform: "Linux"',
        f"User-Agent: {_BROWSER}",
        "Accept: application/json, text/plain, */*",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Dest: empty",
        f"Referer: http://{host}/lab",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-GB,en;q=0.9",
        f"Cookie: _xsrf=2|5c1f4a3b|b5e0a8d7c6; {cookie}",
        *more,
    )
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def head_of(data: bytes, status: bytes = b"2") -> tuple[int, bytes] | None:
    """Where the body begins, and the head; None while it is not complete. Raises WrongAnswerError by the status."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    if not data.startswith(b"HTTP/1.1 " + status):
        raise WrongAnswerError(f"status {data[9:12].decode('latin-1')}")
    return end + 4, data[: end + 2]


def announced(head: bytes, expected: int) -> None:
    """Raises WrongAnswerError where the head does not announce a body of this length."""
    found = _LENGTH.search(head)
    if found is None:
        raise WrongAnswerError("no Content-Length")
    if int(found[1]) != expected:
        raise WrongAnswerError(f"{int(found[1])} bytes announced for a body of {expected}")


def complete(data: bytes, body: bytes) -> bool:
    """Is the whole answer there, as it should be? False while some of it is missing; raises WrongAnswerError."""
    found = head_of(data)
    if found is None:
        return False
    start, head = found
    announced(head, len(body))
    if len(data) - start < len(body):
        return False
    if data[start:] != body:
        raise WrongAnswerError("another body")
    return True


def repeated(size: int) -> str:
    """The SHA-256 of a body of so many bytes of repeated blocks."""
    digest = hashlib.sha256()
    for left in range(size, 0, -len(BLOCK)):
        digest.update(BLOCK[:left])
    return digest.hexdigest()
