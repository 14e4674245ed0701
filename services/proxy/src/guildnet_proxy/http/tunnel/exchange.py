"""A request that becomes a tunnel: connects, and answers the client's handshake itself."""

from __future__ import annotations

from guildnet_proxy.http.exchange import Exchange
from guildnet_proxy.http.states.exchange import Event
from guildnet_proxy.http.upstream import UpstreamConnection


class TunnelExchange(Exchange):
    """Nothing of a request reaches the port: the first byte it gets is the client's."""

    def start(self) -> None:
        """Opens a connection; one of the pool has spoken HTTP."""
        self._task = self.pool.loop.create_task(self._connect())

    def _attach(self, connection: UpstreamConnection, now: float) -> None:  # noqa: ARG002  of the base class
        self._task = None
        for event in (Event.CONNECTED, Event.SENT, Event.SWITCHED):
            self._on(event)
        self.record.status = 101
        self.client.upgraded(self.forward.head, connection, tunnel=True)
