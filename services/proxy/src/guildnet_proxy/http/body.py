"""Where a message's body ends: by length, by chunks, or by the end of the connection.

Each decoder takes bytes as they come and gives payload back; `done` says the body is complete. Chunks are decoded by
llhttp and encoded anew on the other side, so that no two parsers can disagree about them. Trailers are dropped.
"""

from __future__ import annotations

from typing import Protocol

import httptools

_OVERHEAD = 32 * 1024


class BrokenFraming(Exception):  # noqa: N818
    """The body's own framing is not what it has to be; nothing after it on the connection can be trusted."""


class Body(Protocol):
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
    """A chunked body. Bytes after its end cannot be told apart by llhttp's interface, so `rest` is only ever a marker:
    non-empty when something followed, in which case the connection has to be closed after this message."""

    __slots__ = ("_over", "_overhead", "_parser", "_pieces", "done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._pieces: list[bytes] = []
        self._overhead = 0
        self._over = False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        self.done = True

    def on_message_begin(self) -> None:
        if self.done:
            self._over = True
            raise BrokenFraming("bytes after the last chunk")

    def feed(self, data: bytes) -> bytes:
        """Payload in `data`; raises BrokenFraming, also when a sender drips chunk extensions or trailers for ever."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self._over:
                raise BrokenFraming(str(error)) from None
            self.rest = b"?"
        pieces = self._pieces
        payload = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        # A chunk of one byte costs six: honest senders stay under this, a flood of extensions or trailers does not.
        self._overhead = max(0, self._overhead + len(data) - 8 * len(payload))
        if self._overhead > _OVERHEAD:
            raise BrokenFraming("chunk extensions or trailers over 32 KiB")
        return payload


def chunk(data: bytes) -> bytes:
    """One chunk on the wire; never the last one, which is LAST_CHUNK."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
