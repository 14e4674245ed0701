"""After 101: bytes both ways, never messages. Each half closes on its own.

A relay is swept for idleness, closed when the right to it is withdrawn, and closed first when the process stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Generic

from guildnet_proxy.http.forward import R
from guildnet_proxy.http.limits import Limits


class Relay(Generic[R]):
    """The two ends of one upgraded connection. `ended` is called once, when both are gone."""

    __slots__ = ("_ended", "_idle_seconds", "_loop", "client", "last", "record", "upstream")

    def __init__(
        self,
        client: asyncio.Transport,
        upstream: asyncio.Transport,
        record: R,
        limits: Limits,
        ended: Callable[[Relay[R]], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = ended
        self._idle_seconds = limits.relay_idle_seconds
        self.record = record
        self.last = self._loop.time()
        self.client = End(self, client)
        self.upstream = End(self, upstream)
        self.client.other, self.upstream.other = self.upstream, self.client
        client.set_protocol(self.client)
        upstream.set_protocol(self.upstream)

    def sweep(self, now: float) -> None:
        if now - self.last > self._idle_seconds:
            self.close()

    def close(self) -> None:
        """Both ends, the client's first."""
        self.client.transport.close()
        self.upstream.transport.close()

    def lost(self) -> None:
        if self.client.gone and self.upstream.gone:
            self._ended(self)


class End(asyncio.Protocol):
    """One side; what it reads goes to `other`."""

    __slots__ = ("_relay", "finished", "gone", "other", "transport")

    def __init__(self, relay: Relay[Any], transport: asyncio.Transport) -> None:
        self._relay = relay
        self.transport = transport
        self.other: End = self
        self.finished = False
        self.gone = False

    def data_received(self, data: bytes) -> None:
        relay = self._relay
        relay.last = relay._loop.time()  # noqa: SLF001  one object in two parts, on the hottest path
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        """The other side is told, and may still talk; when it already finished too, both are closed."""
        self.finished = True
        other = self.other
        if other.finished or not other.transport.can_write_eof():
            other.transport.close()
            return False
        if not other.transport.is_closing():
            other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if not self.other.gone:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.other.gone:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        if not self.other.gone:
            # A reset is passed on as one, so that neither side takes a cut stream for a finished one.
            if exc is not None:
                self.other.transport.abort()
            else:
                self.other.transport.close()
        self._relay.lost()
