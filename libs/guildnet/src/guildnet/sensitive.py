"""Whether a name or a value is that of a secret, and text with its secrets masked. Pure.

Names are recognised by part of their text, so `PGPASSWORD` and `CLIENTSECRET` are as `DB_PASSWORD` is; a last word
`key` counts with whatever stands before it but a few words that make it no secret. A name taken for a secret in vain
costs little; one that is not recognised is shown to every reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

MASK: Final = "********"
"""Shown in place of a secret."""

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PARTS: Final = re.compile(
    r"passw|passphrase|passcode|secret|token|credential|apikey|accesskey|authkey|privatekey|signingkey|masterkey"
    r"|connectionstring|connstr"
)
_HARMLESS: Final = re.compile(r"tokeni[sz]|secretar")
_SECRET_WORDS: Final = frozenset(
    {
        "auth", "bearer", "cookie", "cookies", "cred", "creds", "dsn", "jwt", "otp", "pass", "pat", "pgpass", "pw",
        "pwd", "sas",
    }
)  # fmt: skip
_NO_SECRET_KEYS: Final = frozenset(
    {"cache", "foreign", "host", "object", "partition", "primary", "pub", "public", "range", "route", "row", "sort"}
)
_URL_PASSWORD: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s:]*):([^/?#@\s]+)@")
_OPTION: Final = re.compile(r"(-{0,2})([A-Za-z_][\w.-]*)([=:])(.+)", re.DOTALL)
_FLAG: Final = re.compile(r"--?([A-Za-z_][\w.-]*)")


def is_secret_name(name: str) -> bool:
    """Whether a variable, an option or a setting of this name holds a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if _PARTS.search(_HARMLESS.sub("", "".join(words))) or _SECRET_WORDS.intersection(words):
        return True
    return len(words) > 1 and words[-1] == "key" and words[-2] not in _NO_SECRET_KEYS


def is_secret_value(value: str) -> bool:
    """Whether the value carries a password by its form: `scheme://user:password@…`."""
    return _URL_PASSWORD.search(value) is not None


def is_secret(name: str, value: str) -> bool:
    return is_secret_name(name) or is_secret_value(value)


def without_passwords(text: str) -> str:
    """The text with the passwords of its URLs masked."""
    return _URL_PASSWORD.sub(rf"\1:{MASK}@", text)


def masked_arguments(arguments: Iterable[str]) -> Iterator[str]:
    """Arguments of a command with their secrets masked: `--password=x`, `--password x`, `TOKEN=x`, `x://u:p@host`."""
    awaited = False
    for argument in arguments:
        flag = _FLAG.fullmatch(argument)
        if awaited and flag is None:
            yield MASK
        else:
            yield _masked_argument(argument)
        awaited = flag is not None and is_secret_name(flag[1])


def _masked_argument(argument: str) -> str:
    option = _OPTION.fullmatch(argument)
    if option and is_secret_name(option[2]) and not option[4].startswith("//"):
        return f"{option[1]}{option[2]}{option[3]}{MASK}"
    return without_passwords(argument)
