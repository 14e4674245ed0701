"""Line ends and folds: CRLF and nothing else, one line for a field (RFC 9112, sections 2.2 and 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.requests.lengths import SMUGGLED
from proofs.vectors.vector import GOOD, Seen, Vector, forwarded, get, refused

CLAUSE: Final = "RFC 9112, 2.2"
FOLD: Final = "RFC 9112, 5.2"
LINE: Final = b"GET /v HTTP/1.1\r\n"
_BAD: Final = {
    "ends-all-bare-lf": (b"GET /v HTTP/1.1\n" + GOOD + b"\n").replace(b"\r\n", b"\n"),
    "ends-line-bare-lf": b"GET /v HTTP/1.1\n" + GOOD + b"\r\n",
    "ends-field-bare-lf": LINE + GOOD + b"X: a\nY: b\r\n\r\n",
    "ends-last-field-bare-lf": LINE + GOOD + b"X: a\n\r\n",
    "ends-head-bare-lf": LINE + GOOD + b"X: a\r\n\n",
    "ends-head-two-bare-lfs": LINE + GOOD + b"X: a\n\n",
    "ends-all-bare-cr": (b"GET /v HTTP/1.1\r" + GOOD + b"\r").replace(b"\r\n", b"\r") + b"\r\n\r\n",
    "ends-line-bare-cr": b"GET /v HTTP/1.1\r" + GOOD + b"\r\n",
    "ends-field-bare-cr": LINE + GOOD + b"X: a\rY: b\r\n\r\n",
    "ends-field-cr-cr-lf": LINE + GOOD + b"X: a\r\r\nY: b\r\n\r\n",
    "ends-head-cr-cr-lf": LINE + GOOD + b"X: a\r\n\r\r\n\r\n",
    "ends-head-bare-crs": LINE + GOOD + b"X: a\r\r" + b"Y: b\r\n\r\n",
    "ends-lf-cr": LINE + GOOD + b"X: a\n\rY: b\r\n\r\n",
    "ends-cr-in-name": LINE + GOOD + b"X\r: a\r\n\r\n",
    "ends-lf-in-name": LINE + GOOD + b"X\n: a\r\n\r\n",
    "ends-cr-behind-colon": LINE + GOOD + b"X:\ra\r\n\r\n",
    "ends-lf-behind-colon": LINE + GOOD + b"X:\na\r\n\r\n",
    "ends-request-behind-bare-lfs": LINE + GOOD + b"X: a\n\n" + SMUGGLED,
    "ends-request-behind-bare-crs": LINE + GOOD + b"X: a\r\r" + SMUGGLED,
    "ends-next-line": LINE + GOOD + b"X: a\x85\x0aY: b\r\n\r\n",
    "ends-vertical-tab": LINE + GOOD + b"X: a\x0bY: b\r\n\r\n",
    "ends-form-feed": LINE + GOOD + b"X: a\x0cY: b\r\n\r\n",
    "fold-space": LINE + GOOD + b"X: a\r\n b\r\n\r\n",
    "fold-tab": LINE + GOOD + b"X: a\r\n\tb\r\n\r\n",
    "fold-of-nothing": LINE + GOOD + b"X: a\r\n \r\n\r\n",
    "fold-empty-value": LINE + GOOD + b"X:\r\n a\r\n\r\n",
    "fold-first-field": LINE + b" X: a\r\n" + GOOD + b"\r\n",
    "fold-first-field-tab": LINE + b"\tX: a\r\n" + GOOD + b"\r\n",
    "fold-last": LINE + GOOD + b" \r\n",
    "fold-of-the-request-line": b"GET /v\r\n HTTP/1.1\r\n" + GOOD + b"\r\n",
    "fold-cookie": LINE + b"Host: %HOST%\r\nCookie: a=b;\r\n %COOKIE%\r\n\r\n",
    "fold-with-bare-lf": LINE + GOOD + b"X: a\n b\r\n\r\n",
    "fold-with-bare-cr": LINE + GOOD + b"X: a\r b\r\n\r\n",
}


def vectors() -> Iterator[Vector]:
    for name, raw in _BAD.items():
        yield refused(name, FOLD if name.startswith("fold") else CLAUSE, raw)
    for name, value in (("escaped", "a\\r\\nY: b"), ("encoded", "a%0d%0aY: b")):
        raw = get(f"X: {value}\r\n".encode())
        yield forwarded(f"ends-{name}-in-a-value", "RFC 9110, 5.5", raw, Seen(has=(("x", value),)))
