"""An exchange as far as the kernel carries the body of its response.

That is most of a long body whose length is known. Its start and its end go the usual way, so that all that is decided
about a response is decided in one place: `exchange.py`.
"""

from __future__ import annotations

from typing import Final

from guildnet_proxy.http.fallible import Fallible
from guildnet_proxy.http.message.body import Body, Length
from guildnet_proxy.http.splicing.splice import between
from guildnet_proxy.http.states.exchange import Event

_TAIL_BYTES: Final = 16 * 1024
"""The end of a body, which is read here: what an upstream says behind it must be seen."""


class Spliced(Fallible):
    """Hands a body to the kernel, and takes it back."""

    __slots__ = ("_spliced",)

    _spliced: Length

    def splice(self, body: Body) -> None:
        """Leaves what is missing of `body` to the kernel, where that pays and both ends are plain sockets.

        It begins when everything written before is in the client's socket.
        """
        upstream, client, limits = self.upstream, self.client, self._limits
        if not isinstance(body, Length) or body.remaining < limits.spliced_bytes:
            return
        if upstream is None or self._body is not None or not upstream.all_sent():
            return
        left = body.remaining - _TAIL_BYTES
        splice = between(self.pool.pipes, self.pool.loop, upstream.transport, client.transport, left, self)
        if splice is None:
            return
        self._splice, self._spliced = splice, body
        self._on(Event.SPLICED)
        upstream.pause()
        client.transport.set_write_buffer_limits(0)
        if not client.full_since:
            splice.begin()

    # ---- what the splice tells --------------------------------------------------------------------------------------

    def splice_moved(self, size: int) -> None:
        body = self._spliced
        body.remaining -= size
        body.payload += size
        self.record.sent = body.payload
        self._last = self.pool.loop.time()

    def splice_blocked(self) -> None:
        self.client.full_since = self.pool.loop.time()

    def splice_flows(self) -> None:
        self.client.full_since = 0.0

    def splice_ended(self, rest: bytes) -> None:
        self._splice = None
        self._on(Event.UNSPLICED)
        client, upstream = self.client, self.upstream
        client.full_since = 0.0
        if client.transport.is_closing() or upstream is None:
            return
        client.transport.set_write_buffer_limits()
        upstream.resume()
        if rest:
            client.write(rest)

    def splice_failed(self, error: Exception | None) -> None:  # noqa: ARG002  whichever end it was, the answer is cut
        self._splice = None
        self._broken(None)
