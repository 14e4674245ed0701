"""Where images are pushed: a registry's host, a path on it, a tag. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from guildnet.image import parse
from guildnet_local.settings import LocalError

DOCKER_HUB = "docker.io"
# They know an account and a name below it, and nothing deeper.
_TWO_LEVELS = frozenset({DOCKER_HUB, "quay.io"})
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|\[::1\]")
_EXAMPLE = "for example REGISTRY=registry.example.com/team"


@dataclass(frozen=True, slots=True)
class Place:
    """A registry and a path on it. `host` has the port where one is named, `path` may be empty.

    `plain` says that http without TLS will do: by itself where the host is this machine, else only when asked for.
    """

    host: str
    path: str
    tag: str
    plain: bool = False

    def repository(self, name: str) -> str:
        """The image's repository on the host, as the chart's values have it: without the host."""
        own = f"guildnet-{name}" if self.host in _TWO_LEVELS else f"guildnet/{name}"
        return f"{self.path}/{own}" if self.path else own

    def reference(self, name: str) -> str:
        """The image's whole name there, with the tag."""
        return f"{self.host}/{self.repository(name)}:{self.tag}"

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" if self.path else self.host


def parse_place(environ: Mapping[str, str], version: str) -> Place:
    """The place that REGISTRY, TAG (`version` where it is not set) and REGISTRY_PLAIN_HTTP name.

    Raises LocalError, with an example, for no registry and for one that no image could be pushed to.
    """
    text, tag = environ.get("REGISTRY", "").strip().rstrip("/"), environ.get("TAG", "") or version
    if not text:
        raise LocalError(f"no registry is named. Say where the cluster is to pull images from, {_EXAMPLE}")
    if "://" in text:
        raise LocalError(f"REGISTRY is {text!r}: leave out {text.split('://')[0]}://, {_EXAMPLE}")
    host, _, path = text.partition("/")
    if not ("." in host or ":" in host or host == "localhost"):
        raise LocalError(
            f"REGISTRY is {text!r}: {host!r} is not a registry's host (a name with a dot or a port); "
            f"on Docker Hub it is {DOCKER_HUB}/{text}"
        )
    place = Place(host.lower(), path, tag, _is_plain(host, environ))
    if parse(f"{place}/x:{version}") is None or not re.fullmatch(r"(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d+)?", place.host):
        raise LocalError(
            f"REGISTRY is {text!r}: it has to be HOST[:PORT][/PATH], the path in lower case, without a tag, {_EXAMPLE}"
        )
    if parse(place.reference("api")) is None:
        raise LocalError(f"TAG is {tag!r}: it has to be letters, digits, `_`, `.` and `-`, at most 128 of them")
    if place.host in _TWO_LEVELS and (not path or "/" in path):
        raise LocalError(f"REGISTRY is {text!r}: {place.host} wants the name of an account, as {place.host}/NAME")
    return place


def _is_plain(host: str, environ: Mapping[str, str]) -> bool:
    name = re.sub(r":\d+$", "", host)
    return bool(_LOOPBACK.fullmatch(name)) or environ.get("REGISTRY_PLAIN_HTTP", "") not in ("", "0")
