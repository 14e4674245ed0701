"""One connection of a client: one exchange or answer at a time, and deadlines.

What it answers by itself, and the end of it, is in answering.py. What the client sends is held by `incoming.py`, a
request on its way is an Exchange; here is decided who answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from guildnet_proxy.http.answering import Answering
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.exchange import Exchange
from guildnet_proxy.http.forward import Answer, Forward, Listener, Outcome, R, Side
from guildnet_proxy.http.incoming import Incoming
from guildnet_proxy.http.message.head import RequestHead, begun
from guildnet_proxy.http.owner import Owner
from guildnet_proxy.http.states.connection import Event, State
from guildnet_proxy.http.tunnel.exchange import TunnelExchange

# What every request goes through, as plain numbers: an Enum's attribute costs 70 ns in Python 3.11.
_HEAD: Final = int(State.HEAD)
_EXCHANGE: Final = int(State.EXCHANGE)
_HEAD_READ: Final = int(Event.HEAD_READ)
_FORWARDED: Final = int(Event.FORWARDED)
_KEPT: Final = int(Event.KEPT)


class ClientConnection(Answering[R]):
    """`address` is the client's for X-Forwarded-For; on the private listener the sidecar names it per request.

    `full_since` is when the client had so much unread that nothing more is written, 0.0 while it reads.
    """

    __slots__ = ("_lingered",)

    def __init__(self, server: Owner[R], listener: Listener, address: str = "") -> None:
        """`address` where somebody else has found out whose connection it is."""
        super().__init__(server, listener)
        self.address = address
        self._lingered = 0

    # ---- the transport's calls --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of TCP, which typeshed does not say
        self.write = self.transport.write
        self.incoming = Incoming(self.transport, self._loop, self._limits, self.server.heads)
        if not self.address:
            peer = transport.get_extra_info("peername")
            self.address = peer[0] if isinstance(peer, tuple) else ""
        self._since = self._loop.time()
        if self.server.admit(self.address):
            self.server.clients.add(self)
        else:
            self.cut()

    def data_received(self, data: bytes) -> None:
        state, incoming = self._state, self.incoming
        if state == _HEAD:
            incoming.held = incoming.held + data if incoming.held else data
            self._read_heads()
        elif state == _EXCHANGE and self._exchange is not None and not self._exchange.request_done:
            self._feed(self._exchange, incoming.held + data if incoming.held else data)
        elif state == State.LINGER:
            self._lingered += len(data)
            if self._lingered > self._limits.linger_bytes:
                self.cut()
        elif state != State.CLOSED:
            incoming.hold(data)

    def eof_received(self) -> bool:
        """A client that stops talking in the middle of an exchange is gone (as nginx sees it); else we are done."""
        self._on(Event.LEFT)
        self._since = self._loop.time()
        self._abandon()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio gives it
        if self in self.server.clients:
            self.server.clients.discard(self)
            self.server.left(self.address)
        self._on(Event.LOST)
        self._abandon()
        if self._record is not None:
            self._finish_record(self._record.status or 499, self._loop.time())

    def pause_writing(self) -> None:
        self.full_since = self._loop.time()
        if self._exchange is not None:
            self._exchange.client_full()

    def resume_writing(self) -> None:
        self.full_since = 0.0
        if self._exchange is not None:
            self._exchange.client_drained()
        elif self._state == State.HEAD:
            self._read_heads()

    # ---- requests ---------------------------------------------------------------------------------------------------

    def _read_heads(self) -> None:
        """Handles the heads that are complete, one at a time; the next only after the answer to this has drained.

        Reading pauses while the client does not read, and while it is behind: then everybody else has a turn first.
        """
        incoming, turns = self.incoming, self._limits.heads_a_turn
        try:
            while self._state == _HEAD and incoming.held and turns and not self.full_since and not incoming.behind:
                turns -= 1
                head = incoming.next_head()
                if head is None:
                    break
                self._handle(head)
            if self._state != _HEAD:
                return
            if turns == 0 and incoming.held and not incoming.behind:
                incoming.behind = True
                self.server.later(self.go_on)
            if incoming.behind or self.full_since:
                incoming.pause()
            else:
                incoming.resume()
        except Refusal as refusal:
            self._refuse(refusal)
        except Exception as error:  # noqa: BLE001  whatever it is, it ends this connection and no other
            self._fault(error)

    def go_on(self) -> None:
        """The others have had their turn."""
        incoming, exchange = self.incoming, self._exchange
        incoming.behind = False
        if exchange is None:
            self._read_heads()
        elif not exchange.request_done:
            self._feed(exchange, incoming.take())
            if exchange.upstream is not None and not exchange.upstream.full_since:
                incoming.resume()

    def _feed(self, exchange: Exchange, data: bytes) -> None:
        """More of a request's body; of tiny chunks some are left for the next turn."""
        incoming = self.incoming
        incoming.held = exchange.client_data(data)
        if incoming.held and not exchange.request_done and not incoming.behind:
            incoming.pause()
            incoming.behind = True
            self.server.later(self.go_on)

    def _refuse(self, error: Refusal) -> None:
        self._record = record = self._handler.record(self._loop.time())
        head = begun(self.incoming.held, self.server.limits) if error.status == 431 else None
        self._answer(self._handler.refused(error, record, head))

    def _handle(self, head: RequestHead) -> None:
        self._head = head
        self._since = now = self._loop.time()
        self._record = record = self._handler.record(now)
        self._on(_HEAD_READ)
        decision = self._handler.handle(head, self.listener, self.address, record)
        if isinstance(decision, Forward) or isinstance(decision, Answer):  # noqa: SIM101  a tuple of types costs more
            self._go(decision)
        else:
            self._task = self._loop.create_task(self._decide(decision))

    async def _decide(self, decision: Awaitable[Outcome]) -> None:
        try:
            outcome = await decision
            self._task = None
            if self._state == State.DECIDING:
                self._since = self._loop.time()
                self._go(outcome)
                self._read_heads()
        except Exception as error:  # noqa: BLE001  as above
            self._task = None
            self._fault(error)

    def _go(self, outcome: Outcome) -> None:
        head, record, incoming = self._head, self._record, self.incoming
        if head is None or record is None:
            return
        if isinstance(outcome, Answer):
            self._answer(outcome)
            return
        self._on(_FORWARDED)
        now = self._since
        incoming.begin(now)
        exchange = (
            TunnelExchange(self, self.server.pool, head, outcome, record, now)
            if outcome.tunnel
            else Exchange(self, self.server.pool, head, outcome, record, now)
        )
        self._exchange = exchange
        exchange.start()
        if head.has_body:
            incoming.resume()
            if incoming.held:
                self._feed(exchange, incoming.take())

    # ---- what the exchange tells ------------------------------------------------------------------------------------

    def exchange_done(self, now: float, *, keep_alive: bool) -> None:
        exchange, self._exchange = self._exchange, None
        if self._record is not None:
            self._finish_record(self._record.status, now)
        unread = exchange is not None and not exchange.request_done
        self._after_answer(_KEPT if keep_alive else int(Event.UNREAD if unread else Event.ENDED), now)
        self._read_heads()

    def exchange_failed(self, refusal: Refusal) -> None:
        """The exchange came to nothing before its answer began."""
        exchange, self._exchange = self._exchange, None
        if self._record is None or self._state == State.CLOSED:
            return
        try:
            if exchange is not None and not exchange.request_done:
                refusal.close = True
            answer = self._handler.refused(refusal, self._record, self._head)
            if exchange is not None and exchange.request_done and self._head is not None and self._head.has_body:
                answer = Answer(answer.status, answer.body, answer.headers, close=True)
            self._answer(answer)
        except Exception as error:  # noqa: BLE001  as above
            self._fault(error)
        self._read_heads()

    def upgraded(self, head: bytes, upstream: Side, *, tunnel: bool = False) -> None:
        """From here on a relay owns both transports; its protocols are there before anything is written to them."""
        record, self._record, self._exchange = self._record, None, None
        self._on(Event.UPGRADED)
        self.server.clients.discard(self)
        if record is None:
            return
        early = self.incoming.take()
        record.received = len(early)
        try:
            self.server.relay(self, upstream, record, self.address, tunnel=tunnel).begin(head, early)
        except Exception as error:  # noqa: BLE001  as above
            self._fault(error)
            upstream.transport.abort()

    # ---- time -------------------------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Called once in Limits.sweep_seconds; ends what is over its deadline."""
        try:
            self._overdue(now)
        except Exception as error:  # noqa: BLE001  as above
            self._fault(error)

    def _overdue(self, now: float) -> None:
        """Every state has a deadline, and so has a client that does not read."""
        state, limits, waited, began = self._state, self._limits, now - self._since, self.incoming.head_since
        if state == State.CLOSED:
            if waited > limits.closing_seconds:
                self.cut()
        elif self.full_since and now - self.full_since > limits.unread_seconds:
            self._abandon()
            self.cut()
        elif state == State.EXCHANGE and self._exchange is not None:
            self._exchange.sweep(now)
        elif state == State.HEAD and began:
            if now - began > limits.head_seconds:
                self._refuse(Refusal(408, "slow_header", "The request's head did not come in time.", close=True))
        elif state == State.HEAD:
            if waited > limits.idle_seconds:
                self._after_answer(Event.ENDED, now)
        elif state == State.DECIDING:
            if waited > limits.decide_seconds and self._record is not None:
                self._abandon()
                late = Refusal(503, "slow_decision", "It took too long to find out about this request; try again.")
                self._answer(self._handler.refused(late, self._record, self._head))
                self._read_heads()
        elif state == State.LINGER and waited > limits.linger_seconds:
            self.cut()

    def exchanging(self) -> R | None:
        return self._record if self._exchange is not None else None

    def stop(self) -> None:
        """The process ends: an idle connection closes now, a busy one after its answer."""
        self.last_request = True
        if self._state == State.HEAD and not self.incoming.held:
            self._after_answer(Event.ENDED, self._loop.time())
