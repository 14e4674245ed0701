"""The clients of the rolling restart: what is a failure, and what a server may do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from proofs.rolling import upstream
from proofs.rolling.requests import Asked, Habit, Users
from proofs.rolling.service import Run, Service
from proofs.rolling.sockets import Held, Sockets, handshake_of
from proofs.soaking.upstream import body_of
from proofs.websocket.frames import BINARY
from support.waiting import eventually

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class OnePod(Service):
    """A Service whose only pod is at `port`."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def dial(self) -> tuple[socket.socket, Run]:
        taken = socket.socket()
        taken.setblocking(False)
        await asyncio.get_running_loop().sock_connect(taken, ("127.0.0.1", self._port))
        return taken, Run("one")


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[Service]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield OnePod(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def page(reader: asyncio.StreamReader) -> bytes:
    """The body that the next request asks for."""
    _, size, number, _ = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode().strip("/").split("/")
    return body_of(number, int(size))


def answer(body: bytes, *fields: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body


async def asked(service: Service, requests: int) -> Asked:
    """What one user found who asked so much."""
    users = Users(service, "a", "b=c")
    running = asyncio.create_task(users.run(Habit(("length",), 0.0, 0.1), 1))
    await eventually(lambda: users.asked.requests >= requests)
    users.over = True
    await running
    return users.asked


async def test_a_connection_that_the_server_said_it_closes_is_no_failure():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await page(reader), "Connection: close"))

    async with talking(talk) as service:
        found = await asked(service, 3)
    assert (found.failures, found.found) == ([], 0)
    assert found.told >= 3


async def test_a_connection_that_was_closed_before_the_next_request_is_no_failure():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await page(reader)))

    async with talking(talk) as service:
        found = await asked(service, 3)
    assert (found.failures, found.told) == ([], 0)
    assert found.found >= 2


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await page(reader)


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(await page(reader)))
    await page(reader)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _cuts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(await page(reader) + b"more")[:-1])


async def _mistakes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(await page(reader) + b"?", "Connection: close"))


async def _refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(await page(reader), "Connection: close").replace(b"200 OK", b"503 No"))


@pytest.mark.parametrize("talk", [_closes, _resets, _cuts, _mistakes, _refuses])
async def test_whatever_else_ends_a_request_is_a_failure(talk: Talk):
    async with talking(talk) as service:
        found = await asked(service, 2)
    assert found.failures


async def test_every_kind_of_request_is_answered_right_by_the_workspace():
    async with upstream.serving() as workspace:
        users = Users(OnePod(workspace.port), "a", "b=c")
        kinds = ("length", "chunks", "upload")
        running = asyncio.create_task(users.run(Habit(kinds, 0.02, 0.0), 1))
        await eventually(lambda: users.asked.requests >= 15)
        users.over = True
        await running
    assert users.asked.failures == []


# ---- WebSockets -----------------------------------------------------------------------------------------------------


async def held(service: Service, done: Callable[[Held], object]) -> Held:
    """What one client with one WebSocket found until then."""
    sockets = Sockets(service)
    running = asyncio.create_task(sockets.hold(handshake_of("a", "b=c"), 1, 0.01))
    await eventually(lambda: done(sockets.held))
    found = Held(sockets.held.open, sockets.held.echoes, [*sockets.held.closed], [*sockets.held.failures])
    sockets.end()
    await running
    return found


async def test_echoes_of_the_workspace_are_right():
    async with upstream.serving() as workspace:
        found = await held(OnePod(workspace.port), lambda it: it.echoes >= 20)
    assert (found.open, found.closed, found.failures) == (1, [], [])


async def _leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCHED + b"\x88\x02\x03\xe9")
    await reader.readexactly(8)  # a message may come before the answer to the close


async def _ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCHED)


@pytest.mark.parametrize(("talk", "code"), [(_leaves, 1001), (_ends, None)], ids=["with a 1001", "with nothing"])
async def test_the_end_of_one_is_kept_with_its_code_and_it_is_made_again(talk: Talk, code: int | None):
    async with talking(talk) as service:
        found = await held(service, lambda it: len(it.closed) >= 2)
    assert {one.code for one in found.closed} == {code}
    assert {one.after for one in found.closed} == {None}
    assert found.failures == []


async def _refuses_to_switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(b""))


async def _garbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCHED)
    await reader.read(1)
    writer.write(bytes((0x80 | BINARY, 1)) + b"?")
    await reader.read(-1)


@pytest.mark.parametrize("talk", [_closes, _refuses_to_switch, _garbles])
async def test_a_websocket_that_is_none_or_has_a_wrong_echo_is_a_failure(talk: Talk):
    async with talking(talk) as service:
        found = await held(service, lambda it: it.failures)
    # It is made again at once, so there may be two before anybody looks.
    assert len(set(found.failures)) == 1
