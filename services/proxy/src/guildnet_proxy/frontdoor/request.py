"""One request with everything known about it before anybody decides: the value the front door's rooms pass around."""

from __future__ import annotations

from dataclasses import dataclass

from guildnet_proxy.frontdoor import cross_origin
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Record
from guildnet_proxy.http.head import RequestHead
from guildnet_proxy.rewrite.request_head import Caller
from guildnet_proxy.sites import Listener, Site


@dataclass(frozen=True, slots=True)
class Request:
    head: RequestHead
    listener: Listener
    site: Site
    record: Record
    caller: Caller

    @property
    def html(self) -> bool:
        return cross_origin.is_navigation(self.head)


def anonymous_refusal() -> Refusal:
    message = "Log in first: open /login on the control origin, or send a token as `Authorization: Bearer`."
    return Refusal(401, "unauthenticated", message, rule="anonymous")


def denied(rule: str) -> Refusal:
    return Refusal(403, "forbidden", "You may not use this workspace. Ask whoever runs this install.", rule=rule)


def frame_sources(site: Site) -> bytes:
    """Exactly the origins the control page may frame: its own path form and the entry's workspace origins."""
    entry = site.entry
    host, _, port = site.authority.decode().partition(":")
    match entry.mode:
        case "host":
            return f"'self' {entry.scheme}://*.{host}{':' + port if port else ''}".encode()
        case "port":
            return f"'self' {entry.scheme}://{host}:*".encode()
        case _:
            return b"'self'"


def base_of(name: str, port: int | None) -> str:
    return f"/proxy/server/{name}" if port is None else f"/proxy/server/{name}/~{port}"


__all__ = ["Request", "anonymous_refusal", "base_of", "denied", "frame_sources"]
