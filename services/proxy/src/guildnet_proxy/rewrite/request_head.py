"""Request heads on their way to a workspace or the api: what is dropped, kept byte for byte, and set.

Hop-by-hop fields and what `Connection` names go first, ours are added after, so that a client cannot have ours removed.
Identity claims never get this far (http/message/fields.py takes them out). What is made here is everything below the
request line but the request's id: it is the same for every request with these fields.
"""

from __future__ import annotations

from guildnet.identity import HEADER as IDENTITY_HEADER
from guildnet_proxy.http.message.fields import HOP_BY_HOP, USUAL_OPTIONS, Block
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.sites import Placement, Site

_DROPPED = HOP_BY_HOP | {b"host", b"content-length", b"x-request-id"}
_LOOKED_AT = _DROPPED | {b"cookie", b"authorization"}
_IDENTITY = IDENTITY_HEADER.encode()
TRACEPARENT = b"traceparent"
_TRACE = frozenset({TRACEPARENT})


class Caller:
    """What is told about the client: its address, and the site it came to."""

    __slots__ = ("address", "site")

    def __init__(self, address: str, site: Site) -> None:
        self.address = address
        self.site = site


class Sent:
    """A request head in two pieces around the request's id; never changed."""

    __slots__ = ("after", "before")

    def __init__(self, before: bytes, after: bytes) -> None:
        self.before = before
        self.after = after

    def head(self, method: bytes, target: bytes, request_id: bytes) -> bytes:
        return b"%b %b HTTP/1.1\r\n%b%b%b" % (method, target, self.before, request_id, self.after)

    def signed_head(self, method: bytes, target: bytes, request_id: bytes, identity: str) -> bytes:
        """With the identity that the api believes."""
        return self.head(method, target, b"%b\r\n%b: %b" % (request_id, _IDENTITY, identity.encode()))


def to_workspace(
    block: Block,
    placement: Placement,
    caller: Caller,
    *,
    strip_authorization: bool,
    prefix: bool,
    host: str | None = None,
) -> Sent:
    """The head for a workspace; `prefix` says that the workspace sees paths without `placement.base`, `host` is the
    Host it is called by where that is not the one the browser used."""
    lines = [b"Host: " + (caller.site.authority if host is None else host.encode())]
    looked_at = _looked_at(block)
    for lower, line in block.fields:
        if lower in looked_at:
            if lower in block.dropped or lower in _DROPPED or (strip_authorization and lower == b"authorization"):
                continue
            if lower == b"cookie":
                value = cookies.for_upstream(line[8:].decode("latin-1"), placement)
                if not value:
                    continue
                line = line[:8] + value.encode("latin-1")
        lines.append(line)
    lines.append(_forwarded(caller))
    after = b"\r\nX-Forwarded-Prefix: %b\r\n" % placement.base.encode() if prefix and placement.base else b"\r\n"
    return Sent(b"\r\n".join(lines), after + framing(block))


def to_api(block: Block, caller: Caller, traceparent: bytes = b"") -> Sent:
    """The head for the api: the signed identity is the only thing it believes, so no cookie or token goes along.

    `traceparent` takes the place of the client's, where it is given.
    """
    looked_at = _looked_at(block) | _TRACE if traceparent else _looked_at(block)
    lines = [b"Host: " + caller.site.authority]
    lines += [line for lower, line in block.fields if lower not in looked_at]
    if traceparent:
        lines.append(b"%b: %b" % (TRACEPARENT, traceparent))
    lines.append(_forwarded(caller))
    return Sent(b"\r\n".join(lines), b"\r\n" + framing(block))


def _looked_at(block: Block) -> frozenset[bytes]:
    dropped = block.dropped
    return _LOOKED_AT if dropped <= USUAL_OPTIONS else _LOOKED_AT | dropped


def _forwarded(caller: Caller) -> bytes:
    """X-Forwarded-* and Forwarded (RFC 7239), made by us alone; ends where the request's id begins.

    Forwarded names no host: one with a port has to be quoted there, and code-server takes the quotes for a part of the
    name, compares it with the Origin and refuses its own WebSockets. X-Forwarded-Host says the same to everybody.
    """
    site = caller.site
    proto = b"https" if site.origin.startswith("https:") else b"http"
    address = caller.address.encode()
    node = b'"[%b]"' % address if b":" in address else address
    return (
        b"X-Forwarded-For: %b\r\nX-Forwarded-Host: %b\r\nX-Forwarded-Proto: %b\r\n"
        b"Forwarded: for=%b;proto=%b\r\nX-Request-Id: "
    ) % (address, site.authority, proto, node, proto)


def framing(block: Block) -> bytes:
    """Our own framing fields and the empty line."""
    if block.upgrade:
        return b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    if block.chunked:
        return b"Transfer-Encoding: chunked\r\n\r\n"
    if block.length or b"content-length" in block.values:
        return b"Content-Length: %d\r\n\r\n" % block.length
    return b"\r\n"
