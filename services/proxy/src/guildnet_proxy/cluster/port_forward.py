"""The way to workspaces through the API server, for a proxy without a route to pods: port forwarding.

The API server carries bytes both ways and looks at none of them, so everything is as by the pod's address: redirects,
HTML, Authorization, WebSockets, TLS. Its proxy for HTTP (`pods/proxy`), by which the first generation went, rewrites
Location and HTML, takes Authorization for its own login, and refuses what it does not understand.

The subprotocol is Kubernetes' `v4.channel.k8s.io`: messages of a channel's number and bytes. A port has two channels,
0 for its bytes and 1 for what goes wrong with it, each of which begins with a message that repeats the port's number.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

import aiohttp

from guildnet.errors import GuildNetError
from guildnet.kube import Client
from guildnet.kube.resources import PODS, path
from guildnet.telemetry import logger
from guildnet_proxy.http.forward import Place
from guildnet_proxy.http.upstream import Pool, UpstreamConnection, open_connection

PROTOCOL: Final = "v4.channel.k8s.io"
BYTES, FAILURE = 0, 1
BLOCK: Final = 65536


class PortForward:
    """Opens connections for the proxy's pool. `pod_at` names the pod at an address; what is no pod of a workspace is
    connected to directly."""

    def __init__(self, client: Client, namespace: str, pod_at: Callable[[str], str]) -> None:
        self._client = client
        self._namespace = namespace
        self._pod_at = pod_at
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self, pool: Pool, place: Place) -> UpstreamConnection:
        """A new connection; raises OSError or TimeoutError."""
        pod = self._pod_at(place.address)
        if not pod:
            return await open_connection(pool, place)
        async with asyncio.timeout(pool.limits.connect_seconds):
            forwarded = await self._forwarded(pod, place.port)
            ours, theirs = socket.socketpair()
            carrying = asyncio.create_task(self._carry(forwarded, ours, f"{pod}:{place.port}"), name="port forward")
            self._carrying.add(carrying)
            carrying.add_done_callback(self._carrying.discard)
            connection = UpstreamConnection(pool, place)
            try:
                await pool.loop.create_unix_connection(
                    lambda: cast("asyncio.Protocol", connection),
                    sock=theirs,
                    ssl=place.tls,
                    server_hostname=(place.server_name or place.address) if place.tls is not None else None,
                )
            except BaseException:
                carrying.cancel()
                theirs.close()
                raise
        return connection

    async def aclose(self) -> None:
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _forwarded(self, pod: str, port: int) -> aiohttp.ClientWebSocketResponse:
        where = path(PODS, self._namespace, pod, "portforward")
        try:
            return await self._client.websocket(where, {"ports": str(port)}, protocol=PROTOCOL)
        except GuildNetError as error:
            raise ConnectionRefusedError(f"the API server forwards no port of {pod}: {error.message}") from error

    async def _carry(self, forwarded: aiohttp.ClientWebSocketResponse, ours: socket.socket, what: str) -> None:
        """Bytes both ways until one side ends, and both with it: the subprotocol has no end of one direction."""
        try:
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=BLOCK)
        except BaseException:
            ours.close()
            await forwarded.close()
            raise
        ways = [asyncio.create_task(_up(reader, forwarded)), asyncio.create_task(_down(forwarded, writer, what))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            writer.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await forwarded.close()


async def _up(reader: asyncio.StreamReader, forwarded: aiohttp.ClientWebSocketResponse) -> None:
    while data := await reader.read(BLOCK):
        await forwarded.send_bytes(bytes((BYTES,)) + data)


async def _down(forwarded: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter, what: str) -> None:
    begun: set[int] = set()
    async for message in forwarded:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], memoryview(message.data)[1:]
        if channel not in begun:
            begun.add(channel)
            data = data[2:]
        if channel == FAILURE and data:
            logger.warning("port forward failed", target=what, error=bytes(data[:500]).decode("utf-8", "replace"))
            return
        if channel == BYTES and data:
            writer.write(data)
            await writer.drain()
