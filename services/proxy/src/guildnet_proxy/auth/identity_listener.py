"""The listener of an authenticating proxy: whose connections it takes, before a byte of them is looked at.

A connection counts by the address it comes from, or by the certificate that it shows, or by both where both are asked
for. Any other is closed: a request on it could say who it is from.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from guildnet.telemetry import logger
from guildnet_proxy.auth.identity_proxy import Trusted
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.server import Server
from guildnet_proxy.tailnet.certificate import Certificate

LISTENER: Final = Listener("identity proxy", private=False, vouched=True)


class Doorkeeper(asyncio.Protocol):
    """A connection that was just made: the server's, or closed."""

    def __init__(self, server: Server[Any], trusted: Trusted) -> None:
        self._server = server
        self._trusted = trusted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = transport.get_extra_info("peername")[0].partition("%")[0]
        problem = self._trusted.problem(address, transport.get_extra_info("peercert"))
        taken: asyncio.Transport = transport  # type: ignore[assignment]  # of TCP, which typeshed does not say
        if problem:
            logger.warning("connection of no identity proxy closed", address=address, reason=problem)
            taken.abort()
            return
        self._server.adopt(taken, LISTENER, address, b"")


async def listen(
    server: Server[Any], where: str, trusted: Trusted, tasks: list[asyncio.Task[None]], *, shared: bool = False
) -> None:
    """Opens it at `host:port`; `tasks` gets what looks after its certificate. Raises Invalid for one that cannot be
    used."""
    tls = None
    if trusted.tls:
        certificate = Certificate(Path(trusted.tls), "identity proxy", clients=True)
        tasks.append(asyncio.create_task(certificate.run(), name="identity proxy certificate"))
        tls = certificate.context
    host, _, port = where.rpartition(":")
    await server.listen_by(lambda: Doorkeeper(server, trusted), host.strip("[]"), int(port), tls=tls, shared=shared)
