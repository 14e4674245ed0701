"""Request heads as values, header bytes kept.

Fields are checked twice: by one strict grammar of ours, then by llhttp (through httptools); what either dislikes dies.
The grammar of a request line leaves llhttp nothing to object to.
Refuses: a missing or second Host, any Transfer-Encoding but a single `chunked` on HTTP/1.1, Content-Length beside it or
not of digits, obs-fold, bare LF, control bytes, double spaces, more fields than Limits.head_fields, CONNECT and TRACE,
absolute-form for another authority, an upgrade to websocket that is not a bodyless GET (RFC 9112; security.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from guildnet_proxy.http.errors import Refusal, bad_request
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.fields import (
    VISIBLE,
    Block,
    Field,
    bad_coding,
    bad_upgrade,
    malformed,
)
from guildnet_proxy.memo import Memo

_HTTP_1_1: Final = b"HTTP/1.1"
_HTTP_1_0: Final = b"HTTP/1.0"
_SLASH: Final = 0x2F
_HASH: Final = 0x23
_METHOD: Final = re.compile(rb"[A-Z-]{1,32}")
_USUAL_METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
MAX_SIGHTED = 8192
_NOT_SERVED = frozenset({b"CONNECT", b"TRACE", b"PRI"})


class RequestHead:
    """A request line, checked anew for every request, and the fields below it; never changed after it was made.

    `target` is origin-form, byte for byte as sent; `upgrade` says that the connection is to become a websocket.
    """

    __slots__ = ("block", "method", "minor", "target")

    def __init__(self, method: bytes, target: bytes, minor: int, block: Block) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.block = block

    @property
    def fields(self) -> list[Field]:
        return self.block.fields

    @property
    def values(self) -> Mapping[bytes, bytes]:
        return self.block.values

    @property
    def claims(self) -> Mapping[bytes, bytes]:
        return self.block.claims

    @property
    def authority(self) -> bytes:
        """The Host field."""
        return self.block.authority

    @property
    def length(self) -> int:
        return self.block.length

    @property
    def chunked(self) -> bool:
        return self.block.chunked

    @property
    def upgrade(self) -> bool:
        return self.block.upgrade

    @property
    def dropped(self) -> frozenset[bytes]:
        return self.block.dropped

    @property
    def has_body(self) -> bool:
        return self.block.has_body

    @property
    def keep_alive(self) -> bool:
        return self.minor == 1 and not self.block.close

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    def get(self, lower: bytes) -> bytes:
        return self.block.values.get(lower, b"")


class Heads:
    """Reads request heads, and remembers field blocks by their bytes, Limits.known_heads_bytes of them.

    Remembered is a block without body and upgrade in whose slot the handler has left something: whoever it wants to
    know nothing of can fill no memory and drive nothing out of it. It is told of a block that came before, of which
    only a number is kept until then: requests of a program that traces have other fields each time, and to remember
    each would cost more than all else. `hits` and `misses` count blocks that were known and that were not.
    """

    __slots__ = ("_known", "_last", "_limits", "_sighted", "hits", "misses")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: Memo[bytes, Block] = Memo(limits.known_heads_bytes, _weight)
        self._sighted: Memo[int, int] = Memo(MAX_SIGHTED)
        self._last: Block | None = None
        self.hits = 0
        self.misses = 0

    def known(self, data: bytes) -> RequestHead | None:
        """The head that all of `data` is, where its block was seen before: then its end need not be looked for. None
        says nothing; raises Refusal 400."""
        end = data.find(b"\r\n")
        block = self._known.get(data[end + 2 :]) if end > 0 else None
        if block is None or len(data) > self._limits.head_bytes:
            return None
        line = data[:end].split(b" ")
        if not _is_request_line(line) or line[0] not in _USUAL_METHODS:
            return None
        self.hits += 1
        return _head_of(line, block)

    def parse(self, data: bytes) -> RequestHead:
        """`data` is everything up to and with the empty line; raises Refusal (400, 405, 431)."""
        end = data.find(b"\r\n")
        line = data[:end].split(b" ")
        if len(data) > self._limits.head_bytes or not _is_request_line(line):
            check_incomplete(data, self._limits)
            raise malformed()
        if line[0] in _NOT_SERVED:
            raise Refusal(405, "method_not_allowed", f"{line[0].decode()} is not served here.", close=True)
        raw = data[end + 2 :]
        block = self._known.get(raw)
        if block is None:
            block = self._learn(raw)
            self.misses += 1
        else:
            self.hits += 1
        return _head_of(line, block)

    def _learn(self, raw: bytes) -> Block:
        """The block is parsed. Whether the one before is to be remembered is known now."""
        last, self._last = self._last, None
        if last is not None and last.slot is not None:
            self._known.put(last.raw, last)
            if last.raw == raw:
                return last
        number = hash(raw)
        again = self._sighted.get(number) is not None
        try:
            block = Block(raw, self._limits, again=again)
        except Refusal:
            check_incomplete(raw, self._limits)
            raise
        if block.again:
            self._last = block
        elif not again:
            self._sighted.put(number, number)
        return block


def _weight(raw: bytes) -> int:
    """About what a remembered block takes in memory: its bytes some three times, objects for each field, its slot."""
    return 3 * len(raw) + 130 * raw.count(b"\n") + 1500


def _head_of(line: list[bytes], block: Block) -> RequestHead:
    """A request line together with the block below it; raises Refusal 400."""
    method, target = line[0], line[1]
    minor = 0 if line[2] == _HTTP_1_0 else 1
    if block.upgrade and (method != b"GET" or minor == 0):
        raise bad_upgrade()
    if block.chunked and minor == 0:
        raise bad_coding()
    # By its number: to look for the byte as bytes, Python first makes and drops an exception.
    if target[0] != _SLASH or _HASH in target:
        target = _origin_form(target, block.authority)
    return RequestHead(method, target, minor, block)


def _is_request_line(line: list[bytes]) -> bool:
    """Method, target and version, between single spaces."""
    return (
        len(line) == 3
        and (line[0] in _USUAL_METHODS or _METHOD.fullmatch(line[0]) is not None)
        and line[1] != b""
        and not line[1].translate(None, VISIBLE)
        and (line[2] == _HTTP_1_1 or line[2] == _HTTP_1_0)
    )


def parse_request(data: bytes, limits: Limits) -> RequestHead:
    """A head that nothing is remembered of; raises Refusal (400, 405, 431)."""
    return Heads(limits).parse(data)


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


def begun(data: bytes, limits: Limits) -> RequestHead | None:
    """What can be read of a head that is too large: its lines as far as they go, without cookies; None for nothing."""
    lines = data[: limits.head_bytes].split(b"\r\n")[:-1]
    kept = [line for line in lines if line and not line.lower().startswith(b"cookie:")]
    try:
        return parse_request(b"\r\n".join([*kept[: limits.head_fields], b"", b""]), limits)
    except Refusal:
        return None


def _origin_form(target: bytes, host: bytes) -> bytes:
    if _HASH in target:
        raise bad_request("A request target has no fragment.", "target")
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in {b"http", b"https"}:
        raise bad_request("The request target has to start with a slash.", "target")
    cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    # An empty authority names nobody, whatever Host says (RFC 9110 4.2.1).
    if not cut or rest[:cut].lower() != host.lower():
        raise bad_request("The request target names another authority than Host.", "target")
    return rest[cut:] if rest[cut:].startswith(b"/") else b"/" + rest[cut:]
