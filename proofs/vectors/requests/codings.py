"""Transfer-Encoding: one `chunked`, alone, on HTTP/1.1 (RFC 9112, sections 6.1 and 6.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.requests.lengths import SMUGGLED
from proofs.vectors.vector import Seen, Vector, forwarded, get, post, refused

CLAUSE: Final = "RFC 9112, 6.1"
LAST: Final = b"0\r\n\r\n"
_BAD: Final = {
    "coding-empty": b"Transfer-Encoding:\r\n",
    "coding-identity": b"Transfer-Encoding: identity\r\n",
    "coding-gzip": b"Transfer-Encoding: gzip\r\n",
    "coding-gzip-then-chunked": b"Transfer-Encoding: gzip, chunked\r\n",
    "coding-chunked-then-gzip": b"Transfer-Encoding: chunked, gzip\r\n",
    "coding-chunked-then-identity": b"Transfer-Encoding: chunked, identity\r\n",
    "coding-identity-then-chunked": b"Transfer-Encoding: identity, chunked\r\n",
    "coding-list-twice": b"Transfer-Encoding: chunked, chunked\r\n",
    "coding-list-open": b"Transfer-Encoding: chunked,\r\n",
    "coding-list-empty-first": b"Transfer-Encoding: , chunked\r\n",
    "coding-lines-twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "coding-lines-identity-second": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "coding-lines-identity-first": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    "coding-lines-empty-second": b"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
    "coding-lines-in-two-cases": b"Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n",
    "coding-xchunked": b"Transfer-Encoding: xchunked\r\n",
    "coding-chunkedx": b"Transfer-Encoding: chunkedx\r\n",
    "coding-x-chunked": b"Transfer-Encoding: x-chunked\r\n",
    "coding-parameter": b"Transfer-Encoding: chunked;a=b\r\n",
    "coding-quoted": b'Transfer-Encoding: "chunked"\r\n',
    "coding-single-quoted": b"Transfer-Encoding: 'chunked'\r\n",
    "coding-vertical-tab": b"Transfer-Encoding:\x0bchunked\r\n",
    "coding-form-feed": b"Transfer-Encoding:\x0cchunked\r\n",
    "coding-nul": b"Transfer-Encoding: chunked\x00\r\n",
    "coding-control-behind": b"Transfer-Encoding: chunked\x01\r\n",
    "coding-no-break-space": b"Transfer-Encoding: \xa0chunked\r\n",
    "coding-not-ascii": b"Transfer-Encoding: chun\xe7ed\r\n",
    "coding-kelvin": "Transfer-Encoding: chun\u212aed\r\n".encode(),
    "coding-space-inside": b"Transfer-Encoding: chun ked\r\n",
    "coding-space-before-colon": b"Transfer-Encoding : chunked\r\n",
    "coding-tab-before-colon": b"Transfer-Encoding\t: chunked\r\n",
    "coding-cr-before-colon": b"Transfer-Encoding\r: chunked\r\n",
    "coding-folded": b"Transfer-Encoding:\r\n chunked\r\n",
    "coding-folded-with-tab": b"Transfer-Encoding:\r\n\tchunked\r\n",
    "coding-folded-value": b"Transfer-Encoding: chunked\r\n , identity\r\n",
    "coding-hidden-by-a-fold": b"X: a\r\n Transfer-Encoding: chunked\r\n",
    "coding-behind-a-bare-lf": b"X: a\nTransfer-Encoding: chunked\r\n",
    "coding-behind-a-bare-cr": b"X: a\rTransfer-Encoding: chunked\r\n",
    "coding-behind-a-space": b" Transfer-Encoding: chunked\r\n",
    "coding-no-colon": b"Transfer-Encoding chunked\r\n",
    "coding-two-colons": b"Transfer-Encoding:: chunked\r\n",
    "coding-equals": b"Transfer-Encoding= chunked\r\n",
    "coding-deflate": b"Transfer-Encoding: deflate\r\n",
    "coding-trailers": b"Transfer-Encoding: trailers\r\n",
}
_OTHER_NAMES: Final = {
    "coding-underscored-is-another-field": b"Transfer_Encoding: chunked\r\n",
    "coding-dotted-is-another-field": b"Transfer.Encoding: chunked\r\n",
    "coding-one-word-is-another-field": b"TransferEncoding: chunked\r\n",
    "coding-x-is-another-field": b"X-Transfer-Encoding: chunked\r\n",
    "coding-content-is-another-field": b"Content-Transfer-Encoding: chunked\r\n",
}


def vectors() -> Iterator[Vector]:
    for name, fields in _BAD.items():
        yield refused(name, CLAUSE, post(fields, LAST))
    for name, fields in _OTHER_NAMES.items():
        # Without framing the chunk is the next request, and none.
        yield forwarded(name, "RFC 9110, 5.1", post(fields, LAST), Seen("POST"), 400)
        yield forwarded(f"{name}-without-body", "RFC 9110, 5.1", post(fields), Seen("POST"))
    yield refused("coding-on-1.0", CLAUSE, post(b"Transfer-Encoding: chunked\r\n", LAST, b"POST /v HTTP/1.0"))
    kept = post(b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", LAST, b"POST /v HTTP/1.0")
    yield refused("coding-on-1.0-kept-alive", CLAUSE, kept)
    for name, text in (("upper-case", b"CHUNKED"), ("mixed-case", b"cHuNkEd"), ("tab-before", b"\tchunked")):
        raw = post(b"Transfer-Encoding: " + text + b"\r\n", b"3\r\nabc\r\n" + LAST)
        yield forwarded(f"coding-{name}", "RFC 9112, 7", raw, Seen("POST", body=b"abc"))
    # White space is no part of a value, but llhttp takes a tab behind this one for one: what it does not know dies.
    yield refused("coding-tab-behind", "RFC 9110, 5.5", post(b"Transfer-Encoding: chunked\t\r\n", LAST))
    raw = post(b"tRANSFER-eNCODING: chunked\r\n", b"3\r\nabc\r\n" + LAST)
    yield forwarded("coding-name-in-mixed-case", "RFC 9110, 5.1", raw, Seen("POST", body=b"abc"))
    nominated = post(b"Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n", b"3\r\nabc\r\n" + LAST)
    yield forwarded("coding-nominated-by-connection", "RFC 9110, 7.6.1", nominated, Seen("POST", body=b"abc"))
    # CL.TE and TE.CL as they are tried in the wild: the length of one reading, the chunks of the other.
    size = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n"
    yield refused("coding-cl-te", "RFC 9112, 6.3", post(size % (len(LAST) + len(SMUGGLED)), LAST + SMUGGLED))
    inner = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    yield refused("coding-te-cl", "RFC 9112, 6.3", post(size % 4, inner))
    empty = get(b"Transfer-Encoding: chunked\r\n", body=LAST)
    yield forwarded("coding-get-without-payload", "RFC 9110, 9.3.1", empty)
    te = post(b"TE: chunked\r\n")
    yield forwarded("coding-te-is-no-coding", "RFC 9110, 10.1.4", te, Seen("POST"))
