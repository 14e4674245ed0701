"""Request heads on their way to a workspace or the api: what is dropped, kept byte for byte, and set.

Hop-by-hop fields and what `Connection` names go first, ours are added after, so that a client cannot have ours removed.
Identity claims never get this far (http/message/fields.py takes them out). What is made here is everything below the
request line but the request's id: it is the same for every request with these fields.
"""

from __future__ import annotations

from guildnet.identity import HEADER as IDENTITY_HEADER
from guildnet_proxy.http.message.fields import NOT_PASSED, USUAL_OPTIONS, Block
from guildnet_proxy.memo import Memo
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.sites import Placement, Site

_IDENTITY = IDENTITY_HEADER.encode()
MAX_REMEMBERED_CALLERS = 4096
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
        return b"".join((method, b" ", target, b" HTTP/1.1\r\n", self.before, request_id, self.after))

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
    login: tuple[bytes, bytes] = (b"", b""),
) -> Sent:
    """The head for a workspace; `prefix` says that the workspace sees paths without `placement.base`, `host` is the
    Host it is called by where that is not the one the browser used, `login` a finished field and a cookie by which the
    workspace knows that the request comes from here."""
    field, cookie = login
    lines = block.plain.copy()
    for at, (lower, line) in reversed(block.special):
        if lower in NOT_PASSED or lower in block.dropped or (strip_authorization and lower == b"authorization"):
            continue
        if lower == b"cookie":
            value = cookies.for_upstream(line[8:].decode("latin-1"), placement)
            if not value:
                continue
            sent = value.encode("latin-1")
            if cookie and cookie.partition(b"=")[0].decode() not in dict(cookies.pairs(value)):
                sent += b"; " + cookie
            cookie = b""
            line = line[:8] + sent
        lines.insert(at, line)
    if not block.dropped <= USUAL_OPTIONS:
        lines = _without(block.dropped, lines)
    lines.insert(0, b"Host: " + (caller.site.authority if host is None else host.encode()))
    if cookie:
        lines.append(b"Cookie: " + cookie)
    if field:
        lines.append(field)
    lines.append(_forwarded(caller))
    after = b"\r\nX-Forwarded-Prefix: %b\r\n" % placement.base.encode() if prefix and placement.base else b"\r\n"
    return Sent(b"\r\n".join(lines), after + framing(block))


def to_api(block: Block, caller: Caller, traceparent: bytes = b"") -> Sent:
    """The head for the api: the signed identity is the only thing it believes, so no cookie or token goes along.

    `traceparent` takes the place of the client's, where it is given.
    """
    dropped = block.dropped | _TRACE if traceparent else block.dropped
    plain = block.plain if dropped <= USUAL_OPTIONS else _without(dropped, block.plain)
    ours = [b"%b: %b" % (TRACEPARENT, traceparent)] if traceparent else []
    lines = [b"Host: " + caller.site.authority, *plain, *ours, _forwarded(caller)]
    return Sent(b"\r\n".join(lines), b"\r\n" + framing(block))


def _without(dropped: frozenset[bytes], lines: list[bytes]) -> list[bytes]:
    """The lines whose names are not among the options of Connection."""
    return [line for line in lines if line.partition(b":")[0].lower() not in dropped]


def _forwarded(caller: Caller) -> bytes:
    """X-Forwarded-* and Forwarded (RFC 7239), made by us alone; ends where the request's id begins.

    Forwarded names no host: one with a port has to be quoted there, and code-server takes the quotes for a part of the
    name, compares it with the Origin and refuses its own WebSockets. X-Forwarded-Host says the same to everybody.
    """
    site = caller.site
    key = caller.address, site.authority, site.origin
    known = _lines.get(key)
    if known is None:
        known = _forwarded_for(caller.address.encode(), site)
        _lines.put(key, known)
    return known


_lines: Memo[tuple[str, bytes, str], bytes] = Memo(MAX_REMEMBERED_CALLERS)


def _forwarded_for(address: bytes, site: Site) -> bytes:
    proto = b"https" if site.origin.startswith("https:") else b"http"
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
