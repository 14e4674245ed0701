"""What a connection asks for: small answers, large bodies both ways, WebSocket messages, records of a stream."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from typing import Final

import httptools

from proofs.bench import bodies
from proofs.bench.bodies import WrongAnswerError
from proofs.bench.load.loop import Client, Load, StreamClient

_BUFFER: Final = 256 * 1024


class Asking(StreamClient):
    """Requests, each answered with the same body."""

    def __init__(self, load: Load, requests: Iterator[bytes], body: bytes = bodies.BODY) -> None:
        super().__init__(load)
        self._requests = requests
        self._body = body
        self._rest = b""

    def send(self) -> None:
        self.transport.write(next(self._requests))

    def judged(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        self._rest = b"" if bodies.complete(data, self._body) else data
        if not self._rest:
            self.done()


class Loading(Asking):
    """A page's requests one after the other, each with the body of its answer."""

    def __init__(self, load: Load, files: Iterator[tuple[bytes, bytes]]) -> None:
        super().__init__(load, iter(()))
        self._files = files

    def send(self) -> None:
        request, self._body = next(self._files)
        self.transport.write(request)


class Downloading(Client, asyncio.BufferedProtocol):
    """Bodies of known length; their bytes are counted, and hashed only where `digest` says what they have to be."""

    def __init__(self, load: Load, request: bytes, size: int, digest: str = "") -> None:
        super().__init__(load)
        self._request, self._size, self._expected = request, size, digest
        self._buffer = memoryview(bytearray(_BUFFER))
        self._head = b""
        self._left = 0

    def send(self) -> None:
        self._head, self._left, self._digest = b"", self._size, hashlib.sha256()
        self.transport.write(self._request)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._left == self._size or self._expected:
            self.taken(bytes(self._buffer[:nbytes]))
        else:
            self._count(nbytes)

    def judged(self, data: bytes) -> None:
        if self._left == self._size:
            self._head += data
            found = bodies.head_of(self._head)
            if found is None:
                return
            start, head = found
            bodies.announced(head, self._size)
            data = self._head[start:]
            if not data:
                return
        if self._expected:
            self._digest.update(data)
        self._count(len(data))

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            self.load.failed("more than was announced")
        elif not self._left:
            if self._expected not in ("", self._digest.hexdigest()):
                self.load.failed("another body")
            self.done()


class Parsed(StreamClient):
    """Chunked answers, whose framing is a proxy's own choice: httptools takes it off."""

    def __init__(self, load: Load, request: bytes) -> None:
        super().__init__(load)
        self._request = request

    def send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begun()
        self.transport.write(self._request)

    def begun(self) -> None:
        """A new answer is asked for."""

    def judged(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise WrongAnswerError(f"not HTTP: {error}") from None

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            self.load.failed(f"status {self._parser.get_status_code()}")


class Chunked(Parsed):
    """Large chunked bodies, counted, and hashed where `digest` says what they have to be."""

    def __init__(self, load: Load, request: bytes, size: int, digest: str = "") -> None:
        super().__init__(load, request)
        self._size, self._expected = size, digest

    def begun(self) -> None:
        self._had, self._digest = 0, hashlib.sha256()

    def on_body(self, data: bytes) -> None:
        self._had += len(data)
        if self._expected:
            self._digest.update(data)

    def on_message_complete(self) -> None:
        if self._had != self._size:
            self.load.failed(f"{self._had} bytes of {self._size}")
        elif self._expected not in ("", self._digest.hexdigest()):
            self.load.failed("another body")
        else:
            self.done()


class Streaming(Parsed):
    """Records that carry the time they were written at; `delays` is shared by all connections, in seconds."""

    def __init__(self, load: Load, request: bytes, records: int, delays: list[float]) -> None:
        super().__init__(load, request)
        self._records, self._delays = records, delays

    def begun(self) -> None:
        self._rest = b""
        self._had = 0

    def on_body(self, data: bytes) -> None:
        now = time.perf_counter_ns()
        data = self._rest + data
        whole = len(data) // bodies.RECORD
        for at in range(0, whole * bodies.RECORD, bodies.RECORD):
            self._delays.append((now - int(data[at : at + 20])) / 1e9)
        self._rest = data[whole * bodies.RECORD :]
        self._had += whole

    def on_message_complete(self) -> None:
        if self._had != self._records:
            self.load.failed(f"{self._had} records of {self._records}")
        else:
            self.done()


class Uploading(StreamClient):
    """Request bodies of repeated blocks, with back-pressure."""

    def __init__(self, load: Load, head: bytes, blocks: int) -> None:
        super().__init__(load)
        self._head, self._blocks = head, blocks
        self._left = 0
        self._writing = True
        self._rest = b""

    def pause_writing(self) -> None:
        self._writing = False

    def resume_writing(self) -> None:
        self._writing = True
        self._pump()

    def send(self) -> None:
        self._left = self._blocks
        self.transport.write(self._head)
        self._pump()

    def _pump(self) -> None:
        while self._writing and self._left and not self.transport.is_closing():
            self._left -= 1
            self.transport.write(bodies.BLOCK)

    def judged(self, data: bytes) -> None:
        data = self._rest + data
        self._rest = b"" if bodies.complete(data, bodies.BODY) else data
        if not self._rest:
            if self._left:
                raise WrongAnswerError("an answer before the body's end")
            self.done()


class Messaging(StreamClient):
    """A WebSocket whose messages come back; the first operation is the handshake."""

    def __init__(self, load: Load, request: bytes) -> None:
        super().__init__(load)
        self._request = request
        self._open = False
        self._rest = b""

    def send(self) -> None:
        self.transport.write(bodies.FRAME if self._open else self._request)

    def judged(self, data: bytes) -> None:
        data = self._rest + data
        if not self._open:
            found = bodies.head_of(data, b"101")
            whole, expected = found is not None, data[: found[0]] if found else b""
        else:
            whole, expected = len(data) >= len(bodies.ECHO), bodies.ECHO
        self._rest = b"" if whole else data
        if whole and data != expected:
            raise WrongAnswerError("another message")
        if whole:
            self._open = True
            self.done()
