"""What can end an exchange otherwise than well: faults of either side, deadlines, a client that is gone.

The state is changed here alone, by the table of `states/exchange.py` (`_on`).
"""

from __future__ import annotations

import asyncio
from typing import Final

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import ClientSide, Forward, Record
from guildnet_proxy.http.message.body import Body
from guildnet_proxy.http.message.framing import request_body
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.splicing.splice import Splice
from guildnet_proxy.http.states.exchange import TRANSITIONS, Event, State
from guildnet_proxy.http.states.table import EVENT_BITS
from guildnet_proxy.http.upstream import Pool, UpstreamConnection, UpstreamUser

AFTER = TRANSITIONS.after
_CONNECTING: Final = int(State.CONNECTING)


class Fallible(UpstreamUser):
    """An exchange as far as its state and its ends go; `now` is when its request was read."""

    __slots__ = (
        "_body", "_body_bytes", "_head", "_last", "_limits", "_splice", "_state", "_task", "_waiting_since", "client",
        "forward", "pool", "record", "upstream",
    )  # fmt: skip

    def __init__(
        self, client: ClientSide, pool: Pool, head: RequestHead, forward: Forward, record: Record, now: float
    ) -> None:
        self.client = client
        self.pool = pool
        self.forward = forward
        self.record = record
        self.upstream: UpstreamConnection | None = None
        self._limits = pool.limits
        self._state = _CONNECTING
        self._head = head
        self._body: Body | None = request_body(head, pool.limits) if head.has_body else None
        self._body_bytes = 0
        self._last = self._waiting_since = now
        self._task: asyncio.Task[None] | None = None
        self._splice: Splice | None = None

    @property
    def request_done(self) -> bool:
        """Has the whole request come from the client?"""
        return self._body is None

    def _on(self, event: int) -> None:
        row = self._state << EVENT_BITS | event
        try:
            self._state = AFTER[row]
        except KeyError:
            raise TRANSITIONS.unexpected(row) from None

    def _broken(self, refusal: Refusal | None) -> None:
        """It cannot go on: the client gets `refusal`, or sees its answer cut where that has begun."""
        begun = State.STREAMING <= self._state <= State.SPLICING
        self._on(Event.BROKE_OFF if begun else Event.FAILED)
        self.let_go()
        if begun:
            self.client.cut()
        else:
            what = "closed the connection before it answered."
            self.client.exchange_failed(refusal or self._refusal(502, "upstream_reset", what))

    def _fault(self, error: Exception) -> None:
        """Something failed here: one line in the log, and the client gets 502 or sees its answer cut."""
        self.pool.loop.call_exception_handler({"message": "an exchange failed", "exception": error})
        if self._state > State.SPLICING:
            self.let_go()
            self.client.cut()
        else:
            self._broken(self._refusal(502, "bad_upstream", "gave an answer that could not be passed on.", close=True))

    def _refusal(self, status: int, code: str, what: str, *, close: bool = False) -> Refusal:
        return Refusal(status, code, f"{self.forward.who} {what}", close=close)

    def abandon(self) -> None:
        """The client is gone; nothing of this exchange is used again."""
        self._on(Event.CLIENT_GONE)
        self.let_go()

    def let_go(self) -> None:
        """Ends the way to the upstream; harmless twice."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        splice, self._splice = self._splice, None
        if splice is not None:
            splice.close()
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.exchange = None
            upstream.transport.abort()

    def sweep(self, now: float) -> None:
        """Enforces the deadlines: connecting, pace of the request's body, first byte of the answer, idleness of the
        stream, and an upstream that does not read."""
        state, limits, upstream = self._state, self._limits, self.upstream
        if upstream is not None and upstream.full_since and now - upstream.full_since > limits.unread_seconds:
            self._broken(self._refusal(504, "upstream_timeout", "stopped reading the request.", close=True))
        elif state == State.STREAMING or state == State.SPLICING:
            if now - self._last > limits.stream_idle_seconds:
                self._broken(None)
            elif self._splice is not None:
                self._splice.step()  # the loop tells nothing more of a socket after an error of it
        elif state == State.WAITING:
            if now - self._waiting_since > limits.first_byte_seconds:
                self._broken(self._refusal(504, "upstream_timeout", "did not answer in time.", close=True))
        elif state == State.SENDING:
            reading = self.client.incoming.seconds(now) - limits.body_grace_seconds
            if self._body_bytes < limits.body_bytes_a_second * reading:
                self._broken(Refusal(408, "slow_body", "The request's body came too slowly.", close=True))
            elif now - self._last > max(limits.first_byte_seconds, limits.body_grace_seconds):
                self._broken(self._refusal(504, "upstream_timeout", "stopped reading the request.", close=True))
        elif state == State.CONNECTING and now - self._waiting_since > limits.connect_in_all_seconds:
            self._broken(self._refusal(504, "upstream_timeout", "did not accept a connection in time."))
