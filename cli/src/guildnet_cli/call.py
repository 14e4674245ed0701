"""One call of a command: its arguments, and the install that it speaks to."""

from __future__ import annotations

import argparse
import re
from collections.abc import MutableMapping
from functools import cached_property
from typing import Any, Final

from guildnet_cli.client import TIMEOUT_SECONDS, Client
from guildnet_cli.errors import USAGE, CliError
from guildnet_cli.installs import Install, Installs, folder

_DURATION: Final = re.compile(r"(\d{1,6})([smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Call:
    """Arguments of one command, and its client, made when it is first asked for."""

    def __init__(self, asked: argparse.Namespace, environ: MutableMapping[str, str]) -> None:
        self.asked = asked
        self.environ = environ
        self._forwarded = 0

    @property
    def verb(self) -> str:
        return str(self.asked.verb)

    @property
    def format(self) -> str:
        return str(self.asked.output)

    @cached_property
    def installs(self) -> Installs:
        return Installs(folder(dict(self.environ)))

    def install(self) -> Install:
        """The install meant: `--install`, else `$GUILDNET_URL`, else `$GUILDNET_INSTALL`, else the current one."""
        named = getattr(self.asked, "install", None) or ""
        if not named and (url := self.environ.get("GUILDNET_URL")):
            return Install("", url.rstrip("/"))
        return self.installs.choose(named or self.environ.get("GUILDNET_INSTALL", ""))

    def token(self, install: Install) -> str:
        return self.environ.get("GUILDNET_TOKEN") or (self.installs.token(install) if install.name else "")

    @cached_property
    def client(self) -> Client:
        return self.client_within(TIMEOUT_SECONDS)

    def client_within(self, seconds: float) -> Client:
        """A client with that timeout."""
        install = self.install()
        return self.client_of(install, self.token(install), seconds)

    def client_of(self, install: Install, token: str, seconds: float) -> Client:
        """A client of that install as the holder of a token."""
        return Client(install.url, token, seconds, port=self._port_here(install))

    def _port_here(self, install: Install) -> int:
        """The port of a forwarder to the install, started when it is first needed; 0 where it has an address."""
        if not install.cluster:
            return 0
        if not self._forwarded:
            from guildnet_cli.reach.portforward import Cluster, forward

            self._forwarded = forward(Cluster(*install.cluster))
        return self._forwarded


def seconds_of(text: str, option: str) -> int:
    """Seconds of `90`, `10m`, `2h`. Raises CliError for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise CliError(USAGE, f"{option} {text!r} is no duration", f"{option} 10m   (a number with s, m, h or d)")
    return int(found[1]) * _UNITS[found[2]]


def pair(text: str, option: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`. Raises CliError for anything else."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise CliError(USAGE, f"{option} {text!r} is not KEY=VALUE", f"{option} NAME=value")
    return key, value


def only(mapping: dict[str, Any]) -> dict[str, Any]:
    """The entries that are not None."""
    return {key: value for key, value in mapping.items() if value is not None}
