"""The address of a workspace's own origin, as one entry of the install sees it."""

from __future__ import annotations

from guildnet.names import origin_label
from guildnet.web.entries import Entry, origin
from guildnet.workspace.model import Workspace


def origin_url(ws: Workspace, entry: Entry) -> str | None:
    """`scheme://label.host:port/` in host mode, `scheme://host:its-port/` in port mode, None where it has no origin.

    None means: path mode, or the operator has not yet given the workspace its port.
    """
    match entry.mode:
        case "host":
            own = ws.status.origin
            label = (own.host if own else None) or origin_label(ws.name, ws.uid)
            return origin(entry.scheme, f"{label}.{entry.host}", entry.port) + "/"
        case "port":
            own = ws.status.origin
            return origin(entry.scheme, entry.host, own.port) + "/" if own and own.port else None
        case _:
            return None
