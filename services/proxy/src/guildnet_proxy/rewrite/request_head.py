"""Request heads on their way to a workspace or the api: what is dropped, kept byte for byte, and set.

Hop-by-hop fields and what `Connection` names go first, ours are added after, so that a client cannot have ours removed.
Identity claims never get this far (http/head.py takes them out).
"""

from __future__ import annotations

from dataclasses import dataclass

from guildnet.identity import HEADER as IDENTITY_HEADER
from guildnet_proxy.http.head import HOP, RequestHead
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.sites import Placement, Site

_FRAMING = frozenset({b"host", b"content-length", b"x-request-id"})
_IDENTITY = IDENTITY_HEADER.encode()


@dataclass(frozen=True, slots=True)
class Caller:
    """What is told about the client: its address, the site it came to and the request's id."""

    address: str
    site: Site
    request_id: bytes


def to_workspace(
    head: RequestHead,
    target: bytes,
    placement: Placement,
    caller: Caller,
    *,
    strip_authorization: bool,
    prefix: bool,
    host: str | None = None,
) -> bytes:
    """The head for a workspace; `prefix` says that the workspace sees paths without `placement.base`, `host` is the
    Host it is called by where that is not the one the browser used."""
    authority = caller.site.authority if host is None else host.encode()
    lines = [b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (head.method, target, authority)]
    for name, lower, value, kind in head.fields:
        if kind == HOP or lower in head.dropped or lower in _FRAMING:
            continue
        if lower == b"cookie":
            value = cookies.for_upstream(value.decode("latin-1"), placement).encode("latin-1")
            if not value:
                continue
        elif lower == b"authorization" and strip_authorization:
            continue
        lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(_forwarded(caller, placement.base if prefix else ""))
    lines.append(framing(head))
    return b"".join(lines)


def to_api(head: RequestHead, caller: Caller, identity: str | None) -> bytes:
    """The head for the api: the signed identity is the only thing it believes, so no cookie or token goes along."""
    lines = [b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (head.method, head.target, caller.site.authority)]
    lines += [
        b"%b: %b\r\n" % (name, value)
        for name, lower, value, kind in head.fields
        if kind != HOP
        and lower not in head.dropped
        and lower not in _FRAMING
        and lower not in {b"cookie", b"authorization"}
    ]
    lines.append(_forwarded(caller, ""))
    if identity is not None:
        lines.append(b"%b: %b\r\n" % (_IDENTITY, identity.encode()))
    lines.append(framing(head))
    return b"".join(lines)


def _forwarded(caller: Caller, prefix: str) -> bytes:
    """X-Forwarded-* and Forwarded (RFC 7239), made by us alone.

    Forwarded names no host: one with a port has to be quoted there, and code-server takes the quotes for a part of the
    name, compares it with the Origin and refuses its own WebSockets. X-Forwarded-Host says the same to everybody.
    """
    site = caller.site
    proto = b"https" if site.origin.startswith("https:") else b"http"
    address = caller.address.encode()
    node = b'"[%b]"' % address if b":" in address else address
    text = (
        b"X-Forwarded-For: %b\r\nX-Forwarded-Host: %b\r\nX-Forwarded-Proto: %b\r\n"
        b"Forwarded: for=%b;proto=%b\r\nX-Request-Id: %b\r\n"
    ) % (address, site.authority, proto, node, proto, caller.request_id)
    return text + b"X-Forwarded-Prefix: %b\r\n" % prefix.encode() if prefix else text


def framing(head: RequestHead) -> bytes:
    """Our own framing fields and the empty line."""
    if head.upgrade:
        return b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    if head.chunked:
        return b"Transfer-Encoding: chunked\r\n\r\n"
    if head.length or b"content-length" in head.values:
        return b"Content-Length: %d\r\n\r\n" % head.length
    return b"\r\n"
