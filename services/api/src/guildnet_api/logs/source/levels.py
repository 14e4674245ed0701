"""The level of a line, guessed from what common loggers write at its start. Pure."""

from __future__ import annotations

import json
import re
from typing import Final

LEVELS: Final = ("debug", "info", "error")
"""The levels a client sees; a warning is shown as info, since nothing failed yet."""
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
_HEAD_CHARACTERS: Final = 160
"""Characters of a line in which its level is looked for; further in, the word is prose."""
_MAX_JSON_CHARACTERS: Final = 64 * 1024


def infer_level(text: str) -> str:
    """`debug`, `info` or `error`, from what common loggers write at the start of a line; `info` where nothing says."""
    head = _ANSI.sub("", text[: _HEAD_CHARACTERS * 2])[:_HEAD_CHARACTERS].lstrip()
    if head.startswith("{"):
        return _json_level(text) or "info"
    found = _KLOG.match(head) or _JUPYTER.match(head) or _LEADING.match(head)
    found = found or _LOGFMT.search(head) or _BRACKET.search(head) or _NAMED.search(head)
    if found:
        return _level(found[1]) or "info"
    return "error" if _PYTHON.match(head) else "info"


def _json_level(text: str) -> str | None:
    if len(text) > _MAX_JSON_CHARACTERS:
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
