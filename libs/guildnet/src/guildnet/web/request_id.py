"""Request ids: the one grammar of `X-Request-Id`, and how a new one is made."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from itertools import chain, count
from typing import Final

HEADER: Final = "X-Request-Id"
_GRAMMAR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def accepts(text: str) -> bool:
    """Whether an inbound id may be kept: 1–128 ASCII letters, digits, `.`, `_`, `:` and `-`, a letter or digit first.

    These are safe in a header, a log line, JSON and a URL without any quoting.
    """
    return _GRAMMAR.fullmatch(text) is not None


_LAST: Final = [f"{number:03x}" for number in range(4096)]


def _renew() -> None:
    """A new beginning. Ids are put together of two texts: formatting a number costs five times as much."""
    global _next  # noqa: PLW0603  one beginning a process
    start = secrets.token_hex(11)
    blocks = (map(f"{start}{block:07x}".__add__, _LAST) for block in count())
    _next = chain.from_iterable(blocks).__next__


_next: Callable[[], str]
_renew()
os.register_at_fork(after_in_child=_renew)


def new() -> str:
    """An id of at least 32 hex digits: a random beginning of this process (88 bits), and a number in it.

    It names a request and is no secret: the next one can be guessed from it.
    """
    return _next()


def kept_or_new(text: str) -> str:
    """The inbound id where `accepts` it, so that a request can be followed through several systems; else a new one."""
    return text if accepts(text) else new()
