"""Chunk grammar: sizes, extensions, line ends, trailers, and what is behind the last one (RFC 9112, section 7.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.requests.lengths import SMUGGLED
from proofs.vectors.vector import Seen, Vector, chunks, forwarded, refused

CLAUSE: Final = "RFC 9112, 7.1"
TRAILERS: Final = "RFC 9112, 7.1.2"
LAST: Final = b"0\r\n\r\n"
_BAD: Final = {
    "chunk-size-0x": b"0x3\r\nabc\r\n",
    "chunk-size-plus": b"+3\r\nabc\r\n",
    "chunk-size-minus": b"-3\r\nabc\r\n",
    "chunk-size-empty": b"\r\nabc\r\n",
    "chunk-size-not-hex": b"g\r\nabc\r\n",
    "chunk-size-hex-then-not": b"3g\r\nabc\r\n",
    "chunk-size-h": b"3h\r\nabc\r\n",
    "chunk-size-underscore": b"0_3\r\nabc\r\n",
    "chunk-size-fraction": b"3.0\r\nabc\r\n",
    "chunk-size-quoted": b'"3"\r\nabc\r\n',
    "chunk-size-space-before": b" 3\r\nabc\r\n",
    "chunk-size-tab-before": b"\t3\r\nabc\r\n",
    "chunk-size-space-behind": b"3 \r\nabc\r\n",
    "chunk-size-tab-behind": b"3\t\r\nabc\r\n",
    "chunk-size-space-inside": b"0 3\r\nabc\r\n",
    "chunk-size-over-64-bits": b"10000000000000003\r\nabc\r\n",
    "chunk-size-of-40-digits": b"f" * 40 + b"\r\nabc\r\n",
    "chunk-size-nul": b"3\x00\r\nabc\r\n",
    "chunk-size-vertical-tab": b"3\x0b\r\nabc\r\n",
    "chunk-size-not-ascii": b"\xb3\r\nabc\r\n",
    "chunk-size-comma": b"3,3\r\nabc\r\n",
    "chunk-line-bare-lf": b"3\nabc\r\n",
    "chunk-line-bare-cr": b"3\rabc\r\n",
    "chunk-line-cr-cr-lf": b"3\r\r\nabc\r\n",
    "chunk-line-lf-cr": b"3\n\rabc\r\n",
    "chunk-data-bare-lf-behind": b"3\r\nabc\n",
    "chunk-data-bare-cr-behind": b"3\r\nabc\r",
    "chunk-data-too-long": b"3\r\nabcd\r\n",
    "chunk-data-much-too-long": b"3\r\nabc" + b"d" * 40 + b"\r\n",
    "chunk-data-too-short": b"5\r\nabc\r\n",
    "chunk-data-nothing-behind": b"3\r\nabc",
    "chunk-data-empty-line-behind": b"3\r\nabc\r\n\r\n",
    "chunk-data-space-behind": b"3\r\nabc \r\n",
    "chunk-extension-bare-lf": b"3;a=b\nabc\r\n",
    "chunk-extension-bare-lf-inside": b"3;a\nb=c\r\nabc\r\n",
    "chunk-extension-bare-cr": b"3;a\rb=c\r\nabc\r\n",
    "chunk-extension-nul": b"3;a=\x00\r\nabc\r\n",
    "chunk-extension-lf-in-quotes": b'3;a="\n"\r\nabc\r\n',
    "chunk-extension-crlf-in-quotes": b'3;a="\r\n"\r\nabc\r\n',
    "chunk-extension-control": b"3;a=\x01\r\nabc\r\n",
    "chunk-extension-too-long": b"3;" + b"a" * 70_000 + b"\r\nabc\r\n",
}
_BAD_ENDS: Final = {
    "chunk-last-bare-lfs": b"0\n\n",
    "chunk-last-bare-lf": b"0\r\n\n",
    "chunk-last-line-bare-lf": b"0\n\r\n",
    "chunk-last-bare-crs": b"0\r\r\r\n\r\n",
    "chunk-last-0x0": b"0x0\r\n\r\n",
    "chunk-last-minus": b"-0\r\n\r\n",
    "trailer-no-colon": b"0\r\nnocolon\r\n\r\n",
    "trailer-folded": b"0\r\nX: a\r\n b\r\n\r\n",
    "trailer-bare-lf": b"0\r\nX: a\n\r\n",
    "trailer-bare-cr": b"0\r\nX: a\rY: b\r\n\r\n",
    "trailer-space-in-name": b"0\r\nX Y: a\r\n\r\n",
    "trailer-space-before-colon": b"0\r\nX : a\r\n\r\n",
    "trailer-space-first": b"0\r\n X: a\r\n\r\n",
    "trailer-nul": b"0\r\nX: a\x00\r\n\r\n",
    "trailer-empty-name": b"0\r\n: a\r\n\r\n",
    "trailer-too-large": b"0\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "trailer-too-many": b"0\r\n" + b"X: aaaa\r\n" * 8000 + b"\r\n",
    "trailer-request-line": b"0\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "trailer-transfer-encoding": b"0\r\nTransfer-Encoding: gzip\r\n\r\n",
    "trailer-content-length": b"0\r\nContent-Length: 5\r\n\r\n",
}
_GOOD: Final = {
    "chunk-one": b"3\r\nabc\r\n0\r\n\r\n",
    "chunk-three": b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n",
    "chunk-size-leading-zeros": b"0003\r\nabc\r\n0\r\n\r\n",
    "chunk-last-many-zeros": b"3\r\nabc\r\n0000\r\n\r\n",
    "chunk-extension-name": b"3;a\r\nabc\r\n0\r\n\r\n",
    "chunk-extension-value": b"3;a=b;c=d\r\nabc\r\n0\r\n\r\n",
    "chunk-extension-quoted": b'3;a="b;c"\r\nabc\r\n0\r\n\r\n',
    "chunk-extension-quoted-size": b'3;a="4"\r\nabc\r\n0\r\n\r\n',
    "chunk-extension-of-the-last": b"3\r\nabc\r\n0;a=b\r\n\r\n",
    "trailer-one": b"3\r\nabc\r\n0\r\nX: evil\r\n\r\n",
    "trailer-two": b"3\r\nabc\r\n0\r\nX: evil\r\nY: evil\r\n\r\n",
    "trailer-claim": b"3\r\nabc\r\n0\r\nTailscale-User-Login: evil\r\n\r\n",
    "trailer-forwarded": b"3\r\nabc\r\n0\r\nX-Forwarded-For: evil\r\n\r\n",
    "trailer-host": b"3\r\nabc\r\n0\r\nHost: evil.example\r\n\r\n",
    "trailer-authorization": b"3\r\nabc\r\n0\r\nAuthorization: Bearer evil\r\n\r\n",
    "trailer-cookie": b"3\r\nabc\r\n0\r\nCookie: evil=1\r\n\r\n",
    "trailer-connection": b"3\r\nabc\r\n0\r\nConnection: evil\r\n\r\n",
}


def vectors() -> Iterator[Vector]:
    for name, bad in _BAD.items():
        yield refused(name, CLAUSE, chunks(bad + LAST), begun=True)
    for name, bad in _BAD_ENDS.items():
        clause = TRAILERS if name.startswith("trailer") else CLAUSE
        yield refused(name, clause, chunks(b"3\r\nabc\r\n" + bad), begun=True)
    for name, good in _GOOD.items():
        clause = TRAILERS if name.startswith("trailer") else CLAUSE
        yield forwarded(name, clause, chunks(good), Seen("POST", body=b"abc"))
    yield forwarded("chunk-none", CLAUSE, chunks(LAST), Seen("POST"))
    hexed = b"B\r\nabcdefghijk\r\nb\r\nabcdefghijk\r\n" + LAST
    yield forwarded("chunk-size-both-cases", CLAUSE, chunks(hexed), Seen("POST", body=b"abcdefghijk" * 2))
    tricky = b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    hidden = b"%x\r\n%b\r\n" % (len(tricky), tricky)
    yield forwarded("chunk-end-inside-data", CLAUSE, chunks(hidden + LAST), Seen("POST", body=tricky))
    many = b"".join(b"1\r\n%c\r\n" % (97 + number % 26) for number in range(3000))
    text = bytes(97 + number % 26 for number in range(3000))
    yield forwarded("chunk-three-thousand", CLAUSE, chunks(many + LAST), Seen("POST", body=text))
    large = b"x" * 200_000
    yield forwarded(
        "chunk-large", CLAUSE, chunks(b"%x\r\n%b\r\n" % (len(large), large) + LAST), Seen("POST", body=large)
    )
    body = b"3\r\nabc\r\n"
    then = (Seen("POST", body=b"abc"), Seen(target="/smuggled"))
    yield forwarded("chunk-then-a-request", "RFC 9112, 9.3.2", chunks(body + LAST + SMUGGLED), *then)
    yield forwarded("chunk-trailer-then-a-request", TRAILERS, chunks(body + b"0\r\nX: a\r\n\r\n" + SMUGGLED), *then)
    yield forwarded("chunk-then-an-empty-line", "RFC 9112, 2.2", chunks(body + LAST + b"\r\n" + SMUGGLED), *then)
    yield forwarded("chunk-then-junk", CLAUSE, chunks(body + LAST + b"3\r\nabc\r\n"), then[0], 400)
    yield forwarded("chunk-two-ends", CLAUSE, chunks(body + LAST + LAST), then[0], 400)
    twice = chunks(body + LAST) * 3
    yield forwarded("chunk-pipelined", "RFC 9112, 9.3.2", twice, *[then[0]] * 3)
    # TERM.EXT and its kin (2025): a line end that one reader sees in an extension and the other does not.
    hidden = b"2;\nxx\r\n%x\r\n" % (len(SMUGGLED) + 5) + LAST + SMUGGLED + b"\r\n" + LAST
    yield refused("chunk-extension-hides-a-request", "RFC 9112, 7.1.1", chunks(hidden), begun=True)
    spill = b"5\r\nAAAAAXX2\r\n45\r\n0\r\n\r\n" + SMUGGLED
    yield refused("chunk-data-spills-over", CLAUSE, chunks(spill), begun=True)
