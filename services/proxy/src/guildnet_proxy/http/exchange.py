"""One request on its way to an upstream and its answer on the way back, both streamed with flow control.

What ends it otherwise than well is in fallible.py, where its state is changed too. Bodies are checked on their way, the
answer's head is rewritten once by its rules. Reading pauses at the transports' high-water marks; a connection goes back
to the pool only when nothing of the request is unsent. A request is sent again, once and on a new connection, only when
it is idempotent, has no body, and a pooled connection died before its first byte of answer.
"""

from __future__ import annotations

from typing import Final

from guildnet_proxy.http.errors import BrokenFraming, Refusal, bad_request
from guildnet_proxy.http.forward import ClientSide, Forward, Record
from guildnet_proxy.http.message.body import LAST_CHUNK, UntilClose
from guildnet_proxy.http.message.framing import WITHOUT_BODY, ResponseFraming, length_line, response_framing
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.http.message.response import ResponseHead
from guildnet_proxy.http.splicing.spliced import Spliced
from guildnet_proxy.http.states.exchange import Event, State
from guildnet_proxy.http.upstream import Pool, UpstreamConnection

# What every request goes through, as plain numbers: an Enum's attribute costs 70 ns in Python 3.11.
_CONNECTED: Final = int(Event.CONNECTED)
_SENT: Final = int(Event.SENT)
_ANSWERED: Final = int(Event.ANSWERED)
_FINISHED: Final = int(Event.FINISHED)
_IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PROPFIND"})


class Exchange(Spliced):
    """Joins `client` and one upstream connection for one request, which was read at `now`."""

    __slots__ = ("_buffer", "_framed", "_interim", "_pending", "_reused")

    def __init__(
        self, client: ClientSide, pool: Pool, head: RequestHead, forward: Forward, record: Record, now: float
    ) -> None:
        super().__init__(client, pool, head, forward, record, now)
        self._framed: ResponseFraming | None = None
        self._buffer = b""
        self._interim = 0
        self._pending = b""
        self._reused = False  # a pooled connection has the request and has not said a byte

    # ---- towards the upstream ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Takes a connection of the pool, or opens one."""
        pool, head, now = self.pool, self._head, self._last
        repeatable = self._body is None and head.method in _IDEMPOTENT and not head.upgrade
        for place in self.forward.places:
            connection = pool.take(place, now, fresh=not repeatable)
            if connection is not None:
                self._reused = repeatable
                self._attach(connection, now)
                return
        self._task = pool.loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            connection = await self.pool.reach(self.forward.places)
            self._attach(connection, self.pool.loop.time())
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

    def _attach(self, connection: UpstreamConnection, now: float) -> None:
        self.upstream = connection
        self._task = None
        connection.exchange = self
        self._on(_CONNECTED)
        self._waiting_since = now
        connection.transport.write(self.forward.head + self._pending if self._pending else self.forward.head)
        if self._body is None:
            self._on(_SENT)
        elif not connection.full_since:
            self.client.incoming.resume()

    def client_data(self, data: bytes) -> bytes:
        """More of the request's body; gives back what belongs to the next request, or, of tiny chunks, to the next
        turn."""
        body = self._body
        if body is None:
            return data
        try:
            wire = body.feed(data)
        except BrokenFraming:
            self._broken(bad_request("The request's body is not well-formed.", "chunks"))
            return b""
        except Exception as error:  # noqa: BLE001  as above
            self._fault(error)
            return b""
        self._body_bytes = self.record.received = body.payload
        self._last = self.pool.loop.time()
        if wire:
            self._send(wire)
        if not body.done:
            return body.later if self._state < State.DONE else b""
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
            self.upstream.pause()

    def client_drained(self) -> None:
        if self._splice is not None:
            self._splice.begin()
        elif self.upstream is not None and (self._framed is None or not self._framed.body.later):
            self.upstream.resume()

    def upstream_data(self, data: bytes) -> None:
        self._last = self.pool.loop.time()
        self._reused = False
        try:
            if self._framed is not None:
                self._pass_on(self._framed, data, [])
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
        looked = len(self._buffer)
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if (end if end > 3 else len(data)) > self._limits.response_head_bytes:
                raise self._refusal(502, "bad_upstream", "gave an answer with too large a head.")
            if end < 4 and _may_become_a_head(data, looked):
                self._buffer = data
                return
            looked = 0
            head = ResponseHead(data[:end] if end > 3 else data, self.forward.rules.names)
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
        self._pass_on(framed, data, out)
        if head.length is not None and head.length >= self._limits.spliced_bytes:
            self.splice(framed.body)

    def _whole(self, head: ResponseHead, lines: list[bytes], data: bytes, *, keep_alive: bool) -> None:
        """Most answers are small and come at once, with their length: there is nothing to stream."""
        record = self.record
        self._on(_ANSWERED)
        record.status, record.sent = head.status, len(data)
        lines.append(length_line(len(data), keep_alive=keep_alive))
        lines.append(data)
        self.client.write(b"".join(lines))
        self._finish(reusable=head.keep_alive, keep_alive=keep_alive)

    def _pass_on(self, framed: ResponseFraming, data: bytes, out: list[bytes]) -> None:
        """Writes what goes on of `data`, behind `out`; of tiny chunks some wait for the next turn."""
        body, upstream = framed.body, self.upstream
        if body.later:
            data = body.later + data
        wire = body.feed(data) if data else b""
        self.record.sent = body.payload
        if out:
            out.append(wire)
            wire = b"".join(out)
        if wire:
            self.client.write(wire)
        if body.done:
            self._finish(reusable=framed.reusable and not body.rest, keep_alive=framed.keep_alive)
        elif body.later and upstream is not None and upstream.exchange is self:
            upstream.pause()
            self.pool.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """The rest of what was read at once, when the others have had their turn."""
        framed, upstream = self._framed, self.upstream
        if framed is not None and framed.body.later and upstream is not None:
            self.upstream_data(b"")
            if upstream.exchange is self and not framed.body.later and not self.client.full_since:
                upstream.resume()

    def _finish(self, *, reusable: bool, keep_alive: bool) -> None:
        self._on(_FINISHED)
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.exchange = None
            if reusable and self._body is None and self._all_sent(upstream):
                upstream.resume()
                self.pool.put(upstream, self._last)
            else:
                upstream.end()
        self.client.exchange_done(self._last, keep_alive=keep_alive and self._body is None)

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


def _may_become_a_head(start: bytes, looked: int) -> bool:
    """Could an end make this a good head? Else it is refused as it is: a head whose lines end without CR has no end.

    The first `looked` bytes were looked through before.
    """
    ends = start.count(b"\r\n", looked - 1 if looked else 0)
    return start.count(b"\n", looked) == ends and (start.startswith(b"HTTP/1.") or b"HTTP/1.".startswith(start))
