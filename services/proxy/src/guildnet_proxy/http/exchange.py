"""One request on its way to an upstream and its answer on the way back, both streamed with flow control.

Its states and their transitions are the table of `states/exchange.py`; `_on` is the only place that changes the state.
The request's body is decoded and framed anew, the answer's head is rewritten once by its rules. Reading pauses at the
transports' high-water marks; a connection goes back to the pool only when nothing of the request is unsent. A request
is sent again, once and on a new connection, only when it is idempotent, has no body, and a pooled connection died
before its first byte of answer.
"""

from __future__ import annotations

import asyncio

from guildnet_proxy.http.errors import BrokenFraming, Refusal, bad_request
from guildnet_proxy.http.forward import ClientSide, Forward, Record
from guildnet_proxy.http.message.body import (
    LAST_CHUNK,
    WITHOUT_BODY,
    Chunked,
    ResponseFraming,
    UntilClose,
    chunk,
    length_line,
    request_body,
    response_framing,
)
from guildnet_proxy.http.message.head import RequestHead, ResponseHead
from guildnet_proxy.http.states.exchange import TRANSITIONS, Event, State
from guildnet_proxy.http.upstream import Pool, UpstreamConnection

# What every request goes through is looked up once: an Enum's attribute costs 70 ns in Python 3.11.
_CONNECTED, _SENT, _ANSWERED, _FINISHED = Event.CONNECTED, Event.SENT, Event.ANSWERED, Event.FINISHED
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PROPFIND"})


class Exchange:
    """Joins `client` and one upstream connection for one request."""

    __slots__ = (
        "_body",
        "_body_bytes",
        "_buffer",
        "_framed",
        "_head",
        "_interim",
        "_last",
        "_later",
        "_limits",
        "_pending",
        "_reused",
        "_state",
        "_task",
        "_waiting_since",
        "client",
        "forward",
        "pool",
        "record",
        "upstream",
    )  # fmt: skip

    def __init__(self, client: ClientSide, pool: Pool, head: RequestHead, forward: Forward, record: Record) -> None:
        self.client = client
        self.pool = pool
        self.forward = forward
        self.record = record
        self.upstream: UpstreamConnection | None = None
        self._limits = pool.limits
        self._state = State.CONNECTING
        self._head = head
        self._body = request_body(head, pool.limits)
        self._body_bytes = 0
        self._last = self._waiting_since = pool.loop.time()
        self._framed: ResponseFraming | None = None
        self._buffer = b""
        self._interim = 0
        self._later = b""
        self._pending = bytearray()
        self._reused = False  # a pooled connection has the request and has not said a byte
        self._task: asyncio.Task[None] | None = None

    @property
    def request_done(self) -> bool:
        """Has the whole request come from the client?"""
        return self._body is None

    def _on(self, event: Event) -> None:
        self._state = TRANSITIONS[self._state, event]

    # ---- towards the upstream ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Takes a connection of the pool, or opens one."""
        pool = self.pool
        repeatable = self._head.method in _IDEMPOTENT and self._body is None and not self._head.upgrade
        for place in self.forward.places:
            connection = pool.take(place, fresh=not repeatable)
            if connection is not None:
                self._reused = repeatable
                self._attach(connection)
                return
        self._task = pool.loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            self._attach(await self.pool.reach(self.forward.places))
        except TimeoutError:
            self._not_connected(self._refusal(504, "upstream_timeout", "did not accept a connection in time."))
        except OSError:
            self._not_connected(self._refusal(502, "upstream_refused", "refused the connection: is its port open?"))
        except Exception as error:  # noqa: BLE001  whatever it is, the client gets an answer and the log the trace
            self._task = None
            self._fault(error)

    def _not_connected(self, refusal: Refusal) -> None:
        self._task = None
        no_address = Refusal(502, "no_target", "There is no address to connect to.")
        self._broken(refusal if self.forward.places else no_address)

    def _attach(self, connection: UpstreamConnection) -> None:
        self.upstream = connection
        self._task = None
        connection.exchange = self
        self._on(_CONNECTED)
        self._waiting_since = self.pool.loop.time()
        connection.transport.write(self.forward.head + self._pending if self._pending else self.forward.head)
        if self._body is None:
            self._on(_SENT)
        elif not connection.full_since:
            self.client.incoming.resume()

    def client_data(self, data: bytes) -> bytes:
        """More of the request's body; gives back what belongs to the next request, or, of tiny chunks, to the next
        turn."""
        most = self._limits.chunks_a_turn_bytes
        if not self._head.chunked or len(data) <= most:
            return self._client_data(data)
        at = 0
        while at < len(data) and self._body is not None:
            before, piece = self._body_bytes, data[at : at + most]
            at += len(piece) - len(self._client_data(piece))
            if (self._body_bytes - before) * 10 < len(piece) * 9:
                break
        return data[at:] if self._state < State.DONE else b""

    def _client_data(self, data: bytes) -> bytes:
        body = self._body
        if body is None:
            return data
        try:
            payload = body.feed(data)
        except BrokenFraming:
            self._broken(bad_request("The request's body is not well-formed.", "chunks"))
            return b""
        except Exception as error:  # noqa: BLE001  as above
            self._fault(error)
            return b""
        self._body_bytes += len(payload)
        self.record.received = self._body_bytes
        self._last = self.pool.loop.time()
        if payload:
            self._send(chunk(payload) if self._head.chunked else payload)
        if not body.done:
            return b""
        if self._head.chunked:
            self._send(LAST_CHUNK)
        self._body = None
        self._waiting_since = self._last
        if self.upstream is not None:
            self._on(_SENT)
        return body.rest

    def _send(self, data: bytes) -> None:
        if self.upstream is not None:
            self.upstream.transport.write(data)
            return
        self._pending += data
        if len(self._pending) > self._limits.held_body_bytes:
            self.client.incoming.pause()

    def upstream_full(self) -> None:
        self.client.incoming.pause()

    def upstream_drained(self) -> None:
        self.client.incoming.resume()

    # ---- towards the client -----------------------------------------------------------------------------------------

    def client_full(self) -> None:
        if self.upstream is not None:
            self.upstream.transport.pause_reading()

    def client_drained(self) -> None:
        if self.upstream is not None and not self._later:
            self.upstream.transport.resume_reading()

    def upstream_data(self, data: bytes) -> None:
        self._last = self.pool.loop.time()
        self._reused = False
        try:
            if self._framed is not None:
                self._stream(self._framed, self._later + data, [])
            else:
                self._heads(self._buffer + data if self._buffer else data)
        except Refusal as refusal:
            self._broken(refusal)
        except BrokenFraming:
            self._broken(None)
        except Exception as error:  # noqa: BLE001  as above
            self._fault(error)

    def _heads(self, data: bytes) -> None:
        """Answer heads: any number of interim ones, then the final one."""
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if (end if end > 3 else len(data)) > self._limits.response_head_bytes:
                raise self._refusal(502, "bad_upstream", "gave an answer with too large a head.")
            if end < 4:
                self._buffer = data
                return
            head = ResponseHead(data[:end], self.forward.rules.names)
            data = data[end:]
            if head.status == 101:
                self._upgrade(head, data)
                return
            if head.status >= 200:
                self._buffer = b""
                self._begin(head, data)
                return
            self._interim += 1
            if self._interim > self._limits.interim_heads:
                raise self._refusal(502, "bad_upstream", "gave too many interim answers.")
            if head.status == 100 and self._head.minor == 1:
                self.client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            elif head.status == 103 and self._head.minor == 1:
                lines = self.forward.rules.lines(head, self.forward.note)
                self.client.write(b"".join([*lines, b"\r\n"]))

    def _begin(self, head: ResponseHead, data: bytes) -> None:
        """Sends the rewritten head, joined with what is there of the body."""
        keep_alive = self._head.keep_alive and self._body is None and self.client.stays()
        lines = self.forward.rules.lines(head, self.forward.note)
        if data and head.length == len(data) and self._head.method != b"HEAD" and head.status not in WITHOUT_BODY:
            self._whole(head, lines, data, keep_alive=keep_alive)
            return
        framed = response_framing(self._head, head, self._limits, keep_alive=keep_alive)
        out = [*lines, framed.lines]
        self._on(_ANSWERED)
        self._framed = framed
        self.record.status = head.status
        self._stream(framed, data, out)

    def _whole(self, head: ResponseHead, lines: list[bytes], data: bytes, *, keep_alive: bool) -> None:
        """Most answers are small and come at once, with their length: there is nothing to stream."""
        record = self.record
        self._on(_ANSWERED)
        record.status, record.sent = head.status, len(data)
        lines.append(length_line(len(data), keep_alive=keep_alive))
        lines.append(data)
        self.client.write(b"".join(lines))
        self._finish(reusable=head.keep_alive, keep_alive=keep_alive)

    def _stream(self, framed: ResponseFraming, data: bytes, out: list[bytes]) -> None:
        most = self._limits.chunks_a_turn_bytes
        self._later = b""
        if len(data) <= most or not isinstance(framed.body, Chunked):
            self._pass_on(framed, data, out)
            return
        at = 0
        while at < len(data) and self._state == State.STREAMING:
            before, piece = self.record.sent, data[at : at + most]
            at += len(piece)
            self._later = data[at : at + 1]  # what comes behind the end keeps the connection out of the pool
            self._pass_on(framed, piece, out)
            out = []
            if (self.record.sent - before) * 10 < len(piece) * 9:
                break
        self._later = data[at:] if self._state == State.STREAMING else b""
        if self._later and self.upstream is not None:
            self.upstream.transport.pause_reading()
            self.pool.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """The rest of what was read at once, when the others have had their turn."""
        upstream = self.upstream
        if self._later and upstream is not None:
            self.upstream_data(b"")
            if upstream.exchange is self and not self._later and not self.client.full_since:
                upstream.transport.resume_reading()

    def _pass_on(self, framed: ResponseFraming, data: bytes, out: list[bytes]) -> None:
        body = framed.body
        payload = body.feed(data) if data else b""
        if payload:
            self.record.sent += len(payload)
            out.append(chunk(payload) if framed.chunked else payload)
        if body.done and framed.chunked:
            out.append(LAST_CHUNK)
        if out:
            self.client.write(b"".join(out) if len(out) > 1 else out[0])
        if body.done:
            self._finish(reusable=framed.reusable and not (body.rest or self._later), keep_alive=framed.keep_alive)

    def _finish(self, *, reusable: bool, keep_alive: bool) -> None:
        self._on(_FINISHED)
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.exchange = None
            if reusable and self._body is None and self._all_sent(upstream):
                upstream.transport.resume_reading()
                self.pool.put(upstream)
            else:
                upstream.end()
        self.client.exchange_done(keep_alive=keep_alive and self._body is None)

    def _all_sent(self, upstream: UpstreamConnection) -> bool:
        """Below TLS unsent bytes cannot be seen: only a request without a body is known to be sent."""
        return upstream.all_sent() and (upstream.place.tls is None or not self._body_bytes)

    def _upgrade(self, head: ResponseHead, rest: bytes) -> None:
        if not self._head.upgrade or self.upstream is None:
            raise self._refusal(502, "bad_upstream", "switched protocols without being asked.")
        self._on(Event.SWITCHED)
        lines = self.forward.rules.lines(head, self.forward.note)
        lines.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        lines.append(rest)
        self.record.status, self.record.sent = 101, len(rest)
        upstream, self.upstream = self.upstream, None
        upstream.exchange = None
        self.client.upgraded(b"".join(lines), upstream)

    # ---- ends -------------------------------------------------------------------------------------------------------

    def upstream_lost(self, exc: Exception | None) -> None:
        self.upstream = None
        framed = self._framed
        if framed is not None and isinstance(framed.body, UntilClose) and exc is None:
            if framed.chunked:
                self.client.write(LAST_CHUNK)
            self._finish(reusable=False, keep_alive=framed.keep_alive)
        elif self._reused:
            self._reused = False
            self._on(Event.LOST_UNUSED)
            self._task = self.pool.loop.create_task(self._connect())
        else:
            self._broken(None)

    def _broken(self, refusal: Refusal | None) -> None:
        """It cannot go on: the client gets `refusal`, or sees its answer cut where that has begun."""
        begun = self._state == State.STREAMING
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
        if self._state > State.STREAMING:
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
        upstream, self.upstream, self._later = self.upstream, None, b""
        if upstream is not None:
            upstream.exchange = None
            upstream.transport.abort()

    def sweep(self, now: float) -> None:
        """Enforces the deadlines: connecting, pace of the request's body, first byte of the answer, idleness of the
        stream, and an upstream that does not read."""
        state, limits, upstream = self._state, self._limits, self.upstream
        if upstream is not None and upstream.full_since and now - upstream.full_since > limits.unread_seconds:
            self._broken(self._refusal(504, "upstream_timeout", "stopped reading the request.", close=True))
        elif state == State.STREAMING:
            if now - self._last > limits.stream_idle_seconds:
                self._broken(None)
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
