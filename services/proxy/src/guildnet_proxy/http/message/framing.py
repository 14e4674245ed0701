"""How a message's body is read and passed on, by its head (RFC 9112 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.body import Body, Length, UntilClose
from guildnet_proxy.http.message.chunks import Chunks
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.message.response import ResponseHead

WITHOUT_BODY: Final = frozenset({204, 304})
"""Statuses of final responses that never have one."""


def request_body(head: RequestHead, limits: Limits) -> Body | None:
    """The decoder of a request's body; None for a request without one."""
    if not head.has_body:
        return None
    return Chunks(limits, framed=True) if head.chunked else Length(head.length)


@dataclass(slots=True)
class ResponseFraming:
    """How a response is read and passed on.

    `body` takes what comes; `chunked` says that it goes on in chunks; `keep_alive` that the client's connection may
    serve another request, `reusable` that the upstream's may; `lines` are the framing fields that end the head.
    """

    body: Body
    chunked: bool
    keep_alive: bool
    reusable: bool
    lines: bytes


def length_line(length: int, *, keep_alive: bool) -> bytes:
    """The framing fields of a response that ends after `length` bytes, and the empty line."""
    return (
        b"Content-Length: %d\r\n\r\n" if keep_alive else b"Content-Length: %d\r\nConnection: close\r\n\r\n"
    ) % length


def response_framing(request: RequestHead, head: ResponseHead, limits: Limits, *, keep_alive: bool) -> ResponseFraming:
    """The framing of a final response; a client of HTTP/1.0 gets a body that the connection's end ends."""
    chunked = False
    lines = b""
    body: Body
    if request.method == b"HEAD" or head.status in WITHOUT_BODY:
        body = Length(0)
        if head.length is not None and head.status != 204:
            lines = b"Content-Length: %d\r\n" % head.length
    elif head.length is not None:
        body = Length(head.length)
        lines = b"Content-Length: %d\r\n" % head.length
    else:
        chunked = request.minor == 1
        body = Chunks(limits, framed=chunked) if head.chunked else UntilClose(framed=chunked)
        keep_alive = keep_alive and chunked
        lines = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    reusable = head.keep_alive and not isinstance(body, UntilClose)
    end = b"\r\n" if keep_alive else b"Connection: close\r\n\r\n"
    return ResponseFraming(body, chunked, keep_alive, reusable, lines + end)
