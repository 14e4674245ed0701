"""The listeners, everything that is open on them, the clock that enforces deadlines, and the orderly end.

On a stop, what is open lives on for a while; the sidecar, which stops later, passes the ends on to browsers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, cast

from guildnet_proxy.http.connection import ClientConnection
from guildnet_proxy.http.forward import Handler, Listener, R, Recorder, Side
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.message.head import Heads
from guildnet_proxy.http.relay import Relay
from guildnet_proxy.http.tunnel.relay import Tunnel
from guildnet_proxy.http.upstream import Pool

_TICK_SECONDS = 0.05
_log = logging.getLogger(__name__)


class Server(Generic[R]):
    """Owns connections, and enforces the bounds of `limits`. `sweeper` never ends by itself."""

    def __init__(self, handler: Handler[R], recorder: Recorder[R], limits: Limits) -> None:
        self.loop = asyncio.get_running_loop()
        self.handler = handler
        self.recorder = recorder
        self.limits = limits
        self.heads = Heads(limits)
        self.pool = Pool(self.loop, limits)
        self.clients: set[ClientConnection[R]] = set()
        self.relays: set[Relay[R]] = set()
        self._on_relay_ended = self._relay_ended  # one for all of them
        self.draining = False
        self.sweeper = self.loop.create_task(self._sweep(), name="sweeper")
        self._open = 0
        self._addresses: dict[str, int] = {}
        self._turned_away = 0
        self._behind: deque[Callable[[], None]] = deque()
        self._turning = False
        self._revoking: asyncio.TimerHandle | None = None
        self._listeners: list[asyncio.Server] = []

    def problem(self) -> str | None:
        """Why no more requests should come here, or None."""
        if self.draining:
            return "shutting down"
        return "deadlines are not enforced any more" if self.sweeper.done() else None

    async def listen_tcp(self, host: str, port: int, *, shared: bool = False) -> int:
        """Opens a public listener; gives the port, a free one for 0. `shared` with other processes, it is one of some
        to which the kernel gives connections."""
        listener = Listener("tcp", private=False)
        # Any: compiled, its `sockets` would have to be the tuple that asyncio promises; uvloop's is a list.
        server: Any = await self.loop.create_server(
            self._protocols(listener), host, port, backlog=1024, reuse_port=shared or None
        )
        self._listeners.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: Path) -> None:
        """Opens the private listener, mode 0660: the sidecar reaches it through the pod's group."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240  once, before anything is served
        listener = Listener("tailnet", private=True)
        mask = os.umask(0o117)
        try:
            server = await self.loop.create_unix_server(self._protocols(listener), str(path), backlog=1024)
        finally:
            os.umask(mask)
        self._listeners.append(server)

    async def accept_unix(self, descriptor: int) -> None:
        """Accepts from a private listener that another process opened; the descriptor is this server's from now on."""
        listener = Listener("tailnet", private=True)
        server = await self.loop.create_unix_server(
            self._protocols(listener), sock=socket.socket(fileno=descriptor), backlog=1024
        )
        self._listeners.append(server)

    def _protocols(self, listener: Listener) -> Callable[[], asyncio.Protocol]:
        return lambda: cast("asyncio.Protocol", ClientConnection(self, listener))

    async def listen_by(
        self,
        protocols: Callable[[], asyncio.Protocol],
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        shared: bool = False,
    ) -> asyncio.Server:
        """Opens a listener whose connections somebody else looks at first, and hands over with `adopt`."""
        server = await self.loop.create_server(protocols, host, port, ssl=tls, backlog=1024, reuse_port=shared or None)
        self._listeners.append(server)
        return server

    def adopt(self, transport: asyncio.Transport, listener: Listener, address: str, early: bytes) -> None:
        """Takes over a connection; `address` is whose it is, `early` what has been read of it."""
        connection = ClientConnection(self, listener, address)
        transport.set_protocol(cast("asyncio.Protocol", connection))
        connection.connection_made(transport)
        if self.draining:
            connection.stop()
        elif early:
            connection.data_received(early)

    # ---- what connections tell --------------------------------------------------------------------------------------

    def admit(self, address: str) -> bool:
        here = self._addresses.get(address, 0)
        limits = self.limits
        if self._open >= limits.connections or (address and here >= limits.connections_per_address):
            self._turned_away += 1
            return False
        self._open += 1
        self._addresses[address] = here + 1
        return True

    def left(self, address: str) -> None:
        self._open -= 1
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    def later(self, go_on: Callable[[], None]) -> None:
        self._behind.append(go_on)
        if not self._turning:
            self._turning = True
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        """The first of those that are behind; the rest after everything else had its turn."""
        for _ in range(min(len(self._behind), self.limits.turns_at_once)):
            self._behind.popleft()()
        self._turning = bool(self._behind)
        if self._turning:
            self.loop.call_soon(self._turn)

    def finished(self, record: R, now: float) -> None:
        self.handler.release(record)
        self.recorder.finished(record, now)

    def relay(self, client: Side, upstream: Side, record: R, address: str, *, tunnel: bool) -> Relay[R]:
        address = sys.intern(address)
        relay = (Tunnel if tunnel else Relay)(client, upstream, record, address, self.limits, self._on_relay_ended)
        self.relays.add(relay)
        if self.draining:
            relay.follow()
        self.recorder.opened(record)
        return relay

    def _relay_ended(self, relay: Relay[R]) -> None:
        self.relays.discard(relay)
        self.left(relay.address)
        record = relay.record
        record.received += relay.client.received
        record.sent += relay.upstream.received
        self.handler.release(record)
        self.recorder.closed(record, self.loop.time())

    # ---- revocation -------------------------------------------------------------------------------------------------

    def opened(self) -> list[R]:
        """The records of what is open: exchanges, and relays."""
        busy = [record for client in self.clients if (record := client.exchanging())]
        return [*busy, *(relay.record for relay in self.relays)]

    def revoke_soon(self, still_allowed: Callable[[R], bool]) -> None:
        """`revoke` once for a burst of changes."""
        if self._revoking is None:
            self._revoking = self.loop.call_later(0.05, self._revoke_now, still_allowed)

    def _revoke_now(self, still_allowed: Callable[[R], bool]) -> None:
        self._revoking = None
        self.revoke(still_allowed)

    def revoke(self, still_allowed: Callable[[R], bool]) -> int:
        """Closes every open exchange and relay whose right has gone; the sidecar would keep them open for ever."""
        gone = [relay for relay in self.relays if not still_allowed(relay.record)]
        busy = [client for client in self.clients if (record := client.exchanging()) and not still_allowed(record)]
        for relay in gone:
            relay.close()
        for client in busy:
            client.transport.abort()
        return len(gone) + len(busy)

    # ---- time and end -----------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_seconds)
            now = self.loop.time()
            for client in list(self.clients):
                client.sweep(now)
            for relay in list(self.relays):
                self._sweep_relay(relay, now)
            self.pool.sweep(now)
            if self._turned_away:
                _log.warning("connections turned away: there are too many", extra={"number": self._turned_away})
                self._turned_away = 0

    def _sweep_relay(self, relay: Relay[R], now: float) -> None:
        try:
            relay.sweep(now)
        except Exception as error:  # noqa: BLE001  whatever it is, it ends this relay and no other
            self.loop.call_exception_handler({"message": "an upgraded connection failed", "exception": error})
            relay.abort()

    async def close(self) -> None:
        """Not ready; then no listener; then idle connections end, and the others have Limits.drain_seconds to."""
        limits = self.limits
        self.draining = True
        for relay in list(self.relays):
            relay.follow()
        await asyncio.sleep(limits.drain_delay_seconds)
        for server in self._listeners:
            server.close()
        for client in list(self.clients):
            client.stop()
        end = self.loop.time() + limits.drain_seconds
        goodbye = min(limits.goodbye_seconds, limits.drain_seconds / 2)
        await self._emptied(end - goodbye)
        await self._dismiss(goodbye / 2)
        await self._emptied(end)
        for client in list(self.clients):
            client.transport.abort()
        for relay in list(self.relays):
            relay.abort()
        self.pool.close()
        if self._revoking is not None:
            self._revoking.cancel()
        self.sweeper.cancel()
        await asyncio.gather(self.sweeper, return_exceptions=True)
        await asyncio.sleep(0)

    async def _emptied(self, deadline: float) -> None:
        """Until nothing is open, at most until `deadline`."""
        while (self.clients or self.relays) and self.loop.time() < deadline:  # noqa: ASYNC110  two sets, a bounded wait
            await asyncio.sleep(_TICK_SECONDS)

    async def _dismiss(self, seconds: float) -> None:
        """Tells the clients of all relays to leave, evenly over `seconds`."""
        relays = list(self.relays)
        ticks = max(1, int(seconds / _TICK_SECONDS))
        for tick in range(ticks if relays else 0):
            for relay in relays[tick::ticks]:
                relay.leave()
            await asyncio.sleep(_TICK_SECONDS)
