"""Request lines: method, spaces, version (RFC 9112, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.vector import GOOD, SERVERS, Seen, Vector, forwarded, get, refused

CLAUSE: Final = "RFC 9112, 3"
_BAD: Final = {
    "line-http-0.9": b"GET /v\r\n",
    "line-no-version": b"GET /v \r\n",
    "line-no-target": b"GET HTTP/1.1\r\n",
    "line-empty-target": b"GET  HTTP/1.1\r\n",
    "line-two-spaces-before-target": b"GET  /v HTTP/1.1\r\n",
    "line-two-spaces-before-version": b"GET /v  HTTP/1.1\r\n",
    "line-space-at-the-end": b"GET /v HTTP/1.1 \r\n",
    "line-tab-at-the-end": b"GET /v HTTP/1.1\t\r\n",
    "line-space-at-the-start": b" GET /v HTTP/1.1\r\n",
    "line-tab-for-space": b"GET\t/v HTTP/1.1\r\n",
    "line-tab-before-version": b"GET /v\tHTTP/1.1\r\n",
    "line-vertical-tab": b"GET\x0b/v HTTP/1.1\r\n",
    "line-form-feed": b"GET /v\x0cHTTP/1.1\r\n",
    "line-cr-for-space": b"GET\r/v HTTP/1.1\r\n",
    "line-cr-before-version": b"GET /v\rHTTP/1.1\r\n",
    "line-two-crs": b"GET /v HTTP/1.1\r\r\n",
    "line-nul": b"GET /v\x00 HTTP/1.1\r\n",
    "line-nul-first": b"\x00GET /v HTTP/1.1\r\n",
    "line-space-in-target": b"GET /v w HTTP/1.1\r\n",
    "line-second-request-in-target": b"GET /v HTTP/1.1 /smuggled HTTP/1.1\r\n",
    "line-lower-case-version": b"GET /v http/1.1\r\n",
    "line-version-2.0": b"GET /v HTTP/2.0\r\n",
    "line-version-1.2": b"GET /v HTTP/1.2\r\n",
    "line-version-0.9": b"GET /v HTTP/0.9\r\n",
    "line-version-1": b"GET /v HTTP/1\r\n",
    "line-version-1.": b"GET /v HTTP/1.\r\n",
    "line-version-.1": b"GET /v HTTP/.1\r\n",
    "line-version-1.10": b"GET /v HTTP/1.10\r\n",
    "line-version-01.1": b"GET /v HTTP/01.1\r\n",
    "line-version-1,1": b"GET /v HTTP/1,1\r\n",
    "line-version-minus": b"GET /v HTTP/-1.1\r\n",
    "line-version-space": b"GET /v HTTP/ 1.1\r\n",
    "line-version-of-another": b"GET /v HTTPS/1.1\r\n",
    "line-version-icy": b"GET /v ICY/1.0\r\n",
    "line-version-rtsp": b"DESCRIBE /v RTSP/1.0\r\n",
    "line-version-cut": b"GET /v HTTP\r\n",
    "line-method-lower-case": b"get /v HTTP/1.1\r\n",
    "line-method-mixed-case": b"Get /v HTTP/1.1\r\n",
    "line-method-with-colon": b"GET: /v HTTP/1.1\r\n",
    "line-method-in-quotes": b'"GET" /v HTTP/1.1\r\n',
    "line-method-not-ascii": b"G\xcbT /v HTTP/1.1\r\n",
    "line-method-empty": b" /v HTTP/1.1\r\n",
    "line-method-very-long": b"G" * 4000 + b" /v HTTP/1.1\r\n",
    "line-status": b"HTTP/1.1 200 OK\r\n",
    "line-a-field": b"X: a\r\n",
    "line-tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    "line-proxy-protocol": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
}
_UNKNOWN: Final = {
    "line-method-unknown": "SMUGGLE",
    "line-method-prefix-of-one": "GE",
    "line-method-longer-than-one": "GETS",
}
"""Whether a method is served is the workspace's to say."""
_KNOWN: Final = ("PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "REPORT")


def vectors() -> Iterator[Vector]:
    for name, line in _BAD.items():
        yield refused(name, CLAUSE, line + GOOD + b"\r\n")
    yield refused("line-connect", "RFC 9110, 9.3.6", get(line=b"CONNECT other.example:443 HTTP/1.1"), 405)
    yield refused("line-connect-own-name", "RFC 9110, 9.3.6", get(line=b"CONNECT %HOST% HTTP/1.1"), 405)
    yield refused("line-trace", "RFC 9110, 9.3.8", get(line=b"TRACE /v HTTP/1.1"), 405)
    yield refused("line-h2-preface", "RFC 9113, 3.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield refused("line-h2-preface-as-1.1", "RFC 9113, 3.4", get(line=b"PRI * HTTP/1.1"), 405)
    for method in _KNOWN:
        line = f"{method} /v HTTP/1.1".encode()
        yield forwarded(f"line-{method.lower()}", "RFC 9110, 9.3", get(line=line), Seen(method))
    for name, method in _UNKNOWN.items():
        line = f"{method} /v HTTP/1.1".encode()
        yield forwarded(name, "RFC 9110, 9.1", get(line=line), Seen(method), refused_by=SERVERS)
    yield forwarded("line-head", "RFC 9110, 9.3.2", get(line=b"HEAD /v HTTP/1.1"), Seen("HEAD"))
    yield forwarded("line-empty-before", "RFC 9112, 2.2", b"\r\n" + get())
    yield refused("line-two-empty-before", "RFC 9112, 2.2", b"\r\n\r\n" + get())
    yield refused("line-bare-lf-before", "RFC 9112, 2.2", b"\n" + get())
    yield refused("line-bare-cr-before", "RFC 9112, 2.2", b"\r" + get())
    yield forwarded("line-empty-between", "RFC 9112, 2.2", get() + b"\r\n" + get(), Seen(), Seen())
    bodied = get(b"Content-Length: 3\r\n", b"POST /v HTTP/1.1", b"abc")
    yield forwarded("line-empty-behind-a-body", "RFC 9112, 2.2", bodied + b"\r\n", Seen("POST", body=b"abc"))
    yield forwarded("line-junk-behind", "RFC 9112, 9.3.2", get() + b"\x00\x01", Seen(), 400)
    yield forwarded("line-junk-behind-a-body", "RFC 9112, 9.3.2", bodied + b"d", Seen("POST", body=b"abc"), 400)
    yield forwarded("line-second-is-bad", "RFC 9112, 9.3.2", get() + b"GET /smuggled\r\n\r\n", Seen(), 400)
    many = tuple(Seen(target=f"/{number}") for number in range(20))
    pipeline = b"".join(get(line=f"GET {one.target} HTTP/1.1".encode()) for one in many)
    yield forwarded("line-twenty-pipelined", "RFC 9112, 9.3.2", pipeline, *many)
