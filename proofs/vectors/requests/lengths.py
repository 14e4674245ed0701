"""Content-Length: once, in digits (RFC 9110, section 8.6; RFC 9112, section 6.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.vector import Seen, Vector, forwarded, get, post, refused

CLAUSE: Final = "RFC 9110, 8.6"
SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\nHost: %HOST%\r\nCookie: %COOKIE%\r\n\r\n"
_BAD: Final = {
    "length-twice-equal": b"Content-Length: 3\r\nContent-Length: 3\r\n",
    "length-twice-different": b"Content-Length: 3\r\nContent-Length: 0\r\n",
    "length-twice-zero-first": b"Content-Length: 0\r\nContent-Length: 3\r\n",
    "length-twice-in-two-cases": b"Content-Length: 3\r\ncontent-length: 3\r\n",
    "length-list-equal": b"Content-Length: 3, 3\r\n",
    "length-list-different": b"Content-Length: 3, 0\r\n",
    "length-list-open": b"Content-Length: 3,\r\n",
    "length-plus": b"Content-Length: +3\r\n",
    "length-minus": b"Content-Length: -3\r\n",
    "length-minus-zero": b"Content-Length: -0\r\n",
    "length-hex": b"Content-Length: 0x3\r\n",
    "length-exponent": b"Content-Length: 3e0\r\n",
    "length-fraction": b"Content-Length: 3.0\r\n",
    "length-underscore": b"Content-Length: 1_0\r\n",
    "length-space-inside": b"Content-Length: 1 0\r\n",
    "length-tab-inside": b"Content-Length: 1\t0\r\n",
    "length-word": b"Content-Length: three\r\n",
    "length-empty": b"Content-Length:\r\n",
    "length-spaces": b"Content-Length:  \r\n",
    "length-quoted": b'Content-Length: "3"\r\n',
    "length-semicolon": b"Content-Length: 3;a\r\n",
    "length-arabic-digits": "Content-Length: \u0663\r\n".encode(),
    "length-superscript": b"Content-Length: \xb3\r\n",
    "length-vertical-tab": b"Content-Length:\x0b3\r\n",
    "length-form-feed": b"Content-Length: 3\x0c\r\n",
    "length-nul": b"Content-Length: 3\x00\r\n",
    "length-no-break-space": b"Content-Length: \xa03\r\n",
    "length-over-64-bits": b"Content-Length: 18446744073709551619\r\n",
    "length-over-63-bits": b"Content-Length: 9223372036854775811\r\n",
    "length-of-100-digits": b"Content-Length: " + b"9" * 100 + b"\r\n",
    "length-space-before-colon": b"Content-Length : 3\r\n",
    "length-tab-before-colon": b"Content-Length\t: 3\r\n",
    "length-folded": b"Content-Length:\r\n 3\r\n",
    "length-folded-digits": b"Content-Length: 3\r\n 0\r\n",
    "length-folded-behind": b"X: a\r\n Content-Length: 3\r\n",
    "length-and-coding": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "length-behind-coding": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "length-zero-and-coding": b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    "length-and-identity": b"Content-Length: 3\r\nTransfer-Encoding: identity\r\n",
    "length-bare-lf-behind": b"Content-Length: 3\nX: a\r\n",
    "length-bare-cr-behind": b"Content-Length: 3\rX: a\r\n",
}


def vectors() -> Iterator[Vector]:
    for name, fields in _BAD.items():
        yield refused(name, CLAUSE, post(fields, b"abc"))
    body = Seen("POST", body=b"abc")
    yield forwarded("length-whole", CLAUSE, post(b"Content-Length: 3\r\n", b"abc"), body)
    yield forwarded("length-leading-zeros", CLAUSE, post(b"Content-Length: 0003\r\n", b"abc"), body)
    yield forwarded("length-spaces-around", "RFC 9110, 5.5", post(b"Content-Length: \t3 \t\r\n", b"abc"), body)
    yield forwarded("length-zero", CLAUSE, post(b"Content-Length: 0\r\n"), Seen("POST"))
    yield forwarded("length-none", "RFC 9112, 6.3", post(), Seen("POST"))
    underscored = post(b"Content_Length: 3\r\n")
    yield forwarded("length-underscored-is-another-field", "RFC 9110, 5.1", underscored, Seen("POST"))
    ours = post(b"X-Content-Length: 3\r\n")
    yield forwarded("length-of-another-name", "RFC 9110, 5.1", ours, Seen("POST"))
    short = post(b"Content-Length: 3\r\n", b"abc" + SMUGGLED)
    yield forwarded("length-then-a-request", "RFC 9112, 6.3", short, body, Seen(target="/smuggled"))
    whole = post(b"Content-Length: 3\r\n", b"abcGET / HTTP/1.1\r\n\r\n")
    yield forwarded("length-then-a-bad-request", "RFC 9112, 6.3", whole, body, 400)
    size = b"Content-Length: %d\r\n"
    text = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    inside = post(size % len(text), text)
    yield forwarded("length-a-request-inside", "RFC 9112, 6.3", inside, Seen("POST", body=text))
    binary = bytes(range(256)) * 4
    yield forwarded("length-binary", "RFC 9112, 6.2", post(size % 1024, binary), Seen("POST", body=binary))
    large = b"x" * 300_000
    yield forwarded("length-large", "RFC 9112, 6.2", post(size % 300_000, large), Seen("POST", body=large))
    for method in ("GET", "DELETE", "OPTIONS", "HEAD"):
        raw = get(b"Content-Length: 3\r\n", f"{method} /v HTTP/1.1".encode(), b"abc")
        yield forwarded(f"length-of-{method.lower()}", "RFC 9110, 9.3", raw, Seen(method, body=b"abc"))
    zero = get(b"Content-Length: 0\r\n") + SMUGGLED
    yield forwarded("length-zero-then-a-request", "RFC 9112, 6.3", zero, Seen(), Seen(target="/smuggled"))
    none = post(body=SMUGGLED)
    yield forwarded("length-none-then-a-request", "RFC 9112, 6.3", none, Seen("POST"), Seen(target="/smuggled"))
    dropped = post(b"Content-Length: 3\r\nConnection: Content-Length\r\n", b"abc")
    yield forwarded("length-nominated-by-connection", "RFC 9110, 7.6.1", dropped, body)
