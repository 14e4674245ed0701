"""Where a message's body ends: by length, by chunks, or by the end of the connection (RFC 9112 6.3).

Each decoder takes bytes as they come and gives payload back; `done` says the body is complete, `rest` is what came
behind its end. Chunks are decoded by llhttp and encoded anew on the other side, so that no two parsers can disagree
about them; extensions and trailers are dropped. `response_framing` chooses how an upstream's response goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import httptools

from guildnet_proxy.http.errors import BrokenFraming
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import RequestHead, ResponseHead

LAST_CHUNK = b"0\r\n\r\n"
_LINE_END = b""
WITHOUT_BODY = frozenset({204, 304})
"""Statuses of final responses that never have one (RFC 9112 6.3)."""


class Body(Protocol):
    """A decoder; `feed` raises BrokenFraming and is not called again once `done`."""

    done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes: ...


class Length:
    """A body of `remaining` bytes; what follows them in the same read is `rest`."""

    __slots__ = ("done", "remaining", "rest")

    def __init__(self, remaining: int) -> None:
        self.remaining = remaining
        self.done = remaining == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        size = len(data)
        if size > self.remaining:
            self.rest = data[self.remaining :]
            data = data[: self.remaining]
            size = self.remaining
        self.remaining -= size
        self.done = self.remaining == 0
        return data


class UntilClose:
    """A response body that only the end of the connection ends."""

    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        return data


class Chunked:
    """A chunked body (RFC 9112 7.1), decoded by llhttp.

    What is no payload is held against the payload, per read: a chunk of one byte costs five more and is allowed seven,
    so honest senders never come near Limits.chunk_overhead_bytes, and a flood of extensions or trailers does.

    llhttp does not say at which byte a message ended, but it tells of every end of a size line, every piece of data and
    every line end behind data in their order; the end is found by walking the last read along them (`_end`).
    """

    __slots__ = ("_decode", "_events", "_max_overhead", "_overhead", "_tail", "done", "on_body", "on_chunk_complete",
                 "on_chunk_header", "rest")  # fmt: skip

    def __init__(self, limits: Limits) -> None:
        self.done = False
        self.rest = b""
        self._max_overhead = limits.chunk_overhead_bytes
        self._overhead = 0
        self._tail = b""
        self._events: list[bytes] = []
        self.on_body = self._events.append
        self.on_chunk_header = self.on_chunk_complete = partial(self._events.append, _LINE_END)
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
        self._decode = parser.feed_data

    def on_message_complete(self) -> None:
        self.done = True

    def on_message_begin(self) -> None:
        if self.done:
            raise BrokenFraming("the next message is not this decoder's")

    def feed(self, data: bytes) -> bytes:
        """Payload in `data`; raises BrokenFraming, also when a sender drips chunk extensions or trailers for ever."""
        size = len(data)
        events = self._events
        try:
            self._decode(data)
        except httptools.HttpParserError as error:
            if not self.done:
                raise BrokenFraming(str(error)) from None
        if self.done:
            size = self._end(data)
            self.rest = data[size:]
        # Two pieces of data have two line ends between them: up to three events hold one piece, which is not copied.
        if len(events) == 3:
            payload = events[0] or events[1] or events[2]
        elif len(events) == 2:
            payload = events[0] or events[1]
        else:
            payload = b"".join(events)
        events.clear()
        self._tail = data[-3:] if size > 2 else (self._tail + data)[-3:]
        overhead = self._overhead + size - 8 * len(payload)
        if overhead < 0:
            overhead = 0
        elif overhead > self._max_overhead:
            raise BrokenFraming("too many bytes of chunk extensions or trailers")
        self._overhead = overhead
        return payload

    def _end(self, data: bytes) -> int:
        """Where in `data`, the last read, the body ends: behind the first empty line after the last chunk's size line.

        That line may have begun up to three bytes before `data`, of which `_tail` reminds.
        """
        at = 0
        for piece in self._events[:-1]:
            at = at + len(piece) if piece else data.find(b"\n", at) + 1
        before = len(self._tail)
        found = (self._tail + data).find(b"\r\n\r\n", max(at + before - 3, 0))
        if found < 0:
            raise BrokenFraming("the end of the chunks is not to be found")
        return found + 4 - before


def chunk(data: bytes) -> bytes:
    """One chunk on the wire; never the last one, which is LAST_CHUNK."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def request_body(head: RequestHead, limits: Limits) -> Body | None:
    """The decoder of a request's body; None for a request without one."""
    if not head.has_body:
        return None
    return Chunked(limits) if head.chunked else Length(head.length)


@dataclass(slots=True)
class ResponseFraming:
    """How a response is read and passed on.

    `body` decodes what comes; `chunked` says that it goes on in chunks; `keep_alive` that the client's connection may
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
        body = Chunked(limits) if head.chunked else UntilClose()
        chunked = request.minor == 1
        keep_alive = keep_alive and chunked
        lines = b"Transfer-Encoding: chunked\r\n" if chunked else b""
    reusable = head.keep_alive and not isinstance(body, UntilClose)
    end = b"\r\n" if keep_alive else b"Connection: close\r\n\r\n"
    return ResponseFraming(body, chunked, keep_alive, reusable, lines + end)
