"""Whether a name or a value is that of a secret. Pure.

Names are recognised by part of their text, so `PGPASSWORD` and `CLIENTSECRET` are as `DB_PASSWORD` is; a last word
`key` counts with whatever stands before it but a few words that make it no secret. A name taken for a secret in vain
costs little; one that is not recognised is shown to every reader.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
PARTS: Final = re.compile(
    r"passw|passphrase|passcode|secret|token|credential|apikey|accesskey|authkey|privatekey|signingkey|masterkey"
    r"|connectionstring|connstr"
)
HARMLESS: Final = ("tokenis", "tokeniz", "secretar")
SECRET_WORDS: Final = frozenset(
    {
        "auth", "bearer", "cookie", "cookies", "cred", "creds", "dsn", "jwt", "otp", "pass", "pat", "pgpass", "pw",
        "pwd", "sas",
    }
)  # fmt: skip
NO_SECRET_KEYS: Final = frozenset(
    {"cache", "foreign", "host", "object", "partition", "primary", "pub", "public", "range", "route", "row", "sort"}
)
NO_SECRETS: Final = frozenset({"GUILDNET_SCRIPT_COOKIES"})
"""Names of our own that are read from the spec itself, and only look alike."""
URL_PASSWORD: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s:]*):([^/?#@\s]+)@")
"""The part of a URL that carries a password: what is before it, and itself."""


def is_secret_name(name: str) -> bool:
    """Whether a variable, an option or a setting of this name holds a secret."""
    if name in NO_SECRETS:
        return False
    words = [word.lower() for word in _WORDS.findall(name)]
    joined = "".join(words)
    for harmless in HARMLESS:
        joined = joined.replace(harmless, "")
    if PARTS.search(joined) or SECRET_WORDS.intersection(words):
        return True
    return len(words) > 1 and words[-1] == "key" and words[-2] not in NO_SECRET_KEYS


def is_secret_value(value: str) -> bool:
    """Whether the value carries a password by its form: `scheme://user:password@…`."""
    return URL_PASSWORD.search(value) is not None


def is_secret(name: str, value: str) -> bool:
    return is_secret_name(name) or is_secret_value(value)
