"""What `?q=` asks of a line: a piece of text in any case, or a regular expression between slashes.

Expressions are RE2's (github.com/google/re2/wiki/Syntax): their time is linear in the line, so that nobody can write
one that never ends. What is left to bound is how much of a process one reader's question may take.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import re2

from guildnet.errors import FieldError, Invalid

MOST_CHARACTERS: Final = 256
MEMORY: Final = 1 << 20
"""Bytes RE2 may take for the program of one expression and its states."""
BURST_SECONDS: Final = 1.0
SHARE: Final = 0.1
"""Seconds of matching a second that a question may take for long, once the burst is used up."""


class TooSlow(Invalid):
    """Matching took more than its budget."""

    default_code = "query_too_slow"


class Question:
    """One `q`, asked line by line. Its time is counted: `matches` raises TooSlow when the budget is used up."""

    def __init__(self, text: str, clock: Callable[[], float] = time.perf_counter) -> None:
        """Raises Invalid for an expression that is none, or one that is too long."""
        self.text = text
        self._asks = _expression(text) or _piece(text)
        self._clock = clock
        self._left = BURST_SECONDS
        self._since = clock()

    def matches(self, line: str) -> bool:
        began = self._clock()
        self._left = min(BURST_SECONDS, self._left + (began - self._since) * SHARE)
        if self._left <= 0:
            self._since = began
            raise TooSlow("Matching q takes too long: make it simpler, or ask for less (since, level, container).")
        found = self._asks(line)
        self._since = self._clock()
        self._left -= self._since - began
        return found


def question(text: str) -> Question | None:
    """None for no question. Raises Invalid."""
    return Question(text) if text else None


def _piece(text: str) -> Callable[[str], bool]:
    needle = text.casefold()
    return lambda line: needle in line.casefold()


def _expression(text: str) -> Callable[[str], bool] | None:
    if len(text) > MOST_CHARACTERS:
        raise _refused(f"it has {len(text)} characters; at most {MOST_CHARACTERS} are taken")
    body, slash, flags = text[1:].rpartition("/")
    if not (text.startswith("/") and slash and body and flags in ("", "i")):
        return None
    options: Any = re2.Options()
    options.max_mem, options.log_errors, options.case_sensitive = MEMORY, False, flags != "i"
    try:
        compiled = re2.compile(body, options)
    except re2.error as error:
        raise _refused(f"{body!r} is no expression of RE2: {_words(error)}") from None
    return lambda line: compiled.search(line) is not None


def _refused(reason: str) -> Invalid:
    return Invalid("The query is not valid: see q.", code="invalid_query", details=(FieldError("q", reason),))


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
