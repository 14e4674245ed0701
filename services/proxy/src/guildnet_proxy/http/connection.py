"""One connection of a client: heads in, one exchange or answer at a time, deadlines, and its end.

Its states and their transitions are the table of `states.py`; `_on` is the only place that changes the state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Generic, Protocol

from guildnet_proxy.http.errors import BrokenFraming, Refusal, bad_request
from guildnet_proxy.http.exchange import Exchange
from guildnet_proxy.http.flow import Reading
from guildnet_proxy.http.forward import Answer, Forward, Handler, Listener, Outcome, R
from guildnet_proxy.http.head import RequestHead, check_incomplete, parse_request
from guildnet_proxy.http.states import Event, State, next_state
from guildnet_proxy.http.upstream import Pool

HEADER_TIMEOUT_SECONDS = 10.0
KEEP_ALIVE_TIMEOUT_SECONDS = 60.0
LINGER_TIMEOUT_SECONDS = 2.0
MAX_LINGER_BYTES = 1024 * 1024
MAX_PIPELINED_BYTES = 64 * 1024


class Owner(Protocol[R]):
    """What a connection needs of its server."""

    loop: asyncio.AbstractEventLoop
    pool: Pool
    clients: set[ClientConnection[R]]
    handler: Handler[R]
    first_byte: float
    draining: bool

    def finished(self, record: R) -> None: ...

    def relay(self, client: asyncio.Transport, upstream: asyncio.Transport, record: R) -> None: ...


class ClientConnection(asyncio.Protocol, Generic[R]):
    """`address` is the client's for X-Forwarded-For; on the private listener the sidecar names it per request."""

    __slots__ = (
        "_buffer", "_exchange", "_head", "_head_since", "_lingered", "_record", "_since", "_state", "_task",
        "_write_paused", "address", "last_request", "listener", "reading", "server", "transport",
    )  # fmt: skip

    def __init__(self, server: Owner[R], listener: Listener) -> None:
        self.server = server
        self.listener = listener
        self.transport: asyncio.Transport
        self.reading: Reading
        self.address = ""
        self.last_request = False
        self._state = State.HEAD
        self._buffer = b""
        self._since = 0.0
        self._head_since = 0.0
        self._head: RequestHead | None = None
        self._record: R | None = None
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
        if state == State.HEAD:
            self._buffer = self._buffer + data if self._buffer else data
            self._read_heads()
        elif state == State.EXCHANGE and self._exchange is not None and not self._exchange.request_done:
            self._body(data)
        elif state == State.LINGER:
            self._lingered += len(data)
            if self._lingered > MAX_LINGER_BYTES:
                self._on(Event.ABORTED)
                self.transport.abort()
        elif state != State.CLOSED:
            self._buffer += data
            if len(self._buffer) > MAX_PIPELINED_BYTES:
                self.reading.pause()

    def eof_received(self) -> bool:
        """A client that stops talking in the middle of an exchange is gone (as nginx sees it); else we are done."""
        if self._exchange is not None:
            self._exchange.abandon()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.server.clients.discard(self)
        self._on(Event.LOST)
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
        elif self._state == State.HEAD:
            self._read_heads()

    # ---- requests ---------------------------------------------------------------------------------------------------

    def _read_heads(self) -> None:
        """Handles the heads that are complete, one at a time; the next only after the answer to this has drained."""
        while self._state == State.HEAD and self._buffer and not self._write_paused:
            buffer = self._buffer
            if self._head_since == 0.0:
                if buffer == b"\r":
                    return  # what follows may make it an empty line
                if buffer.startswith(b"\r\n"):
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
        self._record = record = self.server.handler.record(self.server.loop.time())
        self._answer(self.server.handler.refused(error, record))

    def _handle(self, head: RequestHead) -> None:
        self._head = head
        self._record = record = self.server.handler.record(self.server.loop.time())
        self._on(Event.HEAD_READ)
        decision = self.server.handler.handle(head, self.listener, self.address, record)
        if isinstance(decision, Answer | Forward):
            self._go(decision)
        else:
            self._task = self.server.loop.create_task(self._decide(decision))

    async def _decide(self, decision: Awaitable[Outcome]) -> None:
        outcome = await decision
        self._task = None
        if self._state == State.DECIDING:
            self._go(outcome)
            self._read_heads()

    def _go(self, outcome: Outcome) -> None:
        head, record = self._head, self._record
        if head is None or record is None:
            return
        if isinstance(outcome, Answer):
            self._answer(outcome)
            return
        self._on(Event.FORWARDED)
        self.reading.begin()
        self._exchange = Exchange(self, self.server.pool, head, outcome, record)
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
        keep = head is not None and head.keep_alive and self.stays()
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
        if self._record is None or self._state == State.CLOSED:
            return
        if exchange is not None and not exchange.request_done:
            refusal.close = True
        answer = self.server.handler.refused(refusal, self._record, self._head)
        if exchange is not None and exchange.request_done and self._head is not None and self._head.has_body:
            answer = Answer(answer.status, answer.body, answer.headers, close=True)
        self._answer(answer)
        if self._state == State.HEAD:
            self._read_heads()

    def cut(self) -> None:
        """The answer broke off: the client has to see that it is not whole."""
        self._exchange = None
        self._on(Event.ABORTED)
        self.transport.abort()

    def upgraded(self, head: bytes, upstream: asyncio.Transport) -> None:
        """From here on a relay owns both transports."""
        record, self._exchange = self._record, None
        self._on(Event.UPGRADED)
        self._record = None
        self.server.clients.discard(self)
        self.reading.resume()
        self.write(head)
        if self._buffer:
            upstream.write(self._buffer)
            self._buffer = b""
        if record is not None:
            self.server.relay(self.transport, upstream, record)

    def pause_reading(self) -> None:
        self.reading.pause()

    def resume_reading(self) -> None:
        self.reading.resume()

    def seconds_reading(self, now: float) -> float:
        return self.reading.seconds(now)

    def stays(self) -> bool:
        return not (self.last_request or self.server.draining)

    def _on(self, event: Event) -> None:
        self._state = next_state(self._state, event)

    def _idle(self) -> None:
        self._on(Event.KEPT)
        self._since = self.server.loop.time()

    def _linger(self) -> None:
        self._on(Event.UNREAD)
        self._since = self.server.loop.time()
        self.reading.resume()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()

    def _close(self) -> None:
        self._on(Event.ENDED)
        self.transport.close()

    def _finish_record(self, status: int) -> None:
        record, self._record = self._record, None
        if record is not None:
            record.status = status
            self.server.finished(record)

    # ---- time -------------------------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Called once a second; ends what is over its deadline."""
        if self._state == State.EXCHANGE and self._exchange is not None:
            self._exchange.sweep(now, self.server.first_byte)
        elif self._state == State.HEAD and self._head_since:
            if now - self._head_since > HEADER_TIMEOUT_SECONDS:
                self._refuse(Refusal(408, "slow_header", "The request's head did not come in time.", close=True))
        elif self._state == State.HEAD:
            if now - self._since > KEEP_ALIVE_TIMEOUT_SECONDS:
                self._close()
        elif self._state == State.LINGER and now - self._since > LINGER_TIMEOUT_SECONDS:
            self._on(Event.ABORTED)
            self.transport.abort()

    def exchanging(self) -> R | None:
        return self._record if self._exchange is not None else None

    def stop(self) -> None:
        """The process ends: an idle connection closes now, a busy one after its answer."""
        self.last_request = True
        if self._state == State.HEAD:
            self._close()
