"""Scenario `small`: an answer of 1 KB asked for over 50 kept-alive connections, as a browser would ask.

Pure: the bytes of the request and the answer, and the judgement of what came back.
"""

from __future__ import annotations

import hashlib

CONNECTIONS = 50
BODY = b"".join(hashlib.sha256(b"guildnet %d" % number).hexdigest().encode() for number in range(16))
SHA256 = hashlib.sha256(BODY).hexdigest()
ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    b"Server: upstream\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"Content-Type: application/json\r\n"
    b'Etag: "%s"\r\n'
    b"Cache-Control: no-cache\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
    b"Content-Length: %d\r\n\r\n%s"
) % (SHA256[:16].encode(), len(BODY), BODY)
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_LENGTH = b"\r\ncontent-length:"


class WrongAnswerError(Exception):
    """An answer that voids its round; the text says what was wrong with it."""


def request(host: str, cookie: str) -> bytes:
    """What a browser sends for a script's fetch on a workspace's page. Every proxy gets these very bytes."""
    lines = (
        "GET /api/contents/notebooks?content=0&hash=0 HTTP/1.1",
        f"Host: {host}",
        "Connection: keep-alive",
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
    )
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def complete(data: bytes, body: bytes = BODY) -> bool:
    """Is the whole answer there, as it should be? False while some of it is missing; raises WrongAnswerError."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    if not data.startswith(b"HTTP/1.1 2"):
        raise WrongAnswerError(f"status {data[9:12].decode('latin-1')}")
    head = data[: end + 2].lower()
    at = head.find(_LENGTH)
    if at < 0:
        raise WrongAnswerError("no Content-Length")
    start = at + len(_LENGTH)
    announced = int(head[start : head.index(b"\r\n", start)])
    if announced != len(body):
        raise WrongAnswerError(f"{announced} bytes announced for a body of {len(body)}")
    there = len(data) - end - 4
    if there < announced:
        return False
    if data[end + 4 :] != body:
        raise WrongAnswerError("another body")
    return True
