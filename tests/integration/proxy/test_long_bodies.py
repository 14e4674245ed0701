"""Long bodies of known length, which the kernel carries from socket to socket: of a real nginx, and cut anywhere."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.states.exchange import State
from guildnet_proxy.tailnet.localapi import Peer
from integration.proxy.room import Room
from support import nginx
from support.process import Process, free_port
from support.waiting import eventually

MEGABYTE = 1024 * 1024
SIZE = 24 * MEGABYTE + 12_345
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def served(room: Room, tmp_path: Path) -> AsyncIterator[bytes]:
    """A file that nginx has for the workspace `files`, at `/large`."""
    if nginx.program() is None:
        pytest.skip("nginx is not installed")
    content = random.Random(11).randbytes(SIZE)
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "large").write_bytes(content)
    port = free_port()
    http = f"server {{ listen 127.0.0.1:{port}; root {tmp_path}/www; sendfile on; }}"
    argv = nginx.command(tmp_path, main="master_process off;", connections=64, http=http)
    process = Process(argv, tmp_path / "nginx.log")
    room.add("files", number=8, upstream_port=port)

    async def listening() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(listening)
    yield content
    await asyncio.to_thread(process.stop)


@pytest.fixture
async def upstream(room: Room) -> AsyncIterator[Callable[[Talk], Awaitable[None]]]:
    """Gives the workspace `files` an upstream that does what it is told."""
    servers: list[asyncio.Server] = []

    async def talking(talk: Talk) -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                await talk(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        servers.append(await asyncio.start_server(handle, "127.0.0.1", 0))
        room.add("files", number=8, upstream_port=servers[0].sockets[0].getsockname()[1])

    yield talking
    for server in servers:
        server.close()


def own(room: Room, *headers: str, path: str = "/large") -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {room.own_host('files')}", f"Cookie: {room.own_cookie('files')}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


def dialled(room: Room) -> socket.socket:
    """A client that reads only when it is told to, with small buffers."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.connect(("127.0.0.1", room.port))
    client.setblocking(False)
    return client


def splicing(room: Room) -> bool:
    """Is a body just being carried by the kernel?"""
    exchanges = [client._exchange for client in room.server.clients]
    return any(exchange is not None and exchange._state == State.SPLICING for exchange in exchanges)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  a list of numbers, no paths


async def test_a_file_of_nginx_comes_down_unchanged_again_and_again(room, served):
    reader, writer = await room.connect()
    for _ in range(3):
        writer.write(own(room))
        answer = await room.read(reader)
        assert (answer.status, len(answer.body)) == (200, SIZE)
        assert hashlib.sha256(answer.body).digest() == hashlib.sha256(served).digest()
    writer.close()
    pool = room.server.pool
    assert pool.pipes.taken == 3
    assert (pool.opened, pool.reused) == (1, 2), "the upstream's connection is as good as after any other body"
    room.records.flush()
    assert sum(f'"bytes":{SIZE},' in line for line in "".join(room.log).splitlines()) == 3


async def test_a_part_of_a_file_comes_down_through_the_sidecars_socket(room, served):
    """A Unix socket: there the kernel copies, and the bytes are the same."""
    room.peers["100.64.0.9"] = Peer("laptop.tailtest.example", "ann@example.com", "Ann", (), ("admin",))
    reader, writer = await room.connect(private=True)
    head = [
        "GET /proxy/server/files/large HTTP/1.1",
        "Host: guildnet.tailtest.example",
        "X-Forwarded-Host: guildnet.tailtest.example",
        "X-Forwarded-For: 100.64.0.9",
        "Tailscale-User-Login: ann@example.com",
        "Range: bytes=1000-4000999",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    answer = await room.read(reader)
    assert (answer.status, answer.body == served[1000:4_001_000]) == (206, True)
    assert room.server.pool.pipes.taken == 1
    writer.close()


async def test_several_at_once_get_each_their_own(room, served):
    async def one(start: int) -> None:
        reader, writer = await room.connect()
        writer.write(own(room, f"Range: bytes={start}-{start + 3 * MEGABYTE - 1}", "Connection: close"))
        answer = await room.read(reader)
        assert answer.body == served[start : start + 3 * MEGABYTE]
        writer.close()

    await asyncio.gather(*(one(number * 500_000) for number in range(24)))
    assert 16 <= room.server.pool.pipes.taken <= 24


async def test_a_client_that_reads_slowly_holds_the_upstream_back(room, upstream):
    written = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(HEAD % (256 * MEGABYTE))
        for _number in range(1024):
            writer.write(b"x" * (MEGABYTE // 4))
            await writer.drain()
            written += MEGABYTE // 4

    await upstream(flood)
    loop = asyncio.get_running_loop()
    with dialled(room) as client:
        await loop.sock_sendall(client, own(room))
        await eventually(lambda: splicing(room))
        for _ in range(3):
            await loop.sock_recv(client, 16 * 1024)
            before = -1
            while written != before:
                before = written
                await asyncio.sleep(0.2)
        assert 0 < written < 64 * MEGABYTE, "one pipe and what both kernels hold of a connection"
    await eventually(lambda: not room.server.clients)


@pytest.mark.parametrize("limits", [Limits(unread_seconds=0.4, sweep_seconds=0.05, drain_seconds=0.2)])
async def test_a_client_that_stops_reading_is_cut(room, upstream):
    gone = asyncio.Event()

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(HEAD % (256 * MEGABYTE))
            for _number in range(1024):
                writer.write(b"x" * (MEGABYTE // 4))
                await writer.drain()
        finally:
            gone.set()

    await upstream(flood)
    before = descriptors()
    with dialled(room) as client:
        await asyncio.get_running_loop().sock_sendall(client, own(room))
        await eventually(lambda: splicing(room))
        await asyncio.wait_for(gone.wait(), 10)
        await eventually(lambda: not room.server.clients)
    await eventually(lambda: descriptors() <= before)


@pytest.mark.parametrize("limits", [Limits(stream_idle_seconds=0.3, sweep_seconds=0.05, drain_seconds=0.2)])
async def test_an_upstream_that_falls_silent_is_cut(room, upstream):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (4 * MEGABYTE) + b"x" * MEGABYTE)
        await reader.read()

    await upstream(silent)
    reader, writer = await room.connect()
    writer.write(own(room))
    await reader.readuntil(b"\r\n\r\n")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await asyncio.wait_for(reader.readexactly(4 * MEGABYTE), 10)
    writer.close()


@pytest.mark.parametrize("resets", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("sent", [MEGABYTE, 3 * MEGABYTE + 5, 4 * MEGABYTE - 10_000], ids=["early", "late", "tail"])
async def test_an_upstream_that_leaves_too_early_is_seen(room, upstream, sent, resets):
    async def short(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (4 * MEGABYTE) + b"x" * sent)
        await writer.drain()
        if resets:
            writer.transport.abort()

    await upstream(short)
    reader, writer = await room.connect()
    writer.write(own(room))
    await reader.readuntil(b"\r\n\r\n")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await asyncio.wait_for(reader.readexactly(4 * MEGABYTE), 10)
    writer.close()
    await eventually(lambda: not room.server.clients)
    assert room.server.pool.pipes._out == 0


async def test_a_client_that_leaves_takes_the_upstream_along(room, upstream):
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (64 * MEGABYTE) + b"x" * MEGABYTE)
        try:
            assert await reader.read() == b""
        finally:
            gone.set()

    await upstream(endless)
    before = descriptors()
    reader, writer = await room.connect()
    writer.write(own(room))
    await eventually(lambda: splicing(room))
    await reader.readexactly(1000)
    writer.transport.abort()
    await asyncio.wait_for(gone.wait(), 5)
    await eventually(lambda: not room.server.clients)
    assert room.server.pool.pipes._out == 0
    await eventually(lambda: descriptors() <= before + 2)  # an empty pipe may be kept


async def test_what_an_upstream_says_behind_a_long_body_answers_nobody(room, upstream):
    """It would be the answer to the next request on that connection, which may be another person's."""

    async def more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            HEAD % (4 * MEGABYTE) + b"x" * (4 * MEGABYTE) + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        )
        await reader.read()

    await upstream(more)
    reader, writer = await room.connect()
    for _ in range(2):
        writer.write(own(room))
        assert (await room.read(reader)).body == b"x" * (4 * MEGABYTE)
    assert room.server.pool.opened == 2
    writer.close()


async def test_revoked_while_it_comes_down(room, upstream):
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (64 * MEGABYTE) + b"x" * MEGABYTE)
        await reader.read()

    await upstream(endless)
    reader, writer = await room.connect()
    writer.write(own(room))
    await eventually(lambda: splicing(room))
    assert room.server.revoke(lambda _: False) == 1
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await asyncio.wait_for(reader.readexactly(64 * MEGABYTE), 5)
    writer.close()
    await eventually(lambda: not room.server.clients)
    assert room.server.pool.pipes._out == 0
