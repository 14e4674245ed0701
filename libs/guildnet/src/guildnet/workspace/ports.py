"""The ports of a workspace: which it has when its spec names none, what they speak, and its base path in the path form.

Operator, api and proxy ask here, so that what is served, shown and connected to is the same.
"""

from __future__ import annotations

from typing import Final, Literal

from guildnet.workspace import well_known
from guildnet.workspace.model import Port, WorkspaceSpec

Scheme = Literal["http", "https"]

HTTP_PORT: Final = 8080
HTTPS_PORT: Final = 8443
TLS_PORTS: Final = frozenset({443, HTTPS_PORT})
PATH_FORM: Final = "/proxy/server/"
"""What every address of the path form begins with, before the name of the workspace."""


def default_ports(image: str) -> tuple[Port, ...]:
    """The ports of a workspace that names none: those that the image is known for, else 8080 and 8443 (https)."""
    known = well_known.of(image)
    return known.ports if known else (Port(HTTP_PORT, "http"), Port(HTTPS_PORT, "https"))


def served_ports(spec: WorkspaceSpec) -> tuple[Port, ...]:
    """The ports that are served: the given ones, those without a name called `p-NUMBER`, else the image's defaults."""
    if not spec.ports:
        return default_ports(spec.image)
    # The schema refuses a name given to one port that this gives to another.
    return tuple(
        Port(port.container_port, port.name or f"p-{port.container_port}", port.protocol, port.path_mode)
        for port in spec.ports
    )


def scheme_of(number: int, name: str | None = None) -> Scheme:
    """What a port speaks: https on 443 and 8443 and where its name begins with `https`, http otherwise."""
    return "https" if number in TLS_PORTS or (name or "").startswith("https") else "http"


def base_path(name: str, port: int | None = None) -> str:
    """Where a workspace begins in the path form, without a trailing slash: `/proxy/server/NAME`, with a port `/~PORT`.

    The port is left out for the workspace's first one.
    """
    return f"{PATH_FORM}{name}" if port is None else f"{PATH_FORM}{name}/~{port}"
