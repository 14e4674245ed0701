"""Chunked bodies (RFC 9112 7.1) on their way through: passed on as they came where they are plain, else framed anew.

Plain is what no two parsers can read differently: a size in hexadecimal without leading zeros, its line end, so many
bytes and a line end, and `0` with an empty line at the end. It is looked at here. From the first thing that is not –
an extension, a trailer, a zero too many – or where chunks are tiny, llhttp takes the rest of the body apart; what it
gives is framed anew, so extensions and trailers are dropped.
"""

from __future__ import annotations

import re
from functools import partial

import httptools

from guildnet_proxy.http.errors import BrokenFraming
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.body import LAST_CHUNK, Body, chunk

_SIZE = re.compile(rb"([1-9a-fA-F][0-9a-fA-F]{0,6})\r\n")
_BEGUN = re.compile(rb"[1-9a-fA-F][0-9a-fA-F]{0,6}\r?|0(?:\r(?:\n\r?)?)?")
_FEW = 64
_TINY_BYTES = 256
_LINE_END = b""


class Chunks(Body):
    """`framed` says that the body goes on in chunks; else its payload does."""

    __slots__ = ("_decoder", "_held", "_left", "_limits", "framed")

    def __init__(self, limits: Limits, *, framed: bool) -> None:
        super().__init__()
        self.framed = framed
        self._limits = limits
        self._held = b""
        self._left = 0  # of a plain chunk, with its line end
        self._decoder: Decoder | None = None if framed else Decoder(limits)

    def feed(self, data: bytes) -> bytes:
        decoder = self._decoder
        if decoder is not None:
            return self._decoded(decoder, data)
        if self._held:
            data, self._held = self._held + data, b""
        at = self._plain(data)
        if self._decoder is not None:
            return data[:at] + self._decoded(self._decoder, data[at:])
        if at == len(data):
            return data
        if self.done:
            self.rest = data[at:]
        else:
            self._held = data[at:]
        return data[:at]

    def _plain(self, data: bytes) -> int:
        """How much of `data` is plain and can go; what is behind it is the start of something, or `_decoder`'s."""
        size, at, left, number = len(data), 0, self._left, 0
        most = _FEW + size // _TINY_BYTES
        while True:
            if left:
                end = at + left
                if end > size:
                    return self._part(size, at, left)
                if data[end - 2 : end] != b"\r\n":
                    raise BrokenFraming("a chunk is longer than its size")
                self.payload += left - 2 if left > 2 else 0
                at, left, self._left = end, 0, 0
            found = _SIZE.match(data, at)
            if found is not None and number < most:
                number += 1
                line = found.end()
                left = int(found[1], 16) + 2
                if line + left > size:
                    return self._part(size, line, left)
                at = line
            elif data.startswith(LAST_CHUNK, at):
                self.done = True
                return at + len(LAST_CHUNK)
            else:
                if found is not None or (at < size and not _BEGUN.fullmatch(data, at)):
                    self._decoder = Decoder(self._limits)
                return at

    def _part(self, size: int, at: int, left: int) -> int:
        """The chunk goes on in the next read; its line end is kept until it is whole."""
        end = min(size, at + left - 2) if left > 2 else at
        self.payload += end - at
        self._left = left - (end - at)
        return end

    def _decoded(self, decoder: Decoder, data: bytes) -> bytes:
        """The rest of the body is the decoder's; of tiny chunks some are left for a later turn."""
        most, at, pieces = self._limits.chunks_a_turn_bytes, 0, []
        while at < len(data) and not decoder.done:
            piece = data[at : at + most]
            payload = decoder.feed(piece)
            at += len(piece)
            pieces.append(payload)
            if len(payload) * 10 < len(piece) * 9:
                break
        payload = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.payload += len(payload)
        self.later = b""
        self.done = decoder.done
        if decoder.done:
            self.rest = decoder.rest + data[at:]
        else:
            self.later = data[at:]
        if not self.framed:
            return payload
        wire = chunk(payload) if payload else b""
        return wire + LAST_CHUNK if decoder.done else wire


class _Told:
    """What llhttp told of a body. It holds this, which holds neither it nor the decoder: nothing goes in a circle."""

    __slots__ = ("done", "events", "on_body", "on_chunk_complete", "on_chunk_header")

    def __init__(self) -> None:
        self.done = False
        self.events: list[bytes] = []
        self.on_body = self.events.append
        self.on_chunk_header = self.on_chunk_complete = partial(self.events.append, _LINE_END)

    def on_message_complete(self) -> None:
        self.done = True

    def on_message_begin(self) -> None:
        if self.done:
            raise BrokenFraming("the next message is not this decoder's")


class Decoder:
    """A chunked body, decoded by llhttp; `done` says that it is complete, `rest` is what came behind its end.

    What is no payload is held against the payload, per read: a chunk of one byte costs five more and is allowed seven,
    so honest senders never come near Limits.chunk_overhead_bytes, and a flood of extensions or trailers does.

    llhttp does not say at which byte a message ended, but it tells of every end of a size line, every piece of data and
    every line end behind data in their order; the end is found by walking the last read along them (`_end`).
    """

    __slots__ = ("_decode", "_max_overhead", "_overhead", "_tail", "_told", "rest")

    def __init__(self, limits: Limits) -> None:
        self.rest = b""
        self._max_overhead = limits.chunk_overhead_bytes
        self._overhead = 0
        self._tail = b""
        self._told = _Told()
        parser = httptools.HttpRequestParser(self._told)
        parser.feed_data(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
        self._decode = parser.feed_data

    @property
    def done(self) -> bool:
        return self._told.done

    def feed(self, data: bytes) -> bytes:
        """Payload in `data`; raises BrokenFraming, also when a sender drips chunk extensions or trailers for ever."""
        size = len(data)
        told = self._told
        events = told.events
        try:
            self._decode(data)
        except httptools.HttpParserError as error:
            if not told.done:
                raise BrokenFraming(str(error)) from None
        if told.done:
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
        for piece in self._told.events[:-1]:
            at = at + len(piece) if piece else data.find(b"\n", at) + 1
        before = len(self._tail)
        found = (self._tail + data).find(b"\r\n\r\n", max(at + before - 3, 0))
        if found < 0:
            raise BrokenFraming("the end of the chunks is not to be found")
        return found + 4 - before
