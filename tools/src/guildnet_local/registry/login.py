"""Who logs in at a registry: REGISTRY_USER and REGISTRY_PASSWORD, else what `docker login` or `podman login` noted."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guildnet_local.registry.place import DOCKER_HUB
from guildnet_local.settings import LocalError

# The key under which `docker login` notes Docker Hub.
_HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True)
class Login:
    """A user of one registry, and where that was found."""

    user: str
    password: str = field(repr=False)
    source: str

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return f"Basic {self._encoded}"

    @property
    def _encoded(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def file(self, host: str) -> str:
        """The text of an authentication file, as container tools read it, with this login alone."""
        return json.dumps({"auths": {host: {"auth": self._encoded}}})


@dataclass(frozen=True, slots=True)
class Helper:
    """A login that a credential helper keeps: only the tool that pushes asks for it."""

    source: str


def find(host: str, environ: Mapping[str, str]) -> Login | Helper | None:
    """The login for a registry's host; None when nobody is known there. Raises LocalError for half of one."""
    user, password = environ.get("REGISTRY_USER", ""), environ.get("REGISTRY_PASSWORD", "")
    if bool(user) != bool(password):
        raise LocalError("set both REGISTRY_USER and REGISTRY_PASSWORD, or neither")
    if user:
        return Login(user, password, "REGISTRY_USER")
    return next((found for path in files(environ) if (found := _noted(path, host))), None)


def files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where container tools note logins, in the order in which they are asked."""
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    if home := environ.get("HOME"):
        yield Path(environ.get("XDG_CONFIG_HOME") or f"{home}/.config") / "containers" / "auth.json"
    if docker := environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else ""):
        yield Path(docker) / "config.json"


def _noted(path: Path, host: str) -> Login | Helper | None:
    try:
        known: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    for key in (host, f"https://{host}", *((_HUB_KEY,) if host == DOCKER_HUB else ())):
        login = _decoded(known.get("auths", {}).get(key, {}).get("auth", ""), str(path))
        if login is not None:
            return login
        if key in known.get("credHelpers", {}) or (known.get("credsStore") and key in known.get("auths", {})):
            return Helper(str(path))
    return None


def _decoded(auth: str, source: str) -> Login | None:
    try:
        user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Login(user, password, source) if colon else None
