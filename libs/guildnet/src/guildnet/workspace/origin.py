"""The address of a workspace's own origin, as one entry of the install sees it."""

from __future__ import annotations

from guildnet.identity import Entry
from guildnet.names import origin_label
from guildnet.workspace.model import Workspace

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_url(ws: Workspace, entry: Entry) -> str | None:
    """`scheme://label.host:port/` in host mode, `scheme://host:its-port/` in port mode, None where it has no origin.

    None means: path mode, or the operator has not yet given the workspace its port.
    """
    match entry.mode:
        case "host":
            origin = ws.status.origin
            label = (origin.host if origin else None) or origin_label(ws.name, ws.uid)
            return _url(entry.scheme, f"{label}.{entry.host}", entry.port)
        case "port":
            origin = ws.status.origin
            return _url(entry.scheme, entry.host, origin.port) if origin and origin.port else None
        case _:
            return None


def _url(scheme: str, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    # Browsers leave the scheme's own port out of an Origin header; an address that shows it would never compare equal.
    return f"{scheme}://{name}/" if port == _DEFAULT_PORTS.get(scheme) else f"{scheme}://{name}:{port}/"
