"""The addresses of a workspace's own origins, as one entry of the install sees them: one for each port it declares.

Its first port has the workspace's own origin, every other one an origin of its own beside it. In host mode those are
labels that follow from name, uid and port. In port mode they are ports of the install's counter, which the operator
gives to a port behind the first when it is asked to: the proxy asks, by a key of the entries ConfigMap.
"""

from __future__ import annotations

import re
from typing import Final

from guildnet.names import origin_label
from guildnet.web.entries import Entry, origin
from guildnet.workspace.model import Port, Workspace
from guildnet.workspace.ports import served_ports

_REQUEST: Final = re.compile(r"port\.([0-9A-Za-z-]{1,64})\.([1-9][0-9]{0,4})")


def first_port(ws: Workspace) -> int:
    """The container port that is meant where none is named."""
    return served_ports(ws.spec)[0].container_port


def other_ports(ws: Workspace) -> tuple[int, ...]:
    """The container ports it declares behind the first."""
    return tuple(port.container_port for port in served_ports(ws.spec)[1:])


def origin_url(ws: Workspace, entry: Entry, port: int | None = None) -> str | None:
    """`scheme://label.host:port/` in host mode, `scheme://host:its-port/` in port mode, None where it has no origin.

    `port` is a container port it declares, None the first. None is the answer in path mode, and in port mode until the
    operator has given it a port; to one behind the first it gives one when it is asked (`port_request`).
    """
    return _url(ws, entry, None if port is None or port == first_port(ws) else port)


def origin_urls(ws: Workspace, entry: Entry) -> tuple[tuple[Port, str | None], ...]:
    """Every port it serves with the URL of its origin, None where it has none; the first one's is the workspace's."""
    ports = enumerate(served_ports(ws.spec))
    return tuple((port, _url(ws, entry, port.container_port if place else None)) for place, port in ports)


def _url(ws: Workspace, entry: Entry, other: int | None) -> str | None:
    """`other` is a port behind the first."""
    own = ws.status.origin
    match entry.mode:
        case "host":
            label = own.host if own is not None and own.host and other is None else origin_label(ws.name, ws.uid, other)
            return origin(entry.scheme, f"{label}.{entry.host}", entry.port) + "/"
        case "port":
            given = None if own is None else own.port if other is None else own.port_of(other)
            return origin(entry.scheme, entry.host, given) + "/" if given else None
        case _:
            return None


def port_request(uid: str, container_port: int) -> str:
    """The key of the entries ConfigMap by which the proxy asks the operator for an origin of this port in port mode.

    Its value is the name of the workspace. The proxy takes the key out when the workspace's status has the port.
    """
    return f"port.{uid}.{container_port}"


def port_requested(key: str) -> tuple[str, int] | None:
    """The uid and the container port of such a key; None for any other."""
    match = _REQUEST.fullmatch(key)
    return (match[1], int(match[2])) if match is not None else None
