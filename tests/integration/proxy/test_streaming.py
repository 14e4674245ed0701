"""Bodies, events and WebSockets stream both ways: nothing is collected, nothing is lost, memory stays bounded."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from guildnet_proxy.http.limits import Limits
from integration.proxy.room import Room, serve_app
from support.waiting import eventually

MEGABYTE = 1024 * 1024
SIZE = 100 * MEGABYTE


class Streams:
    """An upstream of endless and huge bodies that counts what it could write."""

    def __init__(self) -> None:
        self.written = 0
        self.cancelled = asyncio.Event()
        self.go_on = asyncio.Event()

    async def big(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if "length" in request.query:
            response.content_length = SIZE
        await response.prepare(request)
        block = bytes(range(256)) * 256
        for _ in range(SIZE // len(block)):
            await response.write(block)
            self.written += len(block)
        return response

    async def hash(self, request: web.Request) -> web.Response:
        digest, size = hashlib.sha256(), 0
        async for block in request.content.iter_any():
            digest.update(block)
            size += len(block)
        return web.Response(text=f"{size} {digest.hexdigest()}")

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            numbers = itertools.count()
            while True:
                await response.write(f"data: {next(numbers)}\n\n".encode())
                await self.go_on.wait()
                self.go_on.clear()
        finally:
            self.cancelled.set()

    async def half(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 100
        await response.prepare(request)
        await response.write(b"x" * 50)
        assert request.transport is not None
        request.transport.abort()
        return response

    async def lines(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for line in request.content:
            await response.write(line.upper())
        return response


@pytest.fixture
async def streams(room: Room) -> AsyncIterator[Streams]:
    streams = Streams()
    app = web.Application()
    for path in ("big", "hash", "events", "half", "lines"):
        app.router.add_route("*", f"/{path}", getattr(streams, path))
    runner, port = await serve_app(app, handler_cancellation=True)
    room.add("s", number=9, upstream_port=port)
    yield streams
    await runner.cleanup()


def own(room: Room, name: str, method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {room.own_host(name)}", f"Cookie: {room.own_cookie(name)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.mark.parametrize("query", ["", "?length"], ids=["chunked", "by-length"])
async def test_a_hundred_megabytes_come_down_unchanged(room, streams, query):
    reader, writer = await room.connect()
    writer.write(own(room, "s", "GET", f"/big{query}", "Connection: close"))
    answer = await room.read(reader)
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(bytes(range(256)) * (SIZE // 256)).digest()
    writer.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["by-length", "chunked"])
async def test_a_hundred_megabytes_go_up_unchanged(room, streams, chunked):
    block = bytes(range(256)) * 256
    reader, writer = await room.connect()
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}"
    writer.write(own(room, "s", "POST", "/hash", framing))
    for _ in range(SIZE // len(block)):
        writer.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")
    answer = await room.read(reader)
    assert answer.body.decode() == f"{SIZE} {hashlib.sha256(block * (SIZE // len(block))).hexdigest()}"
    writer.write(own(room, "s", "POST", "/hash", "Content-Length: 1", "Connection: close") + b"x")
    assert (await room.read(reader)).status == 200
    writer.close()


async def test_a_slow_reader_holds_the_upstream_back(room, streams):
    """What is buffered is bounded by sockets and high-water marks, not by the body."""
    reader, writer = await room.connect()
    reader._limit = 1024  # the reader itself stops early
    writer.write(own(room, "s", "GET", "/big"))

    async def settled() -> bool:
        """Nothing moves although everything was given a turn: client, proxy and upstream are on this one loop."""
        before = streams.written
        for _ in range(500):
            await asyncio.sleep(0)
        return 0 < streams.written == before

    await eventually(settled, within=20)
    assert streams.written < SIZE / 4
    writer.transport.abort()
    await eventually(lambda: not room.server.clients)


async def test_events_arrive_one_by_one_and_a_gone_client_ends_the_stream(room, streams):
    reader, writer = await room.connect()
    writer.write(own(room, "s", "GET", "/events"))
    await reader.readuntil(b"\r\n\r\n")
    for number in range(50):
        # The next one is not written before this one is here.
        size = int(await asyncio.wait_for(reader.readuntil(b"\r\n"), 10), 16)
        assert await reader.readexactly(size + 2) == f"data: {number}\n\n\r\n".encode()
        streams.go_on.set()
    writer.close()
    await asyncio.wait_for(streams.cancelled.wait(), 5)


async def test_request_and_response_bodies_stream_at_the_same_time(room, streams):
    reader, writer = await room.connect()
    writer.write(own(room, "s", "POST", "/lines", "Transfer-Encoding: chunked"))
    await asyncio.sleep(0)
    for word in (b"one\n", b"two\n", b"three\n"):
        writer.write(b"%x\r\n%b\r\n" % (len(word), word))
        if word == b"one\n":
            await reader.readuntil(b"\r\n\r\n")
        assert int(await reader.readuntil(b"\r\n"), 16) == len(word)
        assert await reader.readexactly(len(word) + 2) == word.upper() + b"\r\n"
    writer.write(b"0\r\n\r\n")
    assert await reader.readexactly(5) == b"0\r\n\r\n"
    writer.close()


async def test_a_broken_upstream_answer_is_visibly_broken(room, streams):
    reader, writer = await room.connect()
    writer.write(own(room, "s", "GET", "/half"))
    await reader.readuntil(b"\r\n\r\n")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await reader.readexactly(100)
    writer.close()


async def test_expect_100_continue_is_the_upstreams_to_answer(room, streams):
    reader, writer = await room.connect()
    writer.write(own(room, "s", "POST", "/hash", "Content-Length: 5", "Expect: 100-continue"))
    assert (await room.read(reader)).status == 100
    writer.write(b"hello")
    answer = await room.read(reader)
    assert answer.body.decode() == f"5 {hashlib.sha256(b'hello').hexdigest()}"
    writer.close()


# ---- WebSockets -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def echoing(room: Room) -> AsyncIterator[list[str]]:
    closed: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                if message == "close me":
                    await connection.close(4321, "as asked")
                else:
                    await connection.send(message)
        finally:
            closed.append(f"{connection.close_code} {connection.close_reason}")

    async with serve(handler, "127.0.0.1", 0, compression=None, max_size=None) as server:
        room.add("ws", number=8, upstream_port=next(iter(server.sockets)).getsockname()[1])
        yield closed


def dial(room: Room, name: str, **more: Any) -> connect:
    url = f"ws://{room.own_host(name)}/api/kernels?x=1"
    headers = {"Cookie": room.own_cookie(name)}
    arguments: dict[str, Any] = {"origin": f"http://{room.own_host(name)}", "compression": None, "proxy": None, **more}
    return connect(url, host="127.0.0.1", port=room.port, additional_headers=headers, max_size=None, **arguments)


async def test_websocket_messages_come_back_text_binary_fragmented_and_large(room, echoing):
    async with dial(room, "ws") as socket:
        for message in ("text ü", b"\x00\xff", b"x" * (5 * MEGABYTE), ""):
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send(iter(["in ", "three ", "parts"]))
        assert await socket.recv() == "in three parts"
        pong = await socket.ping()
        await asyncio.wait_for(pong, 5)


async def test_websocket_close_codes_pass_both_ways(room, echoing):
    async with dial(room, "ws") as socket:
        await socket.close(4001, "bye")
    await eventually(lambda: echoing == ["4001 bye"])
    async with dial(room, "ws") as socket:
        await socket.send("close me")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (4321, "as asked")
    await eventually(lambda: not room.server.relays)
    assert not room.server.handler.workspaces.admission.active


async def test_a_websocket_of_another_origin_is_refused(room, echoing):
    for origin in ("http://evil.example", f"http://{room.host}", f"http://{room.own_host('ws1')}", "null"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with dial(room, "ws", origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_losing_the_right_or_the_workspace_closes_open_websockets(room, echoing):
    from guildnet.capability import Capability

    user = {"Cookie": room.own_cookie("ws", roles=())}
    async with connect(
        f"ws://{room.own_host('ws')}/", host="127.0.0.1", port=room.port, additional_headers=user, proxy=None
    ) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        room.table.set_capabilities([Capability("nobody", frozenset({"list"}))])
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
    async with dial(room, "ws") as socket:
        room.table.remove_workspace("ws")
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)


async def test_half_closes_pass_through_an_upgraded_connection(room):
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        got.append(await reader.read(-1))
        writer.write(b"after your end")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    room.add("raw", number=7, upstream_port=server.sockets[0].getsockname()[1])
    reader, writer = await room.connect()
    writer.write(own(room, "raw", "GET", "/", "Upgrade: websocket", "Connection: Upgrade"))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"my words")
    writer.write_eof()
    assert await reader.read(-1) == b"after your end"
    assert got == [b"my words"]
    writer.close()
    server.close()


@pytest.mark.parametrize("limits", [Limits(drain_seconds=1.0)], ids=["drain-1s"])
async def test_a_stop_closes_clients_first_and_lets_short_requests_finish(room, streams, echoing):
    async with dial(room, "ws") as socket:
        await socket.send("x")
        await socket.recv()
        stopping = asyncio.create_task(room.server.close())
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 2)
        await stopping
    assert not room.server.relays
    assert not room.server.clients
