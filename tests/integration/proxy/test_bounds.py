"""Back-pressure, admission and the end, over real sockets: what is not read is not buffered, and nothing is left."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from guildnet_proxy.http.limits import Limits
from integration.proxy.room import Room
from support.waiting import eventually

KILOBYTE = 1024
MEGABYTE = 1024 * 1024
BUFFERED = MEGABYTE
"""More than the high-water marks and one read of each side."""
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class Upstream:
    """A raw server: `talk` is what it does with each connection."""

    def __init__(self) -> None:
        self.talk: Any = None
        self.written = 0
        self.connections = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def flood(self, writer: asyncio.StreamWriter, most: int = 64 * MEGABYTE) -> None:
        while self.written < most:
            writer.write(b"x" * 64 * KILOBYTE)
            await writer.drain()
            self.written += 64 * KILOBYTE


@pytest.fixture
async def raw(room: Room) -> AsyncIterator[Upstream]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.handle, "127.0.0.1", 0)
    room.add("raw", number=7, upstream_port=server.sockets[0].getsockname()[1])
    yield upstream
    server.close()


def own(room: Room, method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {room.own_host('raw')}", f"Cookie: {room.own_cookie('raw')}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


def dialled(room: Room) -> socket.socket:
    """A client that reads only when it is told to, with small buffers."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * KILOBYTE)
    client.connect(("127.0.0.1", room.port))
    client.setblocking(False)
    return client


async def settled(value: Any) -> None:
    """Until nothing changes although everything had its turn."""
    before = -1
    while value() != before:
        before = value()
        await asyncio.sleep(0.2)


def buffered(room: Room) -> int:
    """What waits in the proxy for its relays' ends."""
    ends = [end for relay in room.server.relays for end in (relay.client, relay.upstream)]
    return sum(end.transport.get_write_buffer_size() for end in ends)


async def test_an_upgraded_upstream_is_held_back_by_answers_that_were_not_read_before(room: Room, raw: Upstream):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        size = 4 * MEGABYTE
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED + b"y" * 300 * KILOBYTE)
        await raw.flood(writer)

    raw.talk = talk
    client = dialled(room)
    loop = asyncio.get_running_loop()
    upgrade = own(room, "GET", "/", "Upgrade: websocket", "Connection: Upgrade")
    await loop.sock_sendall(client, own(room, "GET", "/"))
    await loop.sock_sendall(client, upgrade)
    taken = 0
    while taken < 3 * MEGABYTE:
        taken += len(await loop.sock_recv(client, 64 * KILOBYTE))
    read = 0
    while not room.server.relays:
        read += len(await asyncio.wait_for(loop.sock_recv(client, 16 * KILOBYTE), 10))
    await settled(lambda: raw.written)
    assert buffered(room) < BUFFERED
    client.close()


async def test_an_upgraded_client_is_held_back_by_what_it_sent_before_the_upgrade(room: Room, raw: Upstream):
    leave = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KILOBYTE)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.3)
        writer.write(SWITCHED)
        await leave.wait()

    raw.talk = talk
    reader, writer = await room.connect()
    upgrade = own(room, "GET", "/", "Upgrade: websocket", "Connection: Upgrade")
    writer.write(upgrade + b"x" * 300 * KILOBYTE)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    sent = 0

    async def send() -> None:
        nonlocal sent
        while sent < 64 * MEGABYTE:
            writer.write(b"x" * 64 * KILOBYTE)
            await writer.drain()
            sent += 64 * KILOBYTE

    sending = asyncio.create_task(send())
    await settled(lambda: sent)
    assert buffered(room) < BUFFERED
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    writer.transport.abort()
    leave.set()


async def test_an_answer_before_the_body_was_read_leaves_no_connection_with_unsent_bytes(room: Room, raw: Upstream):
    leave = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await leave.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read(-1)

    raw.talk = talk
    reader, writer = await room.connect()
    size = 8 * MEGABYTE
    writer.write(own(room, "POST", "/", f"Content-Length: {size}"))
    sent = 0

    async def send() -> None:
        nonlocal sent
        while sent < size:
            writer.write(b"x" * 64 * KILOBYTE)
            await writer.drain()
            sent += 64 * KILOBYTE

    sending = asyncio.create_task(send())
    await settled(lambda: sent)
    leave.set()
    assert (await room.read(reader)).status == 200
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    writer.close()
    assert all(connection.all_sent() for idle in room.server.pool._idle.values() for connection in idle)
    again, other = await room.connect()
    other.write(own(room, "GET", "/"))
    assert (await asyncio.wait_for(room.read(again), 5)).status == 200
    other.close()


async def test_before_the_first_list_nobody_is_told_that_a_workspace_is_not_there(room: Room):
    for listed, status in ((False, 503), (True, 404)):
        room.table.listed = listed
        for host, path in (("guildnet-nobody." + room.host, "/"), (room.host, "/proxy/server/nobody/")):
            answer = await room.ask("GET", path, f"Cookie: {room.cookie()}", host=host)
            assert (answer.status, "retry-after" in answer.headers) == (status, not listed)


# ---- admission ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(connections_per_address=2, drain_seconds=0.2)], ids=["2"])
async def test_one_address_has_only_so_many_connections_and_upgraded_ones_count(room: Room, raw: Upstream):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED)
        await reader.read(-1)

    raw.talk = talk
    reader, upgraded = await room.connect()
    upgraded.write(own(room, "GET", "/", "Upgrade: websocket", "Connection: Upgrade"))
    await reader.readuntil(b"\r\n\r\n")
    _, second = await room.connect()
    await eventually(lambda: len(room.server.clients) == 1 and len(room.server.relays) == 1)
    refused, third = await room.connect()
    assert await asyncio.wait_for(refused.read(1), 5) == b""
    third.close()
    assert (await room.ask("GET", "/", private=True)).status in {403, 421}, "the sidecar brings everybody"
    upgraded.close()
    await eventually(lambda: not room.server.relays)
    assert (await room.ask("GET", "/healthz")).status == 200
    second.close()
    await eventually(lambda: not room.server._addresses)


async def test_an_upgraded_request_is_counted_and_its_bytes_are_logged(room: Room, raw: Upstream):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED + b"down")
        await reader.readexactly(6)

    raw.talk = talk
    reader, writer = await room.connect()
    writer.write(own(room, "GET", "/", "Upgrade: websocket", "Connection: Upgrade"))
    await reader.readuntil(b"down")
    writer.write(b"upward")
    await reader.read(-1)
    writer.close()
    await eventually(lambda: not room.server.relays)
    room.records.flush()
    (line,) = [line for text in room.log for line in text.splitlines() if '"event":"upgraded"' in line]
    assert '"bytes":4,"received":6,' in line
    assert room.records._metrics._counts["local", "workspace", 101] == 1


async def test_an_upload_is_counted(room: Room):
    await room.ask("POST", "/", f"Cookie: {room.own_cookie('ws1')}", host=room.own_host("ws1"), body=b"x" * 1000)
    room.records.flush()
    assert any('"received":1000,' in text for text in room.log)


# ---- relays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(half_closed_seconds=1000.0, drain_seconds=0.2)], ids=["1000s"])
async def test_an_upstream_that_stays_when_its_client_has_gone_is_left(room: Room, raw: Upstream):
    stay = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED)
        await stay.wait()

    raw.talk = talk
    reader, writer = await room.connect()
    writer.write(own(room, "GET", "/", "Upgrade: websocket", "Connection: Upgrade"))
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    (relay,) = room.server.relays
    await eventually(lambda: relay.client.finished)
    relay.sweep(relay.last + 999)
    await asyncio.sleep(0)
    assert room.server.relays
    relay.sweep(relay.last + 1001)
    await eventually(lambda: not room.server.relays)
    stay.set()


async def test_a_relay_whose_client_does_not_read_is_aborted_when_closing_takes_too_long(room: Room, raw: Upstream):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED)
        await raw.flood(writer)

    raw.talk = talk
    client = dialled(room)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, own(room, "GET", "/", "Upgrade: websocket", "Connection: Upgrade"))
    await eventually(lambda: room.server.relays)
    (relay,) = room.server.relays
    await eventually(lambda: relay.client.full_since)
    relay.close()
    await asyncio.sleep(0.05)
    assert room.server.relays, "what is written waits to be read"
    relay.sweep(relay.closing_since + room.server.limits.closing_seconds + 1)
    await eventually(lambda: not room.server.relays)
    client.close()


async def test_a_connect_that_ends_as_it_is_called_off_leaves_nothing(room: Room, raw: Upstream):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read(-1) == b""
        gone.append(1)

    gone: list[int] = []
    raw.talk = talk
    place = room.table
    (endpoint,) = place.endpoints(place.workspaces["raw"])
    from guildnet_proxy.http.forward import Place

    pool = room.server.pool
    for turns in range(12):
        task = asyncio.ensure_future(pool.open(pool, Place(endpoint.address, endpoint.port)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        result = (await asyncio.gather(task, return_exceptions=True))[0]
        if not isinstance(result, BaseException):
            result.transport.abort()
    await eventually(lambda: len(gone) == raw.connections)


# ---- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(drain_delay_seconds=0.5, drain_seconds=1.0)], ids=["0.5s, 1s"])
async def test_the_end_comes_in_order(room: Room, raw: Upstream):
    began = asyncio.Event()
    finish = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        began.set()
        await finish.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read(-1)

    raw.talk = talk
    busy, busy_writer = await room.connect()
    busy_writer.write(own(room, "GET", "/"))
    idle, idle_writer = await room.connect()
    await began.wait()
    assert room.server.problem() is None
    stopping = asyncio.create_task(room.server.close())
    await asyncio.sleep(0.1)
    assert room.server.problem() == "shutting down"
    late = await room.ask("GET", "/healthz")
    assert (late.status, late.one("connection")) == (200, "close")
    assert await asyncio.wait_for(idle.read(-1), 5) == b""
    with pytest.raises(ConnectionRefusedError):
        await room.connect()
    finish.set()
    assert (await room.read(busy)).one("connection") == "close"
    await asyncio.wait_for(stopping, 5)
    busy_writer.close()
    idle_writer.close()


@pytest.mark.parametrize("limits", [Limits(drain_seconds=1.0)], ids=["1s"])
async def test_websockets_live_on_for_the_grace_period_and_are_told_to_leave_one_after_the_other(room: Room):
    closed: list[str] = []
    ended: list[float] = []

    async def handler(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                await connection.send(message)
        finally:
            closed.append(f"{connection.close_code}")

    async def dial(number: int) -> None:
        headers = {"Cookie": room.own_cookie("raw")}
        async with connect(
            f"ws://{room.own_host('raw')}/",
            host="127.0.0.1",
            port=room.port,
            additional_headers=headers,
            proxy=None,
            origin=f"http://{room.own_host('raw')}",  # type: ignore[arg-type]
        ) as client:
            await client.send(b"x" * (number * 1000))
            await client.recv()
            ready.append(number)
            await stopping_began.wait()
            await client.send(b"y" * (number * 1000))
            assert len(await client.recv()) == number * 1000, "sockets live on"
            await client.wait_closed()
            assert client.close_code == 1001
            ended.append(asyncio.get_running_loop().time())

    ready: list[int] = []
    stopping_began = asyncio.Event()
    async with serve(handler, "127.0.0.1", 0, max_size=None) as server:
        room.add("raw", number=7, upstream_port=next(iter(server.sockets)).getsockname()[1])
        clients = [asyncio.create_task(dial(number)) for number in range(1, 6)]
        await eventually(lambda: len(ready) == len(clients))
        began = asyncio.get_running_loop().time()
        stopping = asyncio.create_task(room.server.close())
        await asyncio.sleep(0)
        stopping_began.set()
        await asyncio.wait_for(asyncio.gather(*clients), 10)
        await stopping
        await eventually(lambda: closed == ["1001"] * len(clients))
    assert min(ended) - began >= 0.5
    assert max(ended) - min(ended) >= 0.05
    assert not room.server.relays
