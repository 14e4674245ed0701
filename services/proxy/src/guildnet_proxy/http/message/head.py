"""Request and response heads as values, header bytes kept.

Fields are checked twice: by one strict grammar of ours, then, those of a request, by llhttp (through httptools); what
either dislikes dies. The grammar of a request line and of a response head leaves llhttp nothing to object to.
Refuses: a missing or second Host, any Transfer-Encoding but a single `chunked` on HTTP/1.1, Content-Length beside it or
not of digits, obs-fold, bare LF, control bytes, double spaces, more fields than Limits.head_fields, CONNECT and TRACE,
absolute-form for another authority, an upgrade to websocket that is not a bodyless GET (RFC 9112; security.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from guildnet_proxy.http.errors import Refusal, bad_request
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.fields import (
    FIELDS,
    HOP_BY_HOP,
    USUAL_OPTIONS,
    Block,
    Field,
    Names,
    bad_coding,
    bad_upgrade,
    claims_identity,
    malformed,
    options_of,
)
from guildnet_proxy.memo import Memo

_LINE = re.compile(rb"([A-Z-]{1,32}) ([\x21-\x7e]++) HTTP/1\.([01])\r\n")
_RESPONSE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n" + FIELDS)
_LENGTHS = re.compile(rb"([0-9]{1,18})(?:[ \t]*,[ \t]*\1)*")
_NOT_SERVED = frozenset({b"CONNECT", b"TRACE", b"PRI"})

KEEP, DROP, MARK, FRAMING = 0, 1, 2, 3
"""What becomes of a response's field: it stays, it goes, the rewriter looks at it, it says where the body ends."""


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
    know nothing of can fill no memory and drive nothing out of it. `hits` and `misses` count blocks that were known and
    that were not.
    """

    __slots__ = ("_known", "_last", "_limits", "hits", "misses")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: Memo[bytes, Block] = Memo(limits.known_heads_bytes, len)
        self._last: Block | None = None
        self.hits = 0
        self.misses = 0

    def parse(self, data: bytes) -> RequestHead:
        """`data` is everything up to and with the empty line; raises Refusal (400, 405, 431)."""
        line = _LINE.match(data)
        if line is None or len(data) > self._limits.head_bytes:
            check_incomplete(data, self._limits)
            raise malformed()
        method, target, minor = line.groups()
        if method in _NOT_SERVED:
            raise Refusal(405, "method_not_allowed", f"{method.decode()} is not served here.", close=True)
        raw = data[line.end() :]
        block = self._known.get(raw)
        if block is None:
            block = self._learn(raw)
            self.misses += 1
        else:
            self.hits += 1
        if block.upgrade and (method != b"GET" or minor == b"0"):
            raise bad_upgrade()
        if block.chunked and minor == b"0":
            raise bad_coding()
        if target[0] != 0x2F or b"#" in target:
            target = _origin_form(target, block.authority)
        return RequestHead(method, target, 1 if minor == b"1" else 0, block)

    def _learn(self, raw: bytes) -> Block:
        """The block is parsed. Whether the one before is to be remembered is known now."""
        last, self._last = self._last, None
        if last is not None and last.slot is not None:
            self._known.put(last.raw, last)
            if last.raw == raw:
                return last
        try:
            block = Block(raw, self._limits)
        except Refusal:
            check_incomplete(raw, self._limits)
            raise
        if not (block.has_body or block.upgrade):
            self._last = block
        return block


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


def _origin_form(target: bytes, host: bytes) -> bytes:
    if b"#" in target:
        raise bad_request("A request target has no fragment.", "target")
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in {b"http", b"https"}:
        raise bad_request("The request target has to start with a slash.", "target")
    cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    if rest[:cut].lower() != host.lower():
        raise bad_request("The request target names another authority than Host.", "target")
    return rest[cut:] if rest[cut:].startswith(b"/") else b"/" + rest[cut:]


# ---- responses ------------------------------------------------------------------------------------------------------


def response_names(judge: Mapping[bytes, int], prefixes: Mapping[bytes, int]) -> Names[int]:
    """What becomes of each field of a response: KEEP unless `judge`, `prefixes` or the engine have another word."""

    def verdict(lower: bytes) -> int:
        if lower in {b"content-length", b"transfer-encoding", b"connection"}:
            return FRAMING
        if lower in HOP_BY_HOP or claims_identity(lower):
            return DROP
        found = judge.get(lower)
        return found if found is not None else next((prefixes[p] for p in prefixes if lower.startswith(p)), KEEP)

    return Names(verdict)


_KEPT = response_names({}, {})


class ResponseHead:
    """A response head without what concerns one connection; never changed after it was made.

    `lines` are the fields that go on, without CRLF, `marks` the place in it and the name of each that the rewriter has
    to look at. `line` is the status line, of HTTP/1.1 whatever came.
    """

    __slots__ = ("chunked", "keep_alive", "length", "line", "lines", "marks", "status")

    def __init__(self, block: bytes, names: Names[int] = _KEPT) -> None:
        """`block` ends with the empty line; raises Refusal 502 when it breaks the rules of requests."""
        if not _RESPONSE.fullmatch(block):
            raise _bad("well-formed HTTP/1.1.")
        lines = block.split(b"\r\n")
        del lines[-2:]
        first = lines[0]
        self.status = int(first[9:12])
        self.line = b"HTTP/1.1" + first[8:] if len(first) > 12 else b"HTTP/1.1" + first[8:] + b" "
        self.length: int | None = None
        self.chunked = False
        self.keep_alive = first[7] == 0x31
        self.lines: list[bytes] = []
        self.marks: list[tuple[int, bytes]] = []
        framing = self._sort(lines, names)
        if framing is not None:
            self._frame(framing)

    def _sort(self, lines: list[bytes], names: Names[int]) -> dict[bytes, bytes] | None:
        """Fills `lines` and `marks`; gives the values of the framing fields."""
        kept = self.lines
        framing: dict[bytes, bytes] | None = None
        known = names.memo.young.get
        del lines[0]
        for line in lines:
            name, _, text = line.partition(b":")
            lower, verdict = known(name) or names.learn(name)
            if verdict == KEEP:
                kept.append(line)
            elif verdict == FRAMING:
                value = text.strip(b" \t")
                if framing is None:
                    framing = {lower: value}
                else:
                    framing[lower] = framing[lower] + b", " + value if lower in framing else value
            elif verdict == MARK:
                self.marks.append((len(kept), lower))
                kept.append(line)
        return framing

    def _frame(self, framing: dict[bytes, bytes]) -> None:
        length = framing.get(b"content-length")
        if length is not None:
            match = _LENGTHS.fullmatch(length)  # RFC 9110 8.6: one value said several times is that value
            if match is None:
                raise _bad("well-formed: its Content-Length is no number.", rule="bad_upstream")
            self.length = int(match[1])
        coding = framing.get(b"transfer-encoding")
        if coding is not None:
            if coding.lower() != b"chunked" or length is not None:
                raise _bad("usable: its Transfer-Encoding is not a single `chunked`, alone.")
            self.chunked = True
        connection = framing.get(b"connection")
        if connection is not None:
            options = options_of(connection)
            self.keep_alive = self.keep_alive and b"close" not in options
            if not options <= USUAL_OPTIONS:
                self._drop(options)

    def _drop(self, options: frozenset[bytes]) -> None:
        """Takes out the fields that Connection names."""
        marks = dict(self.marks)
        lines, self.lines, self.marks = self.lines, [], []
        for at, line in enumerate(lines):
            if line.partition(b":")[0].lower() in options:
                continue
            if at in marks:
                self.marks.append((len(self.lines), marks[at]))
            self.lines.append(line)


def _bad(what: str, rule: str = "grammar") -> Refusal:
    return Refusal(502, "bad_upstream", f"The workspace's answer is not {what}", rule=rule)
