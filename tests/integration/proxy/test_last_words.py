"""What an upstream said before it reset an upgraded connection reaches the client, whatever that does meanwhile."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from guildnet_proxy.http.limits import Limits
from integration.proxy.room import Room
from support.waiting import eventually

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
LAST = b"\x88\x0a\x03\xf3the disk"
"""A close frame with 1011 and a reason."""
MEGABYTE = 1024 * 1024


class Ends:
    """Both ends of one upgraded connection as plain sockets: nothing happens to them but what the test does."""

    def __init__(self, client: socket.socket, upstream: socket.socket) -> None:
        self.client = client
        self.upstream = upstream

    def reset(self) -> None:
        """The upstream closes with a reset, everything it said being acknowledged."""
        assert unacknowledged(self.upstream) == 0
        self.upstream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.upstream.close()

    async def rest(self) -> bytes:
        """All that comes to the client until its connection ends, however it does."""
        loop, got = asyncio.get_running_loop(), bytearray()
        try:
            while data := await asyncio.wait_for(loop.sock_recv(self.client, MEGABYTE), 10):
                got += data
        except ConnectionError:
            pass
        return bytes(got)


def unacknowledged(sock: socket.socket) -> int:
    """Bytes that the other end's kernel does not have yet (SIOCOUTQ)."""
    return int(struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0])


@pytest.fixture
async def ends(room: Room) -> AsyncIterator[Ends]:
    loop = asyncio.get_running_loop()
    with socket.socket() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        room.add("raw", number=7, upstream_port=listener.getsockname()[1])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        client.connect(("127.0.0.1", room.port))
        client.setblocking(False)
        lines = [
            "GET / HTTP/1.1", f"Host: {room.own_host('raw')}", f"Cookie: {room.own_cookie('raw')}",
            "Upgrade: websocket", "Connection: Upgrade", "", "",
        ]  # fmt: skip
        await loop.sock_sendall(client, "\r\n".join(lines).encode())
        upstream, _ = await loop.sock_accept(listener)
        upstream.setblocking(False)
        await loop.sock_recv(upstream, 65536)
        await loop.sock_sendall(upstream, SWITCHED)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await loop.sock_recv(client, 65536)
        assert head.startswith(b"HTTP/1.1 101 ")
        yield Ends(client, upstream)
        upstream.close()


async def test_of_an_upstream_that_resets_while_the_client_writes(room: Room, ends: Ends):
    # Nothing gives the proxy a turn between these: it finds the client's bytes first, and its write fails.
    ends.client.send(b"a message")
    ends.upstream.send(LAST)
    ends.reset()
    assert await ends.rest() == LAST
    ends.client.close()
    await eventually(lambda: not room.server.relays)


async def test_of_an_upstream_that_closes_with_what_the_client_wrote_unread(room: Room, ends: Ends):
    ends.client.send(b"a message")
    await asyncio.sleep(0.05)
    ends.upstream.send(LAST)
    ends.upstream.close()
    ends.client.send(b"another")
    assert await ends.rest() == LAST
    ends.client.close()
    await eventually(lambda: not room.server.relays)


async def test_of_an_upstream_that_resets_while_the_client_is_slow(room: Room, ends: Ends):
    (relay,) = room.server.relays
    loop, said = asyncio.get_running_loop(), 0
    while not relay.client.full_since:
        await loop.sock_sendall(ends.upstream, b"x" * 65536)
        said += 65536
        await asyncio.sleep(0)
    await loop.sock_sendall(ends.upstream, LAST)
    await eventually(lambda: unacknowledged(ends.upstream) == 0)
    ends.reset()
    await loop.sock_sendall(ends.client, b"a message")
    await asyncio.sleep(0.05)
    await loop.sock_sendall(ends.client, b"another")
    await asyncio.sleep(0.05)
    got = await ends.rest()
    assert (len(got), got[-len(LAST) :]) == (said + len(LAST), LAST)
    ends.client.close()
    await eventually(lambda: not room.server.relays)


@pytest.mark.parametrize("limits", [Limits(closing_seconds=0.2, sweep_seconds=0.05)], ids=["0.2s"])
@pytest.mark.parametrize("full", [False, True], ids=["reads", "does not read"])
async def test_a_client_that_stays_after_them_is_cut(room: Room, ends: Ends, limits: Limits, full: bool):
    (relay,) = room.server.relays
    loop = asyncio.get_running_loop()
    while full and not relay.client.full_since:
        await loop.sock_sendall(ends.upstream, b"x" * 65536)
        await asyncio.sleep(0)
    before = descriptors()
    ends.client.send(b"a message")
    ends.upstream.send(LAST)
    await eventually(lambda: unacknowledged(ends.upstream) == 0)
    ends.reset()
    # Who is held back is not looked at: only a write shows that it is gone.
    await loop.sock_sendall(ends.client, b"another")
    await asyncio.sleep(0.05)
    await loop.sock_sendall(ends.client, b"a third")
    await eventually(lambda: not room.server.relays)
    assert descriptors() < before, "both connections, and what was kept of one"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
