"""Connections to upstreams, and the pool of idle ones.

A connection serves one exchange at a time. It goes back to the pool only after a whole response to a whole request of
which nothing is unsent. One that speaks while idle, or whose other end left, is thrown away.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from guildnet_proxy.http.forward import Place
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.splicing.pipes import Pipes


class UpstreamUser:
    """The exchange that a connection serves. No typing.Protocol: compiled, those are called by name."""

    __slots__ = ()

    def upstream_data(self, data: bytes) -> None:
        raise NotImplementedError

    def upstream_lost(self, exc: Exception | None) -> None:
        raise NotImplementedError

    def upstream_full(self) -> None:
        raise NotImplementedError

    def upstream_drained(self) -> None:
        raise NotImplementedError


class UpstreamConnection:
    """One connection; `exchange` is the request it serves, None while idle; `full_since` when its buffer got full.

    An asyncio.Protocol in all but name: compiled, what inherits from a class of Python's is as slow as one.
    """

    __slots__ = ("connected", "exchange", "full_since", "idle_since", "paused", "place", "pool", "served", "transport")

    def __init__(self, pool: Pool, place: Place) -> None:
        self.pool = pool
        self.place = place
        self.exchange: UpstreamUser | None = None
        self.transport: asyncio.Transport
        self.connected = False
        self.paused = False
        self.served = 0
        self.full_since = 0.0
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of TCP, which typeshed does not say
        self.connected = True

    def data_received(self, data: bytes) -> None:
        if self.exchange is not None:
            self.exchange.upstream_data(data)
        else:
            self.pool.discard(self)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.upstream_lost(exc)
        else:
            self.pool.forget(self)

    def pause_writing(self) -> None:
        self.full_since = self.pool.loop.time()
        if self.exchange is not None:
            self.exchange.upstream_full()

    def resume_writing(self) -> None:
        self.full_since = 0.0
        if self.exchange is not None:
            self.exchange.upstream_drained()

    def pause(self) -> None:
        """Reads nothing more for now; twice is harmless, as resuming twice is."""
        self.paused = True
        self.transport.pause_reading()

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            self.transport.resume_reading()

    def all_sent(self) -> bool:
        """Is nothing of what was written still here? Of TLS only what is not encrypted yet can be told."""
        return not self.full_since and self.transport.get_write_buffer_size() == 0

    def end(self) -> None:
        """Nothing more is wanted of it: it closes, or is reset where the other end has not read everything."""
        if self.all_sent():
            self.transport.close()
        else:
            self.transport.abort()


Opener = Callable[["Pool", Place], Awaitable[UpstreamConnection]]


class Pool:
    """Idle connections by place, the last used first, and the pipes of long bodies. `open` makes new ones."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits, opens: Opener | None = None) -> None:
        self.loop = loop
        self.limits = limits
        self.open: Opener = opens or open_connection
        self.pipes = Pipes(limits.pipes)
        self._idle: dict[Place, list[UpstreamConnection]] = {}
        self.opened = 0
        self.reused = 0

    def take(self, place: Place, now: float, *, fresh: bool) -> UpstreamConnection | None:
        """An idle connection, None where there is none. `fresh` wants one idle but for a moment: a request that must
        not be repeated should not meet a connection that the other end is about to close."""
        idle = self._idle.get(place)
        limits = self.limits
        oldest = now - (limits.pooled_fresh_seconds if fresh else limits.pooled_seconds)
        while idle:
            if idle[-1].idle_since < oldest:
                return None
            connection = idle.pop()
            if not connection.transport.is_closing():
                self.reused += 1
                return connection
        return None

    async def reach(self, places: Sequence[Place]) -> UpstreamConnection:
        """A new connection to the first of `places` that accepts one; raises what the last of them did, or OSError."""
        failed: OSError = OSError("no address")
        for place in places:
            try:
                connection = await self.open(self, place)
            except OSError as error:
                failed = error
            else:
                self.opened += 1
                return connection
        raise failed

    def put(self, connection: UpstreamConnection, now: float) -> None:
        idle = self._idle.get(connection.place)
        if idle is None:
            idle = self._idle[connection.place] = []
        if connection.transport.is_closing() or len(idle) >= self.limits.pooled_per_place:
            connection.transport.close()
            return
        connection.exchange = None
        connection.served += 1
        connection.idle_since = now
        idle.append(connection)

    def discard(self, connection: UpstreamConnection) -> None:
        self.forget(connection)
        connection.transport.abort()

    def forget(self, connection: UpstreamConnection) -> None:
        idle = self._idle.get(connection.place)
        if idle and connection in idle:
            idle.remove(connection)

    def sweep(self, now: float) -> None:
        """Closes what has been idle too long."""
        oldest = now - self.limits.pooled_seconds
        for place, idle in list(self._idle.items()):
            while idle and idle[0].idle_since < oldest:
                idle.pop(0).transport.close()
            if not idle:
                del self._idle[place]

    def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.transport.close()
        self._idle.clear()
        self.pipes.close()


async def open_connection(pool: Pool, place: Place) -> UpstreamConnection:
    """A new connection; raises OSError or TimeoutError. Whoever stops waiting for it leaves none behind."""
    connection = UpstreamConnection(pool, place)
    try:
        async with asyncio.timeout(pool.limits.connect_seconds):
            await pool.loop.create_connection(
                lambda: cast("asyncio.Protocol", connection),
                place.address,
                place.port,
                ssl=place.tls,
                server_hostname=(place.server_name or place.address) if place.tls is not None else None,
            )
    except BaseException:
        if connection.connected:
            connection.transport.abort()
        raise
    return connection


def unverified_tls() -> ssl.SSLContext:
    """A context that verifies nothing, for a self-signed upstream whose address is already known to be its own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
