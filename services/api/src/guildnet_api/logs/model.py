"""Log lines: their ids, how kubelet frames them, guessing a level, the names of streams, and a bounded ring.

An id is `nanoseconds-n`, ordered by both numbers, the form of Redis stream ids. Bytes stay bytes: a line is encoded for
its viewers once, by whoever makes the `Line`, and never decoded again here.
"""

from __future__ import annotations

import calendar
import json
import re
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final

LEVELS: Final = ("debug", "info", "error")
"""The levels a client sees; a warning is shown as info, since nothing failed yet."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is sent to viewers."""

    id: str
    data: bytes


def line_id(time_ns: int, n: int = 0) -> str:
    return f"{time_ns}-{n}"


def id_key(id_: str) -> tuple[int, int]:
    """The order of ids: 9-10 is before 10-2. Raises ValueError for anything that is not `digits-digits`."""
    high, dash, low = id_.partition("-")
    if not (dash and high.isascii() and low.isascii() and high.isdigit() and low.isdigit()):
        raise ValueError(f"{id_!r} is not the id of a log line")
    return int(high), int(low)


def stream_key(pod_uid: str, container: str, restart: int) -> str:
    """The Redis key of one container run's tail; the braces keep all keys of a pod in one cluster slot."""
    return f"guildnet:logs:{{{pod_uid}}}:{container}:{restart}"


def lease_key(pod_uid: str, container: str, restart: int) -> str:
    """The Redis key whose holder follows the container."""
    return f"{stream_key(pod_uid, container, restart)}:lease"


def channel(pod_uid: str, container: str, restart: int) -> str:
    """The Redis channel on which each new line of the run is published."""
    return f"{stream_key(pod_uid, container, restart)}:lines"


_KUBE = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?(.*)", re.DOTALL)


def parse_kube_line(raw: bytes) -> tuple[int, bytes]:
    """`2026-11-23T10:00:00.123456789Z text` as (Unix nanoseconds, text); (0, raw) where there is no such time."""
    found = _KUBE.fullmatch(raw.removesuffix(b"\n"))
    if found is None:
        return 0, raw.removesuffix(b"\n")
    *date, fraction, zone, text = found.groups()
    seconds = calendar.timegm(tuple(int(part) for part in date))
    if zone != b"Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds -= offset if zone.startswith(b"+") else -offset
    return seconds * 1_000_000_000 + int((fraction or b"0").ljust(9, b"0")), text


_ERROR = frozenset(
    {"error", "err", "e", "fatal", "f", "critical", "crit", "c", "panic", "alert", "emerg", "emergency", "severe"}
)
_INFO = frozenset({"info", "information", "i", "notice", "warn", "warning", "w", "log"})
_DEBUG = frozenset({"debug", "dbug", "d", "trace", "verbose", "fine"})
_JSON_KEYS: Final = ("level", "lvl", "severity", "levelname", "log.level", "loglevel")
_WORD: Final = (
    "(?:debug|dbug|trace|verbose|info|notice|warn(?:ing)?|error|err|fatal"
    "|crit(?:ical)?|panic|alert|emerg(?:ency)?|severe)"
)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_LOGFMT = re.compile(rf'(?:^|\s)(?:level|lvl|severity)="?({_WORD})\b', re.IGNORECASE)
_BRACKET = re.compile(rf"[\[<]\s*({_WORD})\s*[\]>:]", re.IGNORECASE)
_JUPYTER = re.compile(r"\[([DIWEFC]) \d{4}-\d\d-\d\d ")
_LEADING = re.compile(rf"(?:[\d:.,TZ/+\- ]*\s)?({_WORD})\s*[:|\]\s-]", re.IGNORECASE)
_NAMED = re.compile(rf"\s-\s({_WORD})\s-\s", re.IGNORECASE)
_PYTHON = re.compile(r"(?:Traceback \(most recent call last\)|(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?::|$))")
_HEAD: Final = 160
"""Characters of a line in which its level is looked for; further in, the word is prose."""
_MAX_JSON: Final = 64 * 1024


def infer_level(text: str) -> str:
    """`debug`, `info` or `error`, from what common loggers write at the start of a line; `info` where nothing says."""
    head = _ANSI.sub("", text[: _HEAD * 2])[:_HEAD].lstrip()
    if head.startswith("{"):
        return _json_level(text) or "info"
    found = _KLOG.match(head) or _JUPYTER.match(head) or _LEADING.match(head)
    found = found or _LOGFMT.search(head) or _BRACKET.search(head) or _NAMED.search(head)
    if found:
        return _level(found[1]) or "info"
    return "error" if _PYTHON.match(head) else "info"


def _json_level(text: str) -> str | None:
    if len(text) > _MAX_JSON:
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    for key in _JSON_KEYS:
        value = fields.get(key)
        if isinstance(value, str):
            return _level(value)
        if isinstance(value, int) and not isinstance(value, bool):
            # pino and bunyan count 10 trace … 60 fatal; syslog counts the other way, 0 … 7.
            return ("error" if value >= 50 else "debug" if value <= 20 else "info") if value >= 10 else None
    return None


def _level(word: str) -> str | None:
    lower = word.lower()
    if lower in _ERROR:
        return "error"
    if lower in _DEBUG:
        return "debug"
    return "info" if lower in _INFO else None


class Ring:
    """The last lines of a stream, bounded by count and by bytes; ids only ever go up.

    The newest line is kept even where it alone is over the bound of bytes.
    """

    __slots__ = ("_bytes", "_capacity_bytes", "_capacity_lines", "_dropped", "_keys", "_lines")

    def __init__(self, capacity_lines: int, capacity_bytes: int) -> None:
        self._capacity_lines = capacity_lines
        self._capacity_bytes = capacity_bytes
        self._lines: deque[Line] = deque()
        self._keys: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._dropped: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def size(self) -> int:
        """Bytes of data held."""
        return self._bytes

    @property
    def last_id(self) -> str | None:
        return self._lines[-1].id if self._lines else None

    def append(self, line: Line) -> bool:
        """Add the newest line. False, and nothing is added, where its id is not above the last: it is a repetition."""
        key = id_key(line.id)
        if self._keys and key <= self._keys[-1]:
            return False
        self._lines.append(line)
        self._keys.append(key)
        self._bytes += len(line.data)
        while len(self._lines) > 1 and (len(self._lines) > self._capacity_lines or self._bytes > self._capacity_bytes):
            self._bytes -= len(self._lines.popleft().data)
            self._dropped = self._keys.popleft()
        return True

    def after(self, id_: str | None) -> list[Line]:
        """Every line above this id, in order; all of them for None."""
        if id_ is None:
            return list(self._lines)
        key = id_key(id_)
        behind = 0
        # Viewers are nearly always at the end: walking back from there is cheaper than a search from the start.
        for held in reversed(self._keys):
            if held <= key:
                break
            behind += 1
        return self.tail(behind)

    def covers(self, id_: str) -> bool:
        """Is everything after this id still held, so that a viewer there misses nothing?"""
        return self._dropped is None or id_key(id_) >= self._dropped

    def tail(self, n: int) -> list[Line]:
        """The last n lines, in order."""
        count = min(max(n, 0), len(self._lines))
        return list(islice(reversed(self._lines), count))[::-1]
