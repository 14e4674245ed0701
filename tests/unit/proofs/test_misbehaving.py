"""An upstream of a proof waits for who reads it, however busy the machine is, and not for time to pass."""

from __future__ import annotations

import asyncio
import socket
from typing import Literal

import pytest

from proofs.vectors import misbehaving
from proofs.vectors.answering import AnswerVector, Got
from proofs.vectors.unread import taken

SAYS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG_SECONDS = 0.4
"""Longer than anybody would guess that a proxy on this machine needs to read an answer."""


async def asked(port: int) -> socket.socket:
    """A client's connection on which the vector was asked for, of which nothing is read."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setblocking(False)
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, b"GET /v HTTP/1.1\r\nHost: a\r\n\r\n")
    return client


@pytest.mark.parametrize(("after", "later"), [("reset", b""), ("stay", b"evil")])
async def test_what_an_upstream_does_next_waits_until_its_answer_was_read(
    after: Literal["stay", "reset"], later: bytes
):
    loop = asyncio.get_running_loop()
    async with misbehaving.upstream() as upstream:
        upstream.say(AnswerVector("one", "RFC 9112, 9.2", SAYS, Got(body=b"ok"), after, later=later))
        with await asked(upstream.port) as client:
            await asyncio.sleep(LONG_SECONDS)
            assert await loop.sock_recv(client, 1024) == SAYS
            if later:
                assert await loop.sock_recv(client, 1024) == later
            else:
                with pytest.raises(ConnectionResetError):
                    await loop.sock_recv(client, 1024)


async def test_it_tells_when_the_connection_has_ended_on_which_it_was_said():
    async with misbehaving.upstream() as upstream:
        upstream.say(AnswerVector("one", "RFC 9112, 9.2", SAYS, Got(body=b"ok")))
        with await asked(upstream.port) as client:
            assert await asyncio.get_running_loop().sock_recv(client, 1024) == SAYS
            assert not upstream.left.is_set()
        async with asyncio.timeout(5):
            await upstream.left.wait()


async def test_what_was_written_is_taken_once_the_other_end_has_read_it():
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), "127.0.0.1", 0)
    async with server:
        with await asked(server.sockets[0].getsockname()[1]) as client:
            writer = await accepted
            assert taken(writer)
            writer.write(SAYS)
            assert not taken(writer)
            assert await asyncio.get_running_loop().sock_recv(client, 1024) == SAYS
            assert taken(writer)
        writer.transport.abort()
