"""The rules of `recognition` about names of variables, as RE2 expressions: for the chart's admission policy.

A word begins and ends where `recognition` cuts a name: at an underscore, a digit, or a change of case.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from guildnet.sensitive.recognition import NO_SECRET_KEYS, SECRET_WORDS


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words))


def _upper(words: Iterable[str]) -> str:
    return _any(word.upper() for word in words)


def _capital(words: Iterable[str]) -> str:
    return _any(word.capitalize() for word in words)


WORD: Final = (
    rf"(?:^|[_0-9a-z])(?:{_upper(SECRET_WORDS)})(?:$|[_0-9]|[A-Z][a-z])"
    rf"|(?:{_capital(SECRET_WORDS)})(?:$|[^a-z])"
    rf"|(?:^|[_0-9])(?:{_any(SECRET_WORDS)})(?:$|[^a-z])"
)
"""One of its words is that of a secret."""
KEY: Final = r"[A-Za-z0-9]_+KEY_*$|[0-9a-z]KEY_*$|[A-Za-z0-9]_*Key_*$|[A-Za-z0-9]_+key_*$|[0-9]key_*$"
"""Its last word is `key`, and not its only one."""
NO_SECRET_KEY: Final = (
    rf"(?:^|[_0-9a-z])(?:{_upper(NO_SECRET_KEYS)})(?:_*Key|_+KEY|_+key)_*$"
    rf"|(?:{_capital(NO_SECRET_KEYS)})(?:_*KEY|_*Key|_+key)_*$"
    rf"|(?:^|[_0-9])(?:{_any(NO_SECRET_KEYS)})(?:_*KEY|_*Key|_+key)_*$"
)
"""… and the word before it makes it none of a secret."""
