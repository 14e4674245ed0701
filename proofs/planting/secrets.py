"""The secrets: each a value of its own, given in one of the ways that people give secrets."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

NAMES: Final = (
    "PGPASSWORD", "DB_PASSWORD", "dbPassword", "SECRETKEY", "CLIENTSECRET", "GITHUBTOKEN", "GH_PAT", "JWT_KEY",
    "SESSION_KEY", "TLS_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "SMTP_PW", "BASIC_AUTH", "COOKIE",
    "BEARER", "MYSQL_ROOT_PASSWD", "SENTRY_DSN",
)  # fmt: skip
URLS: Final = ("DATABASE_URL", "REDIS_URL", "MONGO_URI", "AMQP", "PROXY", "UPSTREAM")
MARKED: Final = ("ONE", "TWO", "THREE", "FOUR")
PATCHED: Final = ("PGPASSWORD", "DATABASE_URL", "ONE", "LATER")
OPTIONS: Final = ("--password={}", "--auth-token={}", "--db=postgres://u:{}@db/x", "API_KEY={}")


@dataclass(frozen=True, slots=True)
class Planted:
    """All of them, as the bodies that carry them. `arguments` are values that a container is given in the open."""

    env: dict[str, Any]
    patch: dict[str, Any]
    args: list[str]
    preset: dict[str, Any]
    values: tuple[str, ...]
    arguments: tuple[str, ...]

    def found_in(self, text: str, *, arguments: bool = True) -> list[str]:
        """Those that stand in a text, plainly or in base64."""
        wanted = self.values if arguments else [value for value in self.values if value not in self.arguments]
        return [value for value in wanted if value in text or base64.b64encode(value.encode()).decode() in text]


def planted() -> Planted:
    made: list[str] = []

    def new() -> str:
        made.append(f"canary{token_hex(12)}")
        return made[-1]

    env: dict[str, Any] = {name: new() for name in NAMES}
    env |= {name: f"scheme://user:{new()}@host/path" for name in URLS}
    env |= {name: {"value": new(), "secret": True} for name in MARKED}
    patch: dict[str, Any] = {"PGPASSWORD": new(), "DATABASE_URL": f"postgres://u:{new()}@db/x"}
    patch |= {name: {"value": new(), "secret": True} for name in PATCHED[2:]}
    first = len(made)
    args = [option.format(new()) for option in OPTIONS]
    preset_env = {"DB_PASSWORD": new(), "CACHE": f"redis://:{new()}@h/0"}
    preset_args = [f"--token={new()}", "--password", new()]
    arguments = (*made[first : first + len(args)], *made[-2:])
    preset = {"label": "Planted", "image": "example.com/planted:1", "env": preset_env, "args": preset_args}
    return Planted(env, patch, args, preset, tuple(made), tuple(arguments))
