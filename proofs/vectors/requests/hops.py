"""What is for one hop: Connection and what it names, TE, Trailer, Expect, Keep-Alive (RFC 9110, 7.6.1 and 10.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.vector import SERVERS, Seen, Vector, forwarded, get, post

CLAUSE: Final = "RFC 9110, 7.6.1"
_DROPPED: Final = {
    "hop-nominated": b"Connection: X-Secret\r\nX-Secret: evil\r\n",
    "hop-nominated-before": b"X-Secret: evil\r\nConnection: X-Secret\r\n",
    "hop-nominated-in-another-case": b"Connection: x-sECRET\r\nX-Secret: evil\r\n",
    "hop-nominated-in-a-list": b"Connection: keep-alive, X-A ,X-Secret\r\nX-A: evil\r\nX-Secret: evil\r\n",
    "hop-nominated-on-two-lines": b"Connection: X-A\r\nConnection: X-B\r\nX-A: evil\r\nX-B: evil\r\n",
    "hop-nominated-with-tabs": b"Connection:\tX-A\t,\tX-B\r\nX-A: evil\r\nX-B: evil\r\n",
    "hop-nominated-empty-items": b"Connection: , ,X-A,\r\nX-A: evil\r\n",
    "hop-nominated-twice": b"Connection: X-A, X-A\r\nX-A: evil\r\nX-A: evil\r\n",
    "hop-nominated-authorization": b"Connection: Authorization\r\nAuthorization: Basic evil\r\n",
    "hop-nominated-cookie": b"Connection: Cookie\r\nCookie: a=evil\r\n",
    "hop-nominated-origin-field": b"Connection: Referer\r\nReferer: evil\r\n",
    "hop-nominated-claims": b"Connection: X-Forwarded-For, X-Forwarded-Host\r\nX-Forwarded-For: evil\r\n",
    "hop-nominated-host": b"Connection: Host\r\n",
    "hop-nominated-request-id": b"Connection: X-Request-Id\r\nX-Request-Id: e-v-i-l\r\n",
    "hop-keep-alive": b"Connection: keep-alive\r\nKeep-Alive: timeout=evil\r\n",
    "hop-keep-alive-alone": b"Keep-Alive: timeout=evil, max=1\r\n",
    "hop-proxy-connection": b"Proxy-Connection: evil\r\n",
    "hop-proxy-authorization": b"Proxy-Authorization: Basic evil\r\n",
    "hop-proxy-authenticate": b"Proxy-Authenticate: Basic realm=evil\r\n",
    "hop-te": b"TE: trailers, evil\r\nConnection: TE\r\n",
    "hop-te-not-nominated": b"TE: evil\r\n",
    "hop-trailer": b"Trailer: evil\r\n",
    "hop-http2-settings": b"HTTP2-Settings: evil\r\nConnection: HTTP2-Settings\r\n",
    "hop-http2-settings-not-nominated": b"HTTP2-Settings: evil\r\n",
    "hop-connection-with-parameters": b"Connection: keep-alive;evil=1\r\n",
    "hop-connection-quoted": b'Connection: "evil"\r\n',
    "hop-connection-empty": b"Connection:\r\n",
    "hop-connection-upgrade-alone": b"Connection: upgrade, evil\r\n",
}
_CLOSING: Final = {
    "hop-close": b"Connection: close\r\n",
    "hop-close-in-upper-case": b"Connection: CLOSE\r\n",
    "hop-close-in-a-list": b"Connection: keep-alive, close\r\n",
    "hop-close-on-two-lines": b"Connection: keep-alive\r\nConnection: close\r\n",
    "hop-close-with-tabs": b"Connection:\tclose\t\r\n",
}
_NOT_CLOSING: Final = {"hop-closed-is-not-close": b"Connection: closed\r\n", "hop-x-close": b"X-Connection: close\r\n"}


def vectors() -> Iterator[Vector]:
    for name, fields in {**_DROPPED, **_NOT_CLOSING}.items():
        yield forwarded(name, CLAUSE, get(fields))
    for name, fields in _CLOSING.items():
        yield forwarded(name, "RFC 9112, 9.6", get(fields), closes=True)
    bodied = post(b"Connection: close\r\nContent-Length: 3\r\n", b"abc")
    yield forwarded("hop-close-with-a-body", "RFC 9112, 9.6", bodied, Seen("POST", body=b"abc"), closes=True)
    expects = post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc")
    yield forwarded("expect-continue", "RFC 9110, 10.1.1", expects, Seen("POST", body=b"abc"))
    expects = post(b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n")
    yield forwarded("expect-continue-chunked", "RFC 9110, 10.1.1", expects, Seen("POST", body=b"abc"))
    expects = post(b"eXPECT: 100-CONTINUE\r\nContent-Length: 3\r\n", b"abc")
    yield forwarded("expect-continue-in-upper-case", "RFC 9110, 10.1.1", expects, Seen("POST", body=b"abc"))
    yield forwarded("expect-continue-without-body", "RFC 9110, 10.1.1", get(b"Expect: 100-continue\r\n"))
    old = post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc", b"POST /v HTTP/1.0")
    yield forwarded("expect-continue-on-1.0", "RFC 9110, 10.1.1", old, Seen("POST", body=b"abc"), closes=True)
    for name, value in (("unknown", b"x"), ("two", b"100-continue, x"), ("empty", b"")):
        raw = get(b"Expect: " + value + b"\r\n")
        yield forwarded(f"expect-{name}", "RFC 9110, 10.1.1", raw, refused_by=SERVERS)
    yield forwarded("hop-max-forwards", "RFC 9110, 7.6.2", get(b"Max-Forwards: 0\r\n"), refused_by=("apache",))
    yield forwarded("hop-via", "RFC 9110, 7.6.3", get(b"Via: 1.1 other\r\n"))
