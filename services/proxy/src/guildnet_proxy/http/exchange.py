"""One request on its way to an upstream and its answer on the way back, both streamed with flow control.

The request's body is decoded and framed anew, the answer's head is rewritten once by its rules. Reading
pauses at the transports' high-water marks; a connection that goes back to the pool may still hold unsent bytes.
A request is sent again, once and on a new connection, only when it is idempotent,
has no body, and a pooled connection died before its first byte of answer.
"""

from __future__ import annotations

import asyncio

from guildnet_proxy.http.body import LAST_CHUNK, ResponseFraming, UntilClose, chunk, request_body, response_framing
from guildnet_proxy.http.errors import BrokenFraming, Refusal
from guildnet_proxy.http.forward import ClientSide, Forward, Record
from guildnet_proxy.http.head import RequestHead, ResponseHead, parse_response
from guildnet_proxy.http.upstream import Pool, UpstreamConnection

MAX_PENDING_BYTES = 64 * 1024
MAX_RESPONSE_HEAD_BYTES = 64 * 1024
STREAM_IDLE_TIMEOUT_SECONDS = 3600.0
BODY_BYTES_A_SECOND = 1024
BODY_GRACE_SECONDS = 20.0
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PROPFIND"})


class Exchange:
    """Joins `client` and one upstream connection for one request."""

    __slots__ = (
        "_body", "_buffer", "_framed", "_head", "_pending", "_pending_size", "_retried", "_reused", "_task",
        "body_bytes", "client", "forward", "last", "pool", "record", "request_done", "started", "upstream",
        "waiting_since",
    )  # fmt: skip

    def __init__(self, client: ClientSide, pool: Pool, head: RequestHead, forward: Forward, record: Record) -> None:
        self.client = client
        self.pool = pool
        self.forward = forward
        self.record = record
        self.upstream: UpstreamConnection | None = None
        self.started = False  # an answer's head has gone to the client
        self.request_done = not head.has_body
        self.body_bytes = 0
        self.last = self.waiting_since = pool.loop.time()
        self._head = head
        self._body = request_body(head)
        self._framed: ResponseFraming | None = None
        self._buffer = b""
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._retried = False
        self._reused = False
        self._task: asyncio.Task[None] | None = None

    # ---- towards the upstream ---------------------------------------------------------------------------------------

    def start(self) -> None:
        pool = self.pool
        repeatable = self._head.method in _IDEMPOTENT and self._body is None and not self._head.upgrade
        if not self._retried:
            for place in self.forward.places:
                connection = pool.take(place, fresh=not repeatable)
                if connection is not None:
                    self._reused = repeatable
                    self._attach(connection)
                    return
        self._reused = False
        self._task = self.pool.loop.create_task(self._connect())

    async def _connect(self) -> None:
        refused: Refusal | None = None
        for place in self.forward.places:
            try:
                connection = await self.pool.open(place)
            except TimeoutError:
                refused = self._refusal(504, "upstream_timeout", "did not accept a connection in time.")
            except OSError:
                refused = self._refusal(502, "upstream_refused", "refused the connection: is its port open?")
            else:
                self._task = None
                self._attach(connection)
                return
        self._task = None
        self.client.exchange_failed(refused or Refusal(502, "no_target", "There is no address to connect to."))

    def _attach(self, connection: UpstreamConnection) -> None:
        self.upstream = connection
        connection.exchange = self
        self.waiting_since = self.pool.loop.time()
        if self._pending:
            connection.transport.write(b"".join((self.forward.head, *self._pending)))
            self._pending.clear()
            self._pending_size = 0
        else:
            connection.transport.write(self.forward.head)
        if self._body is not None:
            self.client.resume_reading()

    def client_data(self, data: bytes) -> bytes:
        """More of the request's body; gives back what belongs to the next request. Raises BrokenFraming."""
        body = self._body
        if body is None:
            return data
        payload = body.feed(data)
        self.body_bytes += len(payload)
        self.last = self.pool.loop.time()
        if payload:
            self._send(chunk(payload) if self._head.chunked else payload)
        if not body.done:
            return b""
        if self._head.chunked:
            self._send(LAST_CHUNK)
        self._body = None
        self.request_done = True
        self.waiting_since = self.last
        return body.rest

    def _send(self, data: bytes) -> None:
        if self.upstream is not None:
            self.upstream.transport.write(data)
            return
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size > MAX_PENDING_BYTES:
            self.client.pause_reading()

    def upstream_full(self) -> None:
        self.client.pause_reading()

    def upstream_drained(self) -> None:
        self.client.resume_reading()

    # ---- towards the client -----------------------------------------------------------------------------------------

    def client_full(self) -> None:
        if self.upstream is not None:
            self.upstream.transport.pause_reading()

    def client_drained(self) -> None:
        if self.upstream is not None:
            self.upstream.transport.resume_reading()

    def upstream_data(self, data: bytes) -> None:
        self.last = self.pool.loop.time()
        try:
            if self._framed is not None:
                self._stream(data, [])
            else:
                self._heads(self._buffer + data if self._buffer else data)
        except (Refusal, BrokenFraming) as error:
            self._broken(error if isinstance(error, Refusal) else None)

    def _heads(self, data: bytes) -> None:
        """Answer heads: any number of interim ones, then the final one."""
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > MAX_RESPONSE_HEAD_BYTES:
                    raise self._refusal(502, "bad_upstream", "gave an answer with too large a head.")
                self._buffer = data
                return
            head = parse_response(data[: end + 4])
            data = data[end + 4 :]
            if head.status == 101:
                self._upgrade(head, data)
                return
            if head.status >= 200:
                self._buffer = b""
                self._begin(head, data)
                return
            if head.status == 100 and self._head.minor == 1:
                self.client.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self, head: ResponseHead, data: bytes) -> None:
        """Sends the rewritten head, joined with what is there of the body."""
        keep_alive = self._head.keep_alive and self.request_done and self.client.stays()
        self._framed = framed = response_framing(self._head, head, keep_alive=keep_alive)
        self.started = True
        self.record.status = head.status
        self._stream(data, [*self.forward.rules.lines(head), framed.lines])

    def _stream(self, data: bytes, out: list[bytes]) -> None:
        framed = self._framed
        if framed is None:
            return
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
            self._finish(framed)

    def _finish(self, framed: ResponseFraming) -> None:
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.exchange = None
            if framed.reusable and self.request_done and not framed.body.rest:
                upstream.transport.resume_reading()
                self.pool.put(upstream)
            else:
                upstream.transport.close()
        self.client.exchange_done(keep_alive=framed.keep_alive and self.request_done)

    def _upgrade(self, head: ResponseHead, rest: bytes) -> None:
        if not self._head.upgrade or self.upstream is None:
            raise self._refusal(502, "bad_upstream", "switched protocols without being asked.")
        lines = self.forward.rules.lines(head)
        lines.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        lines.append(rest)
        self.record.status = 101
        upstream, self.upstream = self.upstream, None
        upstream.exchange = None
        self.client.upgraded(b"".join(lines), upstream.transport)

    # ---- ends -------------------------------------------------------------------------------------------------------

    def upstream_lost(self, exc: Exception | None) -> None:
        self.upstream = None
        framed = self._framed
        if framed is not None and isinstance(framed.body, UntilClose) and exc is None:
            if framed.chunked:
                self.client.write(LAST_CHUNK)
            self._finish(framed)
        elif self._reused and not self.started and not self._buffer and not self._retried:
            self._retried = True
            self.start()
        else:
            self._broken(None)

    def _broken(self, refusal: Refusal | None) -> None:
        self.abandon()
        if self.started:
            self.client.cut()
        else:
            what = "closed the connection before it answered."
            self.client.exchange_failed(refusal or self._refusal(502, "upstream_reset", what))

    def _refusal(self, status: int, code: str, what: str, *, close: bool = False) -> Refusal:
        return Refusal(status, code, f"{self.forward.who} {what}", close=close)

    def abandon(self) -> None:
        """Lets go of the upstream; nothing of this exchange is used again."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.exchange = None
            upstream.transport.abort()

    def sweep(self, now: float, first_byte: float) -> None:
        """Enforces the deadlines: pace of the request's body, first byte of the answer, idleness of the stream."""
        if self.started:
            if now - self.last > STREAM_IDLE_TIMEOUT_SECONDS:
                self._broken(None)
        elif self.upstream is None:
            return  # connecting has its own deadline
        elif self.request_done:
            if now - self.waiting_since > first_byte:
                self._broken(self._refusal(504, "upstream_timeout", "did not answer in time."))
        elif self.body_bytes < BODY_BYTES_A_SECOND * (self.client.seconds_reading(now) - BODY_GRACE_SECONDS):
            self._broken(Refusal(408, "slow_body", "The request's body came too slowly.", close=True))
        elif now - self.last > max(first_byte, BODY_GRACE_SECONDS):
            self._broken(self._refusal(504, "upstream_timeout", "stopped reading the request.", close=True))
