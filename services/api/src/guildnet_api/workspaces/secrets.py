"""Environment variables that hold a secret, recognised by their name alone. Pure.

The name decides, never the value: a rule that looked at values would have to be told of them in logs and tests. A name
is read as words (`DB_PASSWORD` → db, password), so `KEYBOARD` and `TOKENIZER` are not secrets while `API_KEY` and
`authToken` are.
"""

from __future__ import annotations

import re
from itertools import pairwise

MASK = "********"  # what a reader of the API sees; a PATCH that sends it back leaves the value alone

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    {
        "password", "passwd", "passphrase", "pass", "pwd", "secret", "secrets", "token", "tokens", "credential",
        "credentials", "creds", "apikey", "accesskey", "authkey", "privatekey", "authtoken", "accesstoken", "dsn",
    }
)  # fmt: skip
_KEY_QUALIFIERS = frozenset(
    {"api", "access", "private", "auth", "secret", "signing", "encryption", "master", "ssh", "license"}
)


def is_secret(name: str) -> bool:
    """Whether a variable of this name is stored in a Secret and never shown."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if _SECRET_WORDS.intersection(words):
        return True
    return any(key == "key" and before in _KEY_QUALIFIERS for before, key in pairwise(words))
