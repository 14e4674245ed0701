"""The relays: ports on the host's 127.0.0.1 that lead to addresses inside the cluster's network namespace.

    python -m guildnet_local.machine.relay NETNS LISTEN_PORT=ADDRESS:PORT …

It opens its listening sockets on the host first, then enters the namespace and dials from there. Bytes only; a peer
that stops reading stops the other side from being read. Refuses to listen anywhere but on 127.0.0.1, and more than
MAX_CONNECTIONS connections a port.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guildnet_local.machine.namespaces import enter_network

MAX_CONNECTIONS = 1024
CONNECT_SECONDS = 5.0
# Bytes kept for a slow reader before the other side is no longer read.
MAX_BUFFERED_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """One relayed port."""

    port: int
    host: str
    target: int

    @staticmethod
    def parse(text: str) -> Route:
        """`16443=10.123.0.1:6443`. Raises ValueError for anything else."""
        port, _, address = text.partition("=")
        host, _, target = address.rpartition(":")
        if not host:
            raise ValueError(f"{text!r} is not PORT=ADDRESS:PORT")
        return Route(int(port), host, int(target))

    def __str__(self) -> str:
        return f"{self.port}={self.host}:{self.target}"


class Half(asyncio.Protocol):
    """One of the two ends of a relayed connection: what it reads is written to the other."""

    def __init__(self, slots: asyncio.Semaphore | None = None) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Half | None = None
        self.ended = False
        """Has everything been read that the peer sends?"""
        self._slots = slots

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP, always
        transport.set_write_buffer_limits(high=MAX_BUFFERED_BYTES)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end of the stream on and keep the other direction open; when both are over, so is the connection.

        Nobody else would notice: a transport that is read no more is told nothing of its peer."""
        self.ended = True
        other = self.other.transport if self.other is not None else None
        if self.other is None or other is None or self.other.ended or other.is_closing() or not other.can_write_eof():
            return False
        other.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, problem: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            # A reset is passed on as one, so that a client never takes a cut answer for a whole one.
            (self.other.transport.abort if problem else self.other.transport.close)()
        if self._slots is not None:
            self._slots.release()
            self._slots = None


async def serve(route: Route, listener: socket.socket) -> None:
    """Accept on `listener` and relay every connection to the route's target, until cancelled."""
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(MAX_CONNECTIONS)
    connecting: set[asyncio.Task[None]] = set()
    try:
        while True:
            await slots.acquire()
            client, _ = await loop.sock_accept(listener)
            task = loop.create_task(_connect(route, client, slots))
            connecting.add(task)
            task.add_done_callback(connecting.discard)
    finally:
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)


async def _connect(route: Route, client: socket.socket, slots: asyncio.Semaphore) -> None:
    """Dial the target first: a client of a service that is not there yet sees its connection close at once."""
    loop = asyncio.get_running_loop()
    client.setblocking(False)  # noqa: FBT003  the socket module's own signature
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # Paused until the client's end is known, or early bytes would have nowhere to go.
            transport, inner = await loop.create_connection(Half, route.host, route.target)
    except (OSError, TimeoutError) as problem:
        print(f"{route}: {problem or 'no answer'}", file=sys.stderr, flush=True)
        client.close()
        slots.release()
        return
    transport.pause_reading()
    outer = Half(slots)
    inner.other, outer.other = outer, inner
    try:
        await loop.connect_accepted_socket(lambda: outer, client)
    except OSError:
        transport.abort()
        client.close()
        slots.release()
        return
    if not transport.is_closing():
        transport.resume_reading()
    elif outer.transport is not None:
        outer.transport.close()


async def _serve_all(routes: Sequence[Route], listeners: Sequence[socket.socket]) -> None:
    async with asyncio.TaskGroup() as group:
        for route, listener in zip(routes, listeners, strict=True):
            group.create_task(serve(route, listener))


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1. Raises OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    listener.setblocking(False)  # noqa: FBT003  the socket module's own signature
    return listener


def main(arguments: Sequence[str] | None = None) -> int:
    netns, *texts = sys.argv[1:] if arguments is None else arguments
    routes = [Route.parse(text) for text in texts]
    listeners = [listen(route.port) for route in routes]
    enter_network(Path(netns))
    asyncio.run(_serve_all(routes, listeners))
    return 0


if __name__ == "__main__":
    sys.exit(main())
