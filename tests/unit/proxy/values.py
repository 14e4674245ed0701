"""Small makers of the values the proxy's pure functions take."""

from __future__ import annotations

from typing import Any

from guildnet.web.entries import Entry
from guildnet.workspace import Workspace, parse
from guildnet_proxy.frontdoor.request import Record
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import RequestHead, parse_request
from guildnet_proxy.sites import Placement, SharedJar, Site

LOCAL = Entry("local", "http://guildnet.localhost:8080", "host")
TAILNET = Entry("tailnet", "https://g.ts.example", "port")
CONTROL = Site(LOCAL, b"guildnet.localhost:8080", "http://guildnet.localhost:8080")
OWN = Placement("", "http://ws.guildnet.localhost:8080", False, None, False, LOCAL.origin)
PORT = Placement("", "https://g.ts.example:20001", False, SharedJar("gn20001-"), False, TAILNET.origin)
PATH = Placement("/proxy/server/ws", LOCAL.origin, False, None, True, LOCAL.origin)


def head(*lines: str, method: str = "GET", target: str = "/", host: str = "a") -> RequestHead:
    return parse_request(
        "\r\n".join((f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, "", "")).encode("latin-1"),
        Limits(),
    )


def record(request_id: str = "rid", started: float = 0.0, **filled_in: Any) -> Record:
    """A record with what is filled in on its way."""
    made = Record(request_id, started)
    for name, value in filled_in.items():
        setattr(made, name, value)
    return made


def workspace(name: str = "ws", *, spec: Any = None, status: Any = None, **meta: Any) -> Workspace:
    return parse(
        {
            "metadata": {"name": name, "namespace": "ns", "uid": "12345678-uid", **meta},
            "spec": {"image": "x", **(spec or {})},
            "status": {"phase": "Running", "serviceUID": f"service-{name}", **(status or {})},
        }
    )
