"""`guildnet forward` against a real front door: a port of a workspace is a port of this machine."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from guildnet_cli.client import Client
from guildnet_cli.errors import FORBIDDEN, NOT_FOUND, UNREACHABLE, CliError
from guildnet_cli.verbs.forward import carry
from guildnet_proxy.auth.token_review import TokenReview
from integration.proxy.room import Room, jwt
from integration.proxy.test_tunnel import MEGABYTE, Talk, echo, port
from support.process import free_port


@pytest.fixture
def client(room: Room) -> Client:
    token = jwt("ann")
    room.tokens[token] = TokenReview(authenticated=True, username="ann")
    return Client(f"http://{room.host}", token)


@asynccontextmanager
async def forwarded(
    room: Room, client: Client, talk: Talk
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A program's connection to a port here, which `talk` serves over there."""
    async with port(talk) as number:
        room.add("tcp", upstream_port=number)
        mine, local = socket.socketpair()
        carrying = asyncio.create_task(asyncio.to_thread(carry, local, client, "tcp", number))
        reader, writer = await asyncio.open_connection(sock=mine)
        yield reader, writer
        writer.transport.abort()
        async with asyncio.timeout(5):
            await carrying


async def test_bytes_come_and_go_unchanged_and_then_it_is_over(room: Room, client: Client):
    sent = os.urandom(5 * MEGABYTE + 3)
    async with forwarded(room, client, echo) as (reader, writer), asyncio.timeout(30):
        writer.write(sent)
        writer.write_eof()
        assert await reader.read(-1) == sent


async def test_the_port_may_speak_first_and_end_first(room: Room, client: Client):
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        writer.write_eof()
        await reader.read(-1)
        writer.close()

    async with forwarded(room, client, greet) as (reader, _), asyncio.timeout(10):
        assert await reader.read(-1) == b"220 hello\r\n"


async def test_a_program_that_does_not_read_holds_the_port_back(room: Room, client: Client):
    passed = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal passed
        for _ in range(200):
            writer.write(b"x" * MEGABYTE)
            await writer.drain()
            passed += 1

    async with forwarded(room, client, flood) as (reader, _):
        await asyncio.sleep(1)
        stuck = passed
        await asyncio.sleep(0.5)
        assert passed == stuck < 60
        got = len(await reader.readexactly(20 * MEGABYTE))
        assert got == 20 * MEGABYTE


async def test_what_is_refused_is_told_and_the_connection_closed(
    room: Room, client: Client, capfd: pytest.CaptureFixture[str]
):
    number = free_port()
    room.add("tcp", upstream_port=number)
    mine, local = socket.socketpair()
    with mine:
        await asyncio.to_thread(carry, local, client, "tcp", number)
        assert mine.recv(1) == b""
    assert "refused the connection" in capfd.readouterr().err


@pytest.mark.parametrize(("server", "code"), [("nope", NOT_FOUND), ("tcp", UNREACHABLE)])
async def test_a_refusal_has_its_exit_code(room: Room, client: Client, server: str, code: int):
    number = free_port()
    room.add("tcp", upstream_port=number)
    with pytest.raises(CliError) as refused:
        await asyncio.to_thread(client.tunnel, server, number)
    assert refused.value.code == code


async def test_who_may_not_is_told_so(room: Room):
    token = jwt("bob")
    room.tokens[token] = TokenReview(authenticated=True, username="bob")
    room.add("tcp", upstream_port=free_port(), annotations={"guildnet.io/owner": "ann"})
    room.table.set_capabilities(None)
    with pytest.raises(CliError) as refused:
        await asyncio.to_thread(Client(f"http://{room.host}", token).tunnel, "tcp", room.upstream_port)
    assert refused.value.code == FORBIDDEN
