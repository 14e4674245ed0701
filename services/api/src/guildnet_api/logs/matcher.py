"""The `?q=` of a log: a piece of text in any case, or a regular expression between slashes.

Expressions are RE2's (github.com/google/re2/wiki/Syntax): their time is linear in the line, so none can run for ever.
What is left to bound is the share of a process that one reader's expression may take.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import re2

from guildnet.errors import FieldError, Invalid
from guildnet.pace import Bucket

MAX_QUERY_CHARACTERS: Final = 256
MAX_PROGRAM_BYTES: Final = 1 << 20
"""Memory RE2 may take for the program of one expression and its states."""
BURST_SECONDS: Final = 1.0
CPU_SHARE: Final = 0.1
"""Seconds of matching per second that one matcher may take in the long run, once the burst is used up."""


class TooSlow(Invalid):
    """Matching took more than its budget."""

    default_code = "query_too_slow"


class Matcher:
    """One `q`, applied line by line within a budget of CPU seconds."""

    def __init__(self, text: str, clock: Callable[[], float] = time.perf_counter) -> None:
        """Raises Invalid for an expression that RE2 does not take, or a text that is too long."""
        self.text = text
        self._test = _expression(text) or _substring(text)
        self._clock = clock
        self._budget = Bucket(CPU_SHARE, BURST_SECONDS, clock())

    def matches(self, line: str) -> bool:
        """Raises TooSlow when the budget is used up; it fills again with time."""
        if self._budget.refill(self._clock()) <= 0:
            raise TooSlow("Matching q takes too long: make it simpler, or ask for less (since, level, container).")
        found = self._test(line)
        self._budget.spend_until(self._clock())
        return found


def matcher(text: str) -> Matcher | None:
    """The matcher of a `q`, None for an empty one. Raises Invalid as `Matcher` does."""
    return Matcher(text) if text else None


def _substring(text: str) -> Callable[[str], bool]:
    needle = text.casefold()
    return lambda line: needle in line.casefold()


def _expression(text: str) -> Callable[[str], bool] | None:
    if len(text) > MAX_QUERY_CHARACTERS:
        raise _refused(f"it has {len(text)} characters; at most {MAX_QUERY_CHARACTERS} are taken")
    body, slash, flags = text[1:].rpartition("/")
    if not (text.startswith("/") and slash and body and flags in ("", "i")):
        return None
    options: Any = re2.Options()
    options.max_mem, options.log_errors, options.case_sensitive = MAX_PROGRAM_BYTES, False, flags != "i"
    try:
        compiled = re2.compile(body, options)
    except re2.error as error:
        raise _refused(f"{body!r} is no expression of RE2: {_reason(error)}") from None
    return lambda line: compiled.search(line) is not None


def _refused(reason: str) -> Invalid:
    return Invalid("The query is not valid: see q.", code="invalid_query", details=(FieldError("q", reason),))


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
