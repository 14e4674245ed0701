"""Upgrades, h2c and HTTP/1.0 (RFC 9110, section 7.8; RFC 9112, sections 9.3 and C.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.requests.lengths import SMUGGLED
from proofs.vectors.vector import GOOD, Seen, Vector, forwarded, get, post, refused

CLAUSE: Final = "RFC 9110, 7.8"
_SOCKET: Final = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
_IGNORED: Final = {
    "upgrade-h2c": b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n",
    "upgrade-h2c-without-settings": b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
    "upgrade-h2c-not-nominated": b"Upgrade: h2c\r\n",
    "upgrade-h2": b"Upgrade: h2\r\nConnection: Upgrade\r\n",
    "upgrade-http-2.0": b"Upgrade: HTTP/2.0\r\nConnection: Upgrade\r\n",
    "upgrade-tls": b"Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n",
    "upgrade-connect-udp": b"Upgrade: connect-udp\r\nConnection: Upgrade\r\n",
    "upgrade-spdy": b"Upgrade: SPDY/3.1\r\nConnection: Upgrade\r\n",
    "upgrade-empty": b"Upgrade:\r\nConnection: Upgrade\r\n",
}
"""Upgrades to what is not served: ignored, as RFC 9110 allows, and not passed on."""
_BAD: Final = {
    "upgrade-list": b"Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n",
    "upgrade-list-h2c-first": b"Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n",
    "upgrade-twice": b"Upgrade: websocket\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    "upgrade-twice-h2c-second": b"Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n",
    "upgrade-parameter": b"Upgrade: websocket;a=b\r\nConnection: Upgrade\r\n",
    "upgrade-version": b"Upgrade: websocket/13\r\nConnection: Upgrade\r\n",
    "upgrade-longer": b"Upgrade: websockets\r\nConnection: Upgrade\r\n",
    "upgrade-not-nominated": b"Upgrade: websocket\r\n",
    "upgrade-nominated-otherwise": b"Upgrade: websocket\r\nConnection: keep-alive\r\n",
    "upgrade-with-a-length": _SOCKET + b"Content-Length: 3\r\n",
    "upgrade-with-chunks": _SOCKET + b"Transfer-Encoding: chunked\r\n",
}


def vectors() -> Iterator[Vector]:
    for name, fields in _IGNORED.items():
        yield forwarded(name, CLAUSE, get(fields))
    for name, fields in _BAD.items():
        yield refused(name, CLAUSE, get(fields))
    yield refused("upgrade-of-a-post", "RFC 6455, 4.1", post(_SOCKET))
    yield refused("upgrade-of-a-head", "RFC 6455, 4.1", get(_SOCKET, b"HEAD /v HTTP/1.1"))
    yield refused("upgrade-on-1.0", CLAUSE, get(_SOCKET, b"GET /v HTTP/1.0"))
    # A server that does not switch answers as if nothing had been asked; what is behind is the next request.
    yield forwarded("upgrade-that-is-not-taken", "RFC 9110, 15.2.2", get(_SOCKET))
    behind = get(_SOCKET) + SMUGGLED
    yield forwarded("upgrade-not-taken-then-a-request", CLAUSE, behind, Seen(), Seen(target="/smuggled"))
    frame = get(_SOCKET) + b"\x81\x80abcd"
    yield forwarded("upgrade-not-taken-then-a-frame", CLAUSE, frame, Seen(), 400)
    zero = get(_SOCKET + b"Content-Length: 0\r\n")
    yield forwarded("upgrade-with-a-length-of-none", CLAUSE, zero)
    old = b"GET /v HTTP/1.0"
    yield forwarded("old-get", "RFC 9112, C.2", get(line=old), closes=True)
    kept = get(b"Connection: keep-alive\r\n", old)
    yield forwarded("old-kept-alive", "RFC 9112, C.2.2", kept, closes=True)
    yield forwarded("old-pipelined", "RFC 9112, 9.3.2", kept + SMUGGLED, closes=True)
    yield forwarded("old-head", "RFC 9110, 9.3.2", get(line=b"HEAD /v HTTP/1.0"), Seen("HEAD"), closes=True)
    body = post(b"Content-Length: 3\r\n", b"abc", b"POST /v HTTP/1.0")
    yield forwarded("old-post", "RFC 9112, 6.3", body, Seen("POST", body=b"abc"), closes=True)
    none = post(line=b"POST /v HTTP/1.0")
    yield forwarded("old-post-without-length", "RFC 9112, 6.3", none, Seen("POST"), closes=True)
    nothing = post(line=b"POST /v HTTP/1.0", body=b"abc")
    yield forwarded("old-post-until-close", "RFC 9112, 6.3", nothing, Seen("POST"), closes=True)
    lf = b"GET /v HTTP/1.0\n" + GOOD.replace(b"\r\n", b"\n") + b"\n"
    yield refused("old-bare-lf", "RFC 9112, 2.2", lf + b"\r\n\r\n")
    twice = post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc", b"POST /v HTTP/1.0")
    yield refused("old-length-twice", "RFC 9110, 8.6", twice)
    absolute = get(line=b"GET http://%HOST%/v HTTP/1.0")
    yield forwarded("old-absolute", "RFC 9112, 3.2.2", absolute, closes=True)
