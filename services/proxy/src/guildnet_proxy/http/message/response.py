"""Response heads as values, header bytes kept.

A head has to be well-formed by RFC 9112, or the answer is none: a name that is no token, a control byte, a lone CR or
LF, obs-fold, a Content-Length that is no number or not one, any Transfer-Encoding but a single `chunked` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.message.fields import (
    HOP_BY_HOP,
    TEXT,
    USUAL_OPTIONS,
    claims_identity,
    is_token,
    options_of,
    weight,
)
from guildnet_proxy.memo import Memo

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*+)?")
_LENGTHS: Final = re.compile(rb"([0-9]{1,18})(?:[ \t]*,[ \t]*\1)*")

KEEP: Final = 0
DROP: Final = 1
MARK: Final = 2
LENGTH: Final = 3
CODING: Final = 4
CONNECTION: Final = 5
"""What becomes of a response's field: it stays, it goes, the rewriter looks at it, or it is one of the three that say
where the body ends."""
_EMPTY_LINE: Final = [b"", b""]
REMEMBERED_STATUS_LINES_BYTES = 256 * 1024
REMEMBERED_NAMES_BYTES = 1024 * 1024
REMEMBERED_LINES_BYTES = 1024 * 1024
_OFTEN_NEW: Final = frozenset({b"etag", b"expires", b"last-modified", b"location", b"set-cookie"})
"""Fields that seldom say the same twice: to remember their lines would drive out the others."""
Line = tuple[bytes, int, bytes]
"""A field's name in lower case, what becomes of it, and its value where that says where the body ends, else nothing."""
MAX_LENGTH_DIGITS: Final = 18
_FRAMING = {b"content-length": LENGTH, b"transfer-encoding": CODING, b"connection": CONNECTION}


class Names:
    """What becomes of a response's fields by `judge`: remembered by name, and by line where that is said again."""

    __slots__ = ("_judge", "lines", "memo")

    def __init__(self, judge: Callable[[bytes], int]) -> None:
        self._judge = judge
        self.memo: Memo[bytes, tuple[bytes, int]] = Memo(REMEMBERED_NAMES_BYTES, weight)
        self.lines: Memo[bytes, Line] = Memo(REMEMBERED_LINES_BYTES, weight)

    def line(self, line: bytes) -> Line:
        """Raises Refusal 502 for what is no field."""
        name, colon, text = line.partition(b":")
        lower, verdict = self.learn(name)
        often_new = lower in _OFTEN_NEW
        known = None if often_new else self.lines.get(line)
        if known is None:
            # Whatever is left of the text is a control byte, a lone CR or a lone LF.
            if not colon or text.translate(None, TEXT):
                raise malformed_response()
            known = lower, verdict, text.strip(b" \t") if verdict >= LENGTH else b""
            if not often_new:
                self.lines.put(line, known)
        return known

    def learn(self, name: bytes) -> tuple[bytes, int]:
        """The name in lower case and the verdict about it; the judge is asked once in a while."""
        known = self.memo.get(name)
        if known is None:
            lower = name.lower()
            known = lower, self._judge(lower)
            self.memo.put(name, known)
        return known


def response_names(judge: Mapping[bytes, int], prefixes: Mapping[bytes, int]) -> Names:
    """What becomes of each field of a response: KEEP unless `judge`, `prefixes` or the engine have another word.
    A name that is none raises Refusal 502."""

    def verdict(lower: bytes) -> int:
        if not is_token(lower):
            raise malformed_response()
        if lower in _FRAMING:
            return _FRAMING[lower]
        if lower in HOP_BY_HOP:
            return DROP
        found = judge.get(lower)
        if found is None and claims_identity(lower):
            return DROP
        return found if found is not None else next((prefixes[p] for p in prefixes if lower.startswith(p)), KEEP)

    return Names(verdict)


_KEPT = response_names({}, {})


class ResponseHead:
    """A response head without what concerns one connection; never changed after it was made.

    `lines` are the fields that go on, without CRLF, `marks` the place in it and the name of each that the rewriter has
    to look at. `line` is the status line, of HTTP/1.1 whatever came.
    """

    __slots__ = ("chunked", "keep_alive", "length", "line", "lines", "marks", "status")

    def __init__(self, block: bytes, names: Names = _KEPT) -> None:
        """`block` ends with the empty line; raises Refusal 502 when it breaks the rules of requests."""
        lines = block.split(b"\r\n")
        if lines[-2:] != _EMPTY_LINE:
            raise malformed_response()
        first = lines[0]
        del lines[-2:], lines[0]
        status = _status_lines.young.get(first) or _learn_status_line(first)
        self.status, self.line, self.keep_alive = status
        self.length: int | None = None
        self.chunked = False
        self.lines: list[bytes] = []
        self.marks: list[tuple[int, bytes]] = []
        self._sort(lines, names)

    def _sort(self, lines: list[bytes], names: Names) -> None:
        """Fills `lines` and `marks`, and reads what says where the body ends."""
        kept = self.lines
        length: bytes | None = None
        coding: bytes | None = None
        connection: bytes | None = None
        young = names.lines.young
        for line in lines:
            known = young.get(line)
            if known is None:
                known = names.line(line)
            lower, verdict, value = known
            if verdict == KEEP:
                kept.append(line)
            elif verdict == LENGTH:
                length = _joined(length, value)
            elif verdict == CODING:
                coding = _joined(coding, value)
            elif verdict == CONNECTION:
                connection = _joined(connection, value)
            elif verdict == MARK:
                self.marks.append((len(kept), lower))
                kept.append(line)
        self._frame(length, coding, connection)

    def _frame(self, length: bytes | None, coding: bytes | None, connection: bytes | None) -> None:
        if length is not None:
            self.length = _length_of(length)
        if coding is not None:
            if coding.lower() != b"chunked" or length is not None:
                raise _bad("usable: its Transfer-Encoding is not a single `chunked`, alone.")
            self.chunked = True
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


StatusLine = tuple[int, bytes, bool]
"""A response's status, its line as HTTP/1.1, and whether its version lets the connection stay open."""
_status_lines: Final[Memo[bytes, StatusLine]] = Memo(REMEMBERED_STATUS_LINES_BYTES, weight)


def _learn_status_line(line: bytes) -> StatusLine:
    old = _status_lines.get(line)
    if old is not None:
        return old
    if not _STATUS_LINE.fullmatch(line):
        raise malformed_response()
    ours = b"HTTP/1.1" + line[8:]
    known = int(line[9:12]), ours if len(line) > 12 else ours + b" ", line[7] == 0x31
    _status_lines.put(line, known)
    return known


def _joined(before: bytes | None, value: bytes) -> bytes:
    """The value of a field that may have been said before."""
    return value if before is None else before + b", " + value


def _length_of(text: bytes) -> int:
    """RFC 9110 8.6: one value said several times is that value."""
    if text.isdigit() and len(text) <= MAX_LENGTH_DIGITS:
        return int(text)
    match = _LENGTHS.fullmatch(text)
    if match is None:
        raise _bad("well-formed: its Content-Length is no number.", rule="bad_upstream")
    return int(match[1])


def malformed_response() -> Refusal:
    return _bad("well-formed HTTP/1.1.")


def _bad(what: str, rule: str = "grammar") -> Refusal:
    return Refusal(502, "bad_upstream", f"The workspace's answer is not {what}", rule=rule)
