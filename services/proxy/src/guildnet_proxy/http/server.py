"""The listeners, everything that is open on them, the clock that enforces deadlines, and the orderly end.

On a stop the clients' connections are closed first: the sidecar, which stops later, passes their ends on to browsers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from guildnet_proxy.http.connection import ClientConnection
from guildnet_proxy.http.forward import Handler, Listener, R, Recorder
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.relay import Relay
from guildnet_proxy.http.upstream import Pool


class Server(Generic[R]):
    """Owns connections, and enforces the deadlines of `limits`."""

    def __init__(self, handler: Handler[R], recorder: Recorder[R], limits: Limits) -> None:
        self.loop = asyncio.get_running_loop()
        self.handler = handler
        self.recorder = recorder
        self.limits = limits
        self.pool = Pool(self.loop, limits)
        self.clients: set[ClientConnection[R]] = set()
        self.relays: set[Relay[R]] = set()
        self.draining = False
        self._revoking: asyncio.TimerHandle | None = None
        self._listeners: list[asyncio.Server] = []
        self._sweeper = self.loop.create_task(self._sweep())

    async def listen_tcp(self, host: str, port: int) -> int:
        """Opens a public listener; gives the port, a free one for 0."""
        listener = Listener("tcp", private=False)
        server = await self.loop.create_server(lambda: ClientConnection(self, listener), host, port, backlog=1024)
        self._listeners.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def listen_unix(self, path: Path) -> None:
        """Opens the private listener, mode 0660: the sidecar reaches it through the pod's group."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240  once, before anything is served
        listener = Listener("tailnet", private=True)
        mask = os.umask(0o117)
        try:
            server = await self.loop.create_unix_server(
                lambda: ClientConnection(self, listener), str(path), backlog=1024
            )
        finally:
            os.umask(mask)
        self._listeners.append(server)

    # ---- what connections tell --------------------------------------------------------------------------------------

    def finished(self, record: R) -> None:
        self.handler.release(record)
        self.recorder.finished(record, self.loop.time())

    def relay(self, client: asyncio.Transport, upstream: asyncio.Transport, record: R) -> None:
        self.relays.add(Relay(client, upstream, record, self.limits, self._relay_ended))
        self.recorder.opened(record)

    def _relay_ended(self, relay: Relay[R]) -> None:
        self.relays.discard(relay)
        self.handler.release(relay.record)
        self.recorder.closed(relay.record, self.loop.time())

    # ---- revocation -------------------------------------------------------------------------------------------------

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
                relay.sweep(now)
            self.pool.sweep(now)

    async def close(self) -> None:
        """Stops listening, ends relays at once and requests after their answer or Limits.drain_seconds."""
        self.draining = True
        for server in self._listeners:
            server.close()
        for relay in list(self.relays):
            relay.close()
        for client in list(self.clients):
            client.stop()
        deadline = self.loop.time() + self.limits.drain_seconds
        while (self.clients or self.relays) and self.loop.time() < deadline:  # noqa: ASYNC110  two sets, a bounded wait
            await asyncio.sleep(0.02)
        for client in list(self.clients):
            client.transport.abort()
        self.pool.close()
        if self._revoking is not None:
            self._revoking.cancel()
        self._sweeper.cancel()
        await asyncio.gather(self._sweeper, return_exceptions=True)
        await asyncio.sleep(0)
