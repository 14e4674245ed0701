"""How an upstream's answer is framed on its way to the client: pure."""

from __future__ import annotations

from dataclasses import dataclass

from guildnet_proxy.http.body import Body, Chunked, Length, UntilClose
from guildnet_proxy.http.head import RequestHead, ResponseHead


@dataclass(frozen=True, slots=True)
class Framed:
    """`body` decodes what comes, `chunked` says how it goes on, `lines` end the head, `reusable` the upstream."""

    body: Body
    chunked: bool
    keep_alive: bool
    reusable: bool
    lines: bytes


def frame(request: RequestHead, head: ResponseHead, *, keep_alive: bool) -> Framed:
    """The framing of a final answer (RFC 9112 6.3); a client of HTTP/1.0 gets a body that the connection's end ends."""
    chunked = False
    lines = b""
    body: Body
    if request.method == b"HEAD" or head.status in {204, 304}:
        body = Length(0)
        if head.length is not None and head.status != 204:
            lines = b"Content-Length: %d\r\n" % head.length
    elif head.length is not None:
        body = Length(head.length)
        lines = b"Content-Length: %d\r\n" % head.length
    else:
        body = Chunked() if head.chunked else UntilClose()
        chunked = request.minor == 1
        keep_alive = keep_alive and chunked
        lines = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    reusable = head.keep_alive and not isinstance(body, UntilClose)
    return Framed(
        body, chunked, keep_alive, reusable, lines + (b"\r\n" if keep_alive else b"Connection: close\r\n\r\n")
    )
