"""Request and response heads as immutable values, header bytes kept.

A block is checked twice: by one strict grammar of ours, then by llhttp (through httptools); what either dislikes dies.
Refuses: a missing or second Host, any Transfer-Encoding but a single `chunked` on HTTP/1.1, Content-Length beside it or
not of digits, obs-fold, bare LF, control bytes, double spaces, more fields than Limits.head_fields, CONNECT and TRACE,
absolute-form for another authority, an upgrade that is not a bodyless GET to `websocket` (RFC 9112; security.md).

Fields that claim an identity or a forwarding history are taken out here, in every spelling, before anything reads them:
they are only in `claims`, which the tailnet source alone looks at, and only on the sidecar's private listener.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import httptools

from guildnet_proxy.http.errors import Refusal, bad_request
from guildnet_proxy.http.limits import Limits

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_FIELDS = rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n"
_REQUEST = re.compile(rb"[A-Z-]{1,32} [\x21-\x7e]++ HTTP/1\.[01]\r\n" + _FIELDS)
_RESPONSE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n" + _FIELDS)
_DIGITS = re.compile(rb"[0-9]{1,18}")

_CLAIM_PREFIXES = (b"tailscale-", b"x-forwarded-", b"x-webauth-", b"remote-", b"impersonate-", b"x-guildnet-")
_CLAIM_NAMES = frozenset({b"forwarded", b"x-real-ip"})
_HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"http2-settings",
})  # fmt: skip

KEEP, HOP, CLAIM = 0, 1, 2


class Field(NamedTuple):
    name: bytes
    lower: bytes
    value: bytes
    kind: int


def claims_identity(lower: bytes) -> bool:
    """True for a header name that only we may set, whichever of `-`, `_` and `.` spells it."""
    plain = lower.replace(b"_", b"-").replace(b".", b"-")
    return plain in _CLAIM_NAMES or plain.startswith(_CLAIM_PREFIXES)


_KNOWN: dict[bytes, tuple[bytes, int]] = {}


def _classify(name: bytes) -> tuple[bytes, int]:
    known = _KNOWN.get(name)
    if known is None:
        lower = name.lower()
        known = lower, CLAIM if claims_identity(lower) else HOP if lower in _HOP_BY_HOP else KEEP
        if len(_KNOWN) < 4096:  # a client inventing names must not grow it without end
            _KNOWN[name] = known
    return known


@dataclass(frozen=True, slots=True)
class RequestHead:
    """`values` joins repeated fields; `target` is origin-form, byte for byte as sent; `authority` is the Host field."""

    method: bytes
    target: bytes
    minor: int
    fields: tuple[Field, ...]
    values: Mapping[bytes, bytes]
    claims: Mapping[bytes, bytes]
    authority: bytes
    length: int
    chunked: bool
    upgrade: bool
    keep_alive: bool
    dropped: frozenset[bytes]

    @property
    def has_body(self) -> bool:
        return self.chunked or self.length > 0

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    def get(self, lower: bytes) -> bytes:
        return self.values.get(lower, b"")


@dataclass(frozen=True, slots=True)
class ResponseHead:
    status: int
    reason: bytes
    minor: int
    fields: tuple[Field, ...]
    values: Mapping[bytes, bytes]
    length: int | None
    chunked: bool
    keep_alive: bool
    dropped: frozenset[bytes]

    def get(self, lower: bytes) -> bytes:
        return self.values.get(lower, b"")


class _Collector:
    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))


class _Fields:
    """The fields sorted by what they are for; the only mutable step of parsing."""

    __slots__ = ("claims", "counts", "fields", "values")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.fields: list[Field] = []
        self.values: dict[bytes, bytes] = {}
        self.claims: dict[bytes, bytes] = {}
        self.counts: dict[bytes, int] = {}
        values = self.values
        for name, value in raw:
            lower, kind = _classify(name)
            value = value.strip(b" \t")
            if kind == CLAIM:
                self.claims[lower] = value
                continue
            self.fields.append(Field(name, lower, value, kind))
            if lower in values:
                self.counts[lower] = self.counts.get(lower, 1) + 1
                values[lower] = values[lower] + (b"; " if lower == b"cookie" else b", ") + value
            else:
                values[lower] = value

    def count(self, lower: bytes) -> int:
        return self.counts.get(lower, 1 if lower in self.values else 0)

    def connection(self) -> frozenset[bytes]:
        value = self.values.get(b"connection")
        if value is None:
            return frozenset()
        return frozenset(item.strip(b" \t") for item in value.lower().split(b","))

    def length(self) -> int | None:
        value = self.values.get(b"content-length")
        if value is None:
            return None
        if self.count(b"content-length") > 1 or not _DIGITS.fullmatch(value):
            raise bad_request("Content-Length has to be given once, in digits.", "content-length")
        return int(value)


def check_incomplete(start: bytes, limits: Limits, looked: int = 0) -> None:
    """What has come of a head so far; raises Refusal when no end of it could make it a good one.

    Whichever fault comes first in the bytes is told, so that the answer does not depend on how they were cut.
    The first `looked` bytes were looked through before.
    """
    ends = start.count(b"\r\n", looked - 1 if looked else 0, limits.head_bytes)
    if start.count(b"\n", looked, limits.head_bytes) != ends:
        raise bad_request("Header lines end with CRLF.", "bare-lf")
    if len(start) > limits.head_bytes:
        what = f"The request's header block is over {limits.head_bytes >> 10} KiB."
        raise Refusal(431, "headers_too_large", what, close=True)


def parse_request(block: bytes, limits: Limits) -> RequestHead:
    """`block` is everything up to and with the empty line; raises Refusal (400, 405, 431)."""
    if len(block) > limits.head_bytes or not _REQUEST.fullmatch(block):
        check_incomplete(block, limits)
        raise bad_request("The request is not well-formed HTTP/1.1.", "grammar")
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    try:
        parser.feed_data(block)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise bad_request(f"The request is not well-formed HTTP/1.1: {error}.", "grammar") from None
    line = block[: block.index(b"\r\n")]
    method, target, version = line.split(b" ")
    if method in {b"CONNECT", b"TRACE", b"PRI"}:
        raise Refusal(405, "method_not_allowed", f"{method.decode()} is not served here.", close=True)
    if len(collector.fields) > limits.head_fields:
        what = f"The request has more than {limits.head_fields} header fields."
        raise Refusal(431, "headers_too_large", what, close=True)
    fields = _Fields(collector.fields)
    minor = version[-1] - 48
    chunked = _request_chunked(fields, minor)
    length = fields.length() or 0
    connection = fields.connection()
    return RequestHead(
        method=method,
        target=_origin_form(target, fields.values[b"host"]),
        minor=minor,
        fields=tuple(fields.fields),
        values=fields.values,
        claims=fields.claims,
        authority=fields.values[b"host"],
        length=length,
        chunked=chunked,
        upgrade=_upgrade(fields, connection, method, bodyless=not (chunked or length), minor=minor),
        keep_alive=minor == 1 and b"close" not in connection,
        dropped=connection,
    )


def _request_chunked(fields: _Fields, minor: int) -> bool:
    if fields.count(b"host") != 1:
        raise bad_request("A request has exactly one Host.", "host")
    coding = fields.values.get(b"transfer-encoding")
    if coding is None:
        return False
    if coding.lower() != b"chunked" or minor == 0 or b"content-length" in fields.values:
        raise bad_request("Transfer-Encoding has to be a single `chunked`, alone, on HTTP/1.1.", "transfer-encoding")
    return True


def _upgrade(fields: _Fields, connection: frozenset[bytes], method: bytes, *, bodyless: bool, minor: int) -> bool:
    if b"upgrade" not in fields.values:
        return False
    asked = fields.values[b"upgrade"].lower() == b"websocket" and fields.count(b"upgrade") == 1
    if not (asked and b"upgrade" in connection and method == b"GET" and bodyless and minor == 1):
        raise bad_request("Only a GET without body can be upgraded, and only to websocket.", "upgrade")
    return True


def _origin_form(target: bytes, host: bytes) -> bytes:
    if b"#" in target:
        raise bad_request("A request target has no fragment.", "target")
    if target.startswith(b"/"):
        return target
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in {b"http", b"https"}:
        raise bad_request("The request target has to start with a slash.", "target")
    cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    if rest[:cut].lower() != host.lower():
        raise bad_request("The request target names another authority than Host.", "target")
    return rest[cut:] if rest[cut:].startswith(b"/") else b"/" + rest[cut:]


def parse_response(block: bytes) -> ResponseHead:
    """The head of an upstream's answer; raises Refusal 502 when it breaks the same rules."""
    collector = _Collector()
    if not _RESPONSE.fullmatch(block):
        raise Refusal(502, "bad_upstream", "The workspace's answer is not well-formed HTTP/1.1.", rule="grammar")
    try:
        httptools.HttpResponseParser(collector).feed_data(block)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise Refusal(502, "bad_upstream", f"The workspace's answer is not well-formed: {error}.") from None
    fields = _Fields(collector.fields)
    try:
        length = fields.length()
    except Refusal as error:
        raise Refusal(502, "bad_upstream", f"The workspace's answer is not well-formed: {error.message}") from None
    coding = fields.values.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or length is not None):
        raise Refusal(502, "bad_upstream", "The workspace's answer has an unusable Transfer-Encoding.", rule="grammar")
    connection = fields.connection()
    minor = block[7] - 48
    return ResponseHead(
        status=int(block[9:12]),
        reason=block[13 : block.index(b"\r\n")] if block[12:13] == b" " else b"",
        minor=minor,
        fields=tuple(fields.fields),
        values=fields.values,
        length=length,
        chunked=coding is not None,
        keep_alive=minor == 1 and b"close" not in connection,
        dropped=connection,
    )
