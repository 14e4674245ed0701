"""Request ids: the one grammar of `X-Request-Id`, and how a new one is made."""

from __future__ import annotations

import re
import secrets
from typing import Final

HEADER: Final = "X-Request-Id"
_GRAMMAR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def accepts(text: str) -> bool:
    """Whether an inbound id may be kept: 1–128 ASCII letters, digits, `.`, `_`, `:` and `-`, a letter or digit first.

    These are safe in a header, a log line, JSON and a URL without any quoting.
    """
    return _GRAMMAR.fullmatch(text) is not None


def new() -> str:
    """A random id of 32 hex digits (128 bits)."""
    return secrets.token_hex(16)


def kept_or_new(text: str) -> str:
    """The inbound id where `accepts` it, so that a request can be followed through several systems; else a new one."""
    return text if accepts(text) else new()
