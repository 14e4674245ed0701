"""A tunnel to a port of a workspace: real sockets, a client of another hand (aiohttp's)."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from integration.proxy.room import Room
from support.process import free_port
from support.waiting import eventually

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MEGABYTE = 1024 * 1024


@asynccontextmanager
async def port(talk: Talk) -> AsyncIterator[int]:
    """A TCP server of a workspace, which does with each connection what `talk` does."""
    open_: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.append(writer)
        with suppress(ConnectionError):
            await talk(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_:
            writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def tunnel(
    room: Room, number: int, *, server: str = "tcp", cookie: str = ""
) -> AsyncIterator[ClientWebSocketResponse]:
    headers = {"Host": room.host, "Cookie": cookie or room.cookie()}
    url = f"http://127.0.0.1:{room.port}/.guildnet/tcp?server={server}&port={number}"
    async with ClientSession() as session, session.ws_connect(url, headers=headers, max_msg_size=0) as connection:
        yield connection


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def test_bytes_come_and_go_unchanged(room: Room):
    sent = os.urandom(3 * MEGABYTE + 1)
    async with port(echo) as number:
        room.add("tcp", upstream_port=number)
        async with tunnel(room, number) as connection, asyncio.timeout(20):

            async def send() -> None:
                for at in range(0, len(sent), 100_001):
                    await connection.send_bytes(sent[at : at + 100_001])

            sending = asyncio.create_task(send())
            got = bytearray()
            while len(got) < len(sent):
                got += await connection.receive_bytes()
            await sending
            assert got == sent


async def test_who_has_finished_still_hears_the_answer(room: Room):
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"%d" % len(await reader.read(-1)))
        writer.close()

    async with port(count) as number:
        room.add("tcp", upstream_port=number)
        async with tunnel(room, number) as connection, asyncio.timeout(10):
            await connection.send_bytes(b"x" * 1000)
            await connection.send_bytes(b"")
            assert await connection.receive_bytes() == b"1000"
            last = await connection.receive()
            assert (last.type, connection.close_code) == (WSMsgType.CLOSE, 1000)


async def test_a_port_that_finished_first_still_listens(room: Room):
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.write_eof()
        heard.append(await reader.read(-1))
        writer.close()

    async with port(talk) as number:
        room.add("tcp", upstream_port=number)
        async with tunnel(room, number) as connection, asyncio.timeout(10):
            assert await connection.receive_bytes() == b"bye"
            assert await connection.receive_bytes() == b""
            await connection.send_bytes(b"good bye")
            await connection.send_bytes(b"")
            assert (await connection.receive()).type == WSMsgType.CLOSE
        await eventually(lambda: heard == [b"good bye"])


async def test_the_last_words_of_a_port_that_resets_come_first(room: Room):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"the disk is full")
        await writer.drain()
        await asyncio.sleep(0.1)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with port(talk) as number:
        room.add("tcp", upstream_port=number)
        async with tunnel(room, number) as connection, asyncio.timeout(10):
            await connection.send_bytes(b"?")
            assert await connection.receive_bytes() == b"the disk is full"
            while (last := await connection.receive()).type == WSMsgType.BINARY:
                assert last.data == b""
            assert last.type == WSMsgType.CLOSE


async def test_a_client_that_does_not_read_holds_the_port_back(room: Room):
    passed = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal passed
        for _ in range(200):
            writer.write(b"x" * MEGABYTE)
            await writer.drain()
            passed += 1

    async with port(flood) as number:
        room.add("tcp", upstream_port=number)
        reader, writer = await room.connect()
        writer.write(handshake(room, number))
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.5)
        stuck = passed
        await asyncio.sleep(0.5)
        assert passed == stuck < 50
        for _ in range(2000):
            writer.write(b"\x89\x84\0\0\0\0ping")
        await asyncio.sleep(0.2)
        relay = next(iter(room.server.relays))
        assert relay.client.transport.get_write_buffer_size() < MEGABYTE
        writer.transport.abort()


async def test_a_right_that_goes_ends_it(room: Room):
    async with port(echo) as number:
        room.add("tcp", upstream_port=number)
        async with tunnel(room, number) as connection, asyncio.timeout(5):
            await connection.send_bytes(b"x")
            assert await connection.receive_bytes() == b"x"
            room.table.remove_workspace("tcp")
            assert (await connection.receive()).type == WSMsgType.CLOSE


async def test_a_ping_is_answered_and_text_is_not_taken(room: Room):
    async with port(echo) as number:
        room.add("tcp", upstream_port=number)
        async with tunnel(room, number) as connection, asyncio.timeout(5):
            await connection.ping(b"there?")
            await connection.send_str("text")
            assert (await connection.receive()).type == WSMsgType.CLOSE
            assert connection.close_code == 1003


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("server=tcp&port=1", 404),
        ("server=nope&port=80", 404),
        ("server=tcp&port=0", 400),
        ("server=tcp&port=x", 400),
        ("server=tcp", 400),
    ],
)
async def test_what_cannot_be_reached_is_refused(room: Room, query: str, status: int):
    room.add("tcp", upstream_port=free_port())
    assert (await room.ask("GET", f"/.guildnet/tcp?{query}", f"Cookie: {room.cookie()}")).status == status


async def test_who_may_not_and_what_is_no_websocket_is_refused(room: Room):
    number = free_port()
    room.add("tcp", upstream_port=number)
    path = f"/.guildnet/tcp?server=tcp&port={number}"
    assert (await room.ask("GET", path)).status == 401
    plain = await room.ask("GET", path, f"Cookie: {room.cookie()}")
    assert (plain.status, plain.one("upgrade")) == (426, "websocket")
    foreign = await room.ask("GET", path, f"Cookie: {room.cookie()}", "Origin: https://evil.example")
    assert foreign.status == 403


async def test_a_port_where_nothing_listens_is_a_plain_answer(room: Room):
    number = free_port()
    room.add("tcp", upstream_port=number)
    with pytest.raises(WSServerHandshakeError) as refused:
        async with tunnel(room, number):
            pass
    assert refused.value.status == 502


def handshake(room: Room, number: int) -> bytes:
    lines = [
        f"GET /.guildnet/tcp?server=tcp&port={number} HTTP/1.1", f"Host: {room.host}", f"Cookie: {room.cookie()}",
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
