"""One connection of a client: heads in, one exchange or answer at a time, deadlines, and its end.

States: HEAD (waiting for or reading a request head), DECIDING (the front door is asking somebody), EXCHANGE (a request
is on its way), LINGER (an answer was written that ends the connection; what still comes is read and dropped, or the
kernel would reset the answer away), CLOSED (also after an upgrade, when the bytes are a relay's business).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from guildnet_proxy.frontdoor.pages import Answer
from guildnet_proxy.http.body import BrokenFraming
from guildnet_proxy.http.errors import Refusal, bad_request
from guildnet_proxy.http.exchange import Exchange
from guildnet_proxy.http.flow import Reading
from guildnet_proxy.http.forward import Forward, Outcome, Record
from guildnet_proxy.http.head import RequestHead, check_incomplete, parse_request
from guildnet_proxy.sites import Listener

if TYPE_CHECKING:
    from guildnet_proxy.http.server import Server

HEAD, DECIDING, EXCHANGE, LINGER, CLOSED = range(5)
HEADER_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 60.0
LINGER_SECONDS = 2.0
LINGER_BYTES = 1024 * 1024
BUFFERED = 64 * 1024


class ClientConnection(asyncio.Protocol):
    """`address` is the client's for X-Forwarded-For; on the private listener the sidecar names it per request."""

    __slots__ = (
        "_buffer", "_exchange", "_head", "_head_since", "_lingered", "_record", "_since", "_state", "_task",
        "_write_paused", "address", "last_request", "listener", "reading", "server", "transport",
    )  # fmt: skip

    def __init__(self, server: Server, listener: Listener) -> None:
        self.server = server
        self.listener = listener
        self.transport: asyncio.Transport
        self.reading: Reading
        self.address = ""
        self.last_request = False
        self._state = HEAD
        self._buffer = b""
        self._since = 0.0
        self._head_since = 0.0
        self._head: RequestHead | None = None
        self._record: Record | None = None
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._write_paused = False
        self._lingered = 0

    # ---- the transport's calls --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.reading = Reading(self.transport, self.server.loop)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if isinstance(peer, tuple) else ""
        self._since = self.server.loop.time()
        self.server.clients.add(self)

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == HEAD:
            self._buffer = self._buffer + data if self._buffer else data
            self._read_heads()
        elif state == EXCHANGE and self._exchange is not None and not self._exchange.request_done:
            self._body(data)
        elif state == LINGER:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES:
                self.transport.abort()
        elif state != CLOSED:
            self._buffer += data
            if len(self._buffer) > BUFFERED:
                self.reading.pause()

    def eof_received(self) -> bool:
        """A client that stops talking in the middle of an exchange is gone (as nginx sees it); else we are done."""
        if self._exchange is not None:
            self._exchange.abandon()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.server.clients.discard(self)
        self._state = CLOSED
        if self._task is not None:
            self._task.cancel()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abandon()
        if self._record is not None:
            self._finish_record(499 if self._record.status == 0 else self._record.status)

    def pause_writing(self) -> None:
        self._write_paused = True
        if self._exchange is not None:
            self._exchange.client_full()

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._exchange is not None:
            self._exchange.client_drained()
        elif self._state == HEAD:
            self._read_heads()

    # ---- requests ---------------------------------------------------------------------------------------------------

    def _read_heads(self) -> None:
        """Handles the heads that are complete, one at a time; the next only after the answer to this has drained."""
        while self._state == HEAD and self._buffer and not self._write_paused:
            buffer = self._buffer
            if buffer.startswith(b"\r\n") and self._head_since == 0.0:
                buffer = self._buffer = buffer[2:]  # RFC 9112 2.2: one empty line before a request is forgiven
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._head_since = self._head_since or self.server.loop.time()
            try:
                if end < 0:
                    check_incomplete(buffer)
                    return
                self._buffer = buffer[end + 4 :]
                self._head_since = 0.0
                head = parse_request(buffer[: end + 4])
            except Refusal as error:
                self._refuse(error)
                return
            self._handle(head)

    def _refuse(self, error: Refusal) -> None:
        self._record = record = self.server.record()
        self._answer(self.server.door.refused(error, record))

    def _handle(self, head: RequestHead) -> None:
        self._head = head
        self._record = record = self.server.record()
        self._state = DECIDING
        decision = self.server.door.handle(head, self.listener, self.address, record)
        if isinstance(decision, Answer | Forward):
            self._go(decision)
        else:
            self._task = self.server.loop.create_task(self._decide(decision))

    async def _decide(self, decision: Awaitable[Outcome]) -> None:
        outcome = await decision
        self._task = None
        if self._state == DECIDING:
            self._go(outcome)
            if self._state == HEAD:
                self._read_heads()

    def _go(self, outcome: Outcome) -> None:
        head, record = self._head, self._record
        if head is None or record is None:
            return
        if isinstance(outcome, Answer):
            self._answer(outcome)
            return
        self._state = EXCHANGE
        self.reading.begin()
        self._exchange = Exchange(self, head, outcome, record)
        self._exchange.start()
        if head.has_body:
            self.reading.resume()
            if self._buffer:
                data, self._buffer = self._buffer, b""
                self._body(data)

    def _body(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        try:
            self._buffer = exchange.client_data(data)
        except BrokenFraming:
            exchange.abandon()
            self.exchange_failed(bad_request("The request's body is not well-formed.", "chunks"))

    # ---- answers ----------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def _answer(self, answer: Answer) -> None:
        """Writes an answer of ours; a body that nobody will read, or a broken request, ends the connection."""
        head, record = self._head, self._record
        whole = head is not None and not head.has_body
        keep = head is not None and head.keep_alive and not (self.last_request or self.server.draining)
        keep = keep and whole and not answer.close
        only_head = head is not None and head.method == b"HEAD"
        self.write(answer.encode(head_only=only_head, keep_alive=keep))
        if record is not None:
            record.sent = 0 if only_head else len(answer.body)
            self._finish_record(answer.status)
        self._head = None
        if keep:
            self._idle()
        elif whole and not answer.close:
            self._close()
        else:
            self._linger()

    def exchange_done(self, *, keep_alive: bool) -> None:
        exchange, self._exchange = self._exchange, None
        if self._record is not None:
            self._finish_record(self._record.status)
        self._head = None
        if keep_alive:
            self.reading.resume()
            self._idle()
            self._read_heads()
        elif exchange is not None and not exchange.request_done:
            self._linger()
        else:
            self._close()

    def exchange_failed(self, refusal: Refusal) -> None:
        """The exchange came to nothing before its answer began."""
        exchange, self._exchange = self._exchange, None
        if self._record is None or self._state == CLOSED:
            return
        if exchange is not None and not exchange.request_done:
            refusal.close = True
        answer = self.server.door.refused(refusal, self._record, self._head)
        if exchange is not None and exchange.request_done and self._head is not None and self._head.has_body:
            answer = Answer(answer.status, answer.body, answer.headers, close=True)
        self._answer(answer)
        if self._state == HEAD:
            self._read_heads()

    def cut(self) -> None:
        """The answer broke off: the client has to see that it is not whole."""
        self._exchange = None
        self.transport.abort()

    def upgraded(self, head: bytes, upstream: asyncio.Transport) -> None:
        """From here on a relay owns both transports."""
        record, self._exchange, self._state = self._record, None, CLOSED
        self._record = None
        self.server.clients.discard(self)
        self.reading.resume()
        self.write(head)
        if self._buffer:
            upstream.write(self._buffer)
            self._buffer = b""
        if record is not None:
            self.server.relay(self.transport, upstream, record)

    def _idle(self) -> None:
        self._state = HEAD
        self._since = self.server.loop.time()

    def _linger(self) -> None:
        self._state = LINGER
        self._since = self.server.loop.time()
        self.reading.resume()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()

    def _close(self) -> None:
        self._state = CLOSED
        self.transport.close()

    def _finish_record(self, status: int) -> None:
        record, self._record = self._record, None
        if record is not None:
            record.status = status
            self.server.finished(record)

    # ---- time -------------------------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Called once a second; ends what is over its deadline."""
        if self._state == EXCHANGE and self._exchange is not None:
            self._exchange.sweep(now, self.server.first_byte)
        elif self._state == HEAD and self._head_since:
            if now - self._head_since > HEADER_SECONDS:
                self._refuse(Refusal(408, "slow_header", "The request's head did not come in time.", close=True))
        elif self._state == HEAD:
            if now - self._since > KEEP_ALIVE_SECONDS:
                self._close()
        elif self._state == LINGER and now - self._since > LINGER_SECONDS:
            self.transport.abort()

    def exchanging(self) -> Record | None:
        return self._record if self._exchange is not None else None

    def stop(self) -> None:
        """The process ends: an idle connection closes now, a busy one after its answer."""
        self.last_request = True
        if self._state == HEAD:
            self._close()
