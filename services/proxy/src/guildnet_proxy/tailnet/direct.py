"""Listeners for a tailnet without `tailscale serve`: the sidecar hands connections over as they are.

A userspace tailscaled passes every connection that a peer opens to the node on to 127.0.0.1 and the same port, and
knows by the port it comes from whose it is. So each connection is asked about before a byte of it is looked at; one
that the sidecar knows nothing of, from elsewhere in the pod, is closed. Nothing that a client sends says who it is.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from guildnet.errors import GuildNetError
from guildnet.telemetry import logger
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.server import Server

HOST: Final = "127.0.0.1"
LISTENER: Final = Listener("direct", private=False, direct=True)
EARLY_BYTES: Final = 65_536
"""What is held of a connection while it is asked about; reading pauses beyond."""
ASK_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.05
"""The sidecar connects first and then remembers whose connection it is."""

Ask = Callable[[str], Awaitable[str]]
"""From `address:port` of a connection to the device's address on the tailnet; raises GuildNetError."""


class Introduction(asyncio.Protocol):
    """A connection until it is known whose it is; then the server has it, with the device's own address."""

    def __init__(self, server: Server[Any], ask: Ask) -> None:
        self._server = server
        self._ask = ask
        self._early = b""
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of TCP, which typeshed does not say
        self._task = self._server.loop.create_task(self._introduce(), name="whose connection")

    def data_received(self, data: bytes) -> None:
        self._early += data
        if len(self._early) > EARLY_BYTES:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio gives it
        if self._task is not None:
            self._task.cancel()

    async def _introduce(self) -> None:
        host, port = self._transport.get_extra_info("peername")[:2]
        address = await self._asked(f"{host}:{port}")
        if not address or self._transport.is_closing():
            self._transport.abort()
            return
        self._task = None
        early, self._early = self._early, b""
        self._transport.resume_reading()
        self._server.adopt(self._transport, LISTENER, address, early)

    async def _asked(self, where: str) -> str:
        """The device's address, "" where nobody vouches for it in time."""
        last: GuildNetError | None = None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                while True:
                    try:
                        return await self._ask(where)
                    except GuildNetError as error:
                        last = error
                    await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            logger.warning("connection of no device closed", error=last.message if last else "no answer")
            return ""


class DirectListeners:
    """One listener for the control origin's port and for each port of a workspace; `tls` None for plain http.

    `shared` with other processes, the kernel gives each its part of the connections.
    """

    leads_alone = False

    def __init__(self, server: Server[Any], ask: Ask, tls: ssl.SSLContext | None, *, shared: bool = False) -> None:
        self._server = server
        self._ask = ask
        self._tls = tls
        self._shared = shared
        self._open: dict[int, asyncio.Server] = {}

    def kept(self) -> bool:
        return False

    async def keep(self, ports: Iterable[int]) -> None:
        """Listens on these ports and no others. One that cannot be had is told, and the others are kept."""
        wanted = set(ports)
        for port in sorted(self._open.keys() - wanted):
            self._open.pop(port).close()
        for port in sorted(wanted - self._open.keys()):
            try:
                self._open[port] = await self._server.listen_by(
                    lambda: Introduction(self._server, self._ask), HOST, port, tls=self._tls, shared=self._shared
                )
            except OSError as error:
                logger.error("tailnet port not opened", port=port, error=str(error))
