"""The `?q=` of a log: a piece of text in any case, or a regular expression between slashes. Pure.

Expressions are RE2's (github.com/google/re2/wiki/Syntax): their time is linear in the line, so none can run for ever,
and other threads run meanwhile. What one reader's expressions may take is bounded in `worker`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

from guildnet.errors import FieldError, Invalid

MAX_QUERY_CHARACTERS: Final = 256
MAX_PROGRAM_BYTES: Final = 256 * 1024
"""Memory RE2 may take for one expression: its program and the states it has met."""
MAX_KEPT: Final = 32
"""Compiled expressions that are kept: one is asked for several times on the way of a request."""
MAX_PROGRAM_SIZE: Final = 2000
"""Instructions of one expression; the time of a line is in proportion to it, 0.2 s for 16 KiB at the worst."""


class Matcher:
    """One `q`, applied line by line."""

    __slots__ = ("matches", "text")

    def __init__(self, text: str) -> None:
        """Raises Invalid for an expression that RE2 does not take, or a text that is too long."""
        if len(text) > MAX_QUERY_CHARACTERS:
            raise _refused(f"it has {len(text)} characters; at most {MAX_QUERY_CHARACTERS} are taken")
        self.text = text
        self.matches: Callable[[str], bool] = _expression(text) or _substring(text)


@lru_cache(maxsize=MAX_KEPT)
def matcher(text: str) -> Matcher | None:
    """The matcher of a `q`, None for an empty one. Raises Invalid as `Matcher` does."""
    return Matcher(text) if text else None


def _substring(text: str) -> Callable[[str], bool]:
    needle = text.casefold()
    return lambda line: needle in line.casefold()


def _expression(text: str) -> Callable[[str], bool] | None:
    body, slash, flags = text[1:].rpartition("/")
    if not (text.startswith("/") and slash and body and flags in ("", "i")):
        return None
    options: Any = re2.Options()
    options.max_mem, options.log_errors, options.case_sensitive = MAX_PROGRAM_BYTES, False, flags != "i"
    try:
        compiled = re2.compile(body.encode("utf-8", "replace"), options)
    except re2.error as error:
        raise _refused(f"{body!r} is no expression of RE2: {_reason(error)}") from None
    finally:
        re2.purge()  # its cache would keep what nobody reads by any more
    if compiled.programsize > MAX_PROGRAM_SIZE:
        raise _refused(f"{body!r} is too large an expression: repeat less in it")
    return lambda line: compiled.search(line.encode("utf-8", "replace")) is not None


def _refused(reason: str) -> Invalid:
    return Invalid("The query is not valid: see q.", code="invalid_query", details=(FieldError("q", reason),))


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
