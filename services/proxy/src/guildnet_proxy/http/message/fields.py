"""The header fields of a message: their grammar, what their names mean to us, and a request's field block as a value.

A request's fields are what a browser repeats, byte for byte, hundreds of times. So they are parsed apart from the
request line, and a block that was seen before is the same Block: `Heads` (head.py) remembers it.

Fields that claim an identity or a forwarding history are taken out here, in every spelling, before anything reads them:
they are only in `claims`, which the sources of the tailnet and of an authenticating proxy look at, each on its own
listener.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import httptools

from guildnet_proxy.http.errors import Refusal, bad_request
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.memo import Memo

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_NAME = re.compile(_TOKEN)
_FIELD = re.compile(_TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+")
VISIBLE: Final = bytes(range(0x21, 0x7F))
"""The bytes of a request target (RFC 9112 3.2, without what has to be escaped there)."""
TEXT: Final = b"\t " + VISIBLE + bytes(range(0x80, 0x100))
"""The bytes of a line: all but control characters (RFC 9110 5.5)."""
_END = [b"", b""]
_DIGITS = re.compile(rb"[0-9]{1,18}")

_CLAIM_PREFIXES = (
    b"tailscale-", b"x-forwarded-", b"x-auth-request-", b"x-pomerium-", b"x-webauth-", b"remote-", b"impersonate-",
    b"x-guildnet-",
)  # fmt: skip
_CLAIM_NAMES = frozenset({b"forwarded", b"x-real-ip"})
HOP_BY_HOP: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"http2-settings",
})  # fmt: skip
NOT_PASSED = HOP_BY_HOP | {b"host", b"content-length", b"x-request-id"}
"""Fields of a request that are said anew where it goes on."""
_LOOKED_AT = NOT_PASSED | {b"cookie", b"authorization"}
USUAL_OPTIONS: Final = HOP_BY_HOP | {b"close"}
"""Options of Connection that name nothing which is not dropped anyway."""
NO_OPTIONS: frozenset[bytes] = frozenset()
REMEMBERED_LINES_BYTES = 1024 * 1024

Field = tuple[bytes, bytes]
"""A field's name in lower case, and its line `name: value` without CRLF."""


def is_token(name: bytes) -> bool:
    """Whether it is what a field's name has to be (RFC 9110 5.6.2)."""
    return _NAME.fullmatch(name) is not None


def claims_identity(lower: bytes) -> bool:
    """True for a header name that only we may set, whichever of `-`, `_` and `.` spells it."""
    plain = lower.replace(b"_", b"-").replace(b".", b"-")
    return plain in _CLAIM_NAMES or plain.startswith(_CLAIM_PREFIXES)


_PLAIN: Final = 0
_SPECIAL: Final = 1
_CLAIM: Final = 2
Line = tuple[Field, bytes, int]
"""A field, its value, and whether it is plain, is looked at where it goes on, or claims an identity."""


def weight(line: bytes) -> int:
    """About what a remembered line takes in memory: three copies of it, and six objects with their place."""
    return 3 * len(line) + 400


# Of the lines of a block that was never seen, all but a few were: they are neither checked nor taken apart again.
_lines: Memo[bytes, Line] = Memo(REMEMBERED_LINES_BYTES, weight)


def _learn(line: bytes) -> Line:
    """Raises Refusal 400 for what is no field."""
    known = _lines.get(line)
    if known is None:
        if not _FIELD.fullmatch(line):
            raise malformed()
        name, _, text = line.partition(b":")
        lower, value = name.lower(), text.strip(b" \t")
        kind = _CLAIM if claims_identity(lower) else _SPECIAL if lower in _LOOKED_AT else _PLAIN
        known = (lower, b"%b: %b" % (name, value)), value, kind
        _lines.put(line, known)
    return known


def options_of(connection: bytes) -> frozenset[bytes]:
    """The options of a Connection field's value, in lower case."""
    return frozenset(item.strip(b" \t") for item in connection.lower().split(b","))


class Block:
    """The fields of a request, never changed after they were parsed; nothing here depends on the request line.

    `plain` are the lines that go on as they are unless Connection names them, `special` the others, each with its place
    among the plain ones: what is of one connection, says where a body ends, a request's id, a cookie, a login.
    `values` joins repeated fields, `dropped` are the options of Connection, `upgrade` says that websocket is asked for.
    `slot` is the handler's, who may keep there what it made of this block: the engine never reads it. `again` says that
    these very fields, without body and upgrade, have come before, so that it is worth it.
    """

    __slots__ = (
        "again", "authority", "chunked", "claims", "close", "dropped", "has_body", "length", "plain", "raw", "slot",
        "special", "upgrade", "values",
    )  # fmt: skip

    def __init__(self, raw: bytes, limits: Limits, *, again: bool = False) -> None:
        """`raw` ends with the empty line; raises Refusal (400, 431)."""
        self.raw = raw
        self.slot: object = None
        self.plain: list[bytes] = []
        self.special: list[tuple[int, Field]] = []
        self.values: dict[bytes, bytes] = {}
        self.claims: Mapping[bytes, bytes] = {}
        one_host = self._sort(raw, limits)
        _check(raw)
        values = self.values
        if not one_host:
            raise bad_request("A request has exactly one Host.", "host")
        self.authority = values[b"host"]
        self.chunked = b"transfer-encoding" in values and _chunked(values)
        self.length = length_of(values[b"content-length"]) if b"content-length" in values else 0
        self.has_body = self.chunked or self.length > 0
        connection = values.get(b"connection")
        self.dropped = NO_OPTIONS if connection is None else options_of(connection)
        self.close = b"close" in self.dropped
        self.upgrade = b"upgrade" in values and self._upgrade(values[b"upgrade"].lower())
        self.again = again and not (self.has_body or self.upgrade)

    def _sort(self, raw: bytes, limits: Limits) -> bool:
        """Fills `plain`, `special`, `values` and `claims`; is there exactly one Host? Raises Refusal 400 or 431."""
        plain, special, values = self.plain, self.special, self.values
        claims: dict[bytes, bytes] = {}
        lines = raw.split(b"\r\n")
        if len(lines) - 2 > limits.head_fields:
            what = f"The request has more than {limits.head_fields} header fields."
            raise Refusal(431, "headers_too_large", what, close=True)
        if lines[-2:] != _END:
            raise malformed()
        del lines[-2:]
        young = _lines.young
        for line in lines:
            known = young.get(line)
            if known is None:
                known = _learn(line)
            field, value, kind = known
            if kind == _PLAIN:
                plain.append(field[1])
            elif kind == _SPECIAL:
                special.append((len(plain), field))
            else:
                claims[field[0]] = value
                continue
            values[field[0]] = value
        if claims:
            self.claims = claims
        once = len(values) == len(plain) + len(special)
        return b"host" in values and (once or self._join())

    def _join(self) -> bool:
        """Joins the values of fields that came several times; false when Host did."""
        values = self.values
        seen: set[bytes] = set()
        one_host = True
        for line in self.raw.split(b"\r\n")[:-2]:
            (lower, _), value, kind = _learn(line)
            if kind == _CLAIM:
                continue
            if lower in seen:
                values[lower] += (b"; " if lower == b"cookie" else b", ") + value
                one_host = one_host and lower != b"host"
            else:
                seen.add(lower)
                values[lower] = value
        return one_host

    @property
    def fields(self) -> list[Field]:
        """All but the claims, in their order."""
        return [field for line in self.raw.split(b"\r\n")[:-2] for field, _, kind in (_learn(line),) if kind != _CLAIM]

    def _upgrade(self, asked: bytes) -> bool:
        """An upgrade to anything but websocket is not for us: it is ignored, as RFC 9110 7.8 lets a server do."""
        if b"websocket" not in asked:
            return False
        if asked != b"websocket" or b"upgrade" not in self.dropped or self.has_body:
            raise bad_upgrade()
        return True


def _check(raw: bytes) -> None:
    """llhttp sees the fields behind a request line of ours: what it could say about the line, head.py says."""
    try:
        httptools.HttpRequestParser(_NOTHING).feed_data(b"GET / HTTP/1.1\r\n" + raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise bad_request(f"The request is not well-formed HTTP/1.1: {error}.", "grammar") from None


class _Nothing:
    """Wants to be told of nothing."""

    __slots__ = ()


_NOTHING = _Nothing()


def malformed() -> Refusal:
    return bad_request("The request is not well-formed HTTP/1.1.", "grammar")


def bad_upgrade() -> Refusal:
    return bad_request("Only a GET without body can be upgraded, and only to websocket.", "upgrade")


def length_of(value: bytes) -> int:
    """A Content-Length; raises Refusal 400."""
    if not _DIGITS.fullmatch(value):
        raise bad_request("Content-Length has to be given once, in digits.", "content-length")
    return int(value)


def _chunked(values: Mapping[bytes, bytes]) -> bool:
    if values[b"transfer-encoding"].lower() != b"chunked" or b"content-length" in values:
        raise bad_coding()
    return True


def bad_coding() -> Refusal:
    return bad_request("Transfer-Encoding has to be a single `chunked`, alone, on HTTP/1.1.", "transfer-encoding")
