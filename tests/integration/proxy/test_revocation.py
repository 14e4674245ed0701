"""What is open ends with what vouched for its caller: a session, a token, a device."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from guildnet_proxy.auth.sessions import Session
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.tailnet.localapi import Peer
from integration.proxy.room import Room, jwt
from support.waiting import eventually

SOCKET = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip
DEVICE = ("X-Forwarded-For: 100.64.0.7", "Tailscale-User-Login: ann@x", "X-Forwarded-Proto: https")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A workspace that answers a handshake and streams, and ends nothing by itself."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"upgrade: websocket" in head.lower():
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    else:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
        )
    while await reader.read(65536):
        pass
    writer.close()


class Opened:
    """Three things that are open of one caller: a stream, a request whose body is being sent, a WebSocket."""

    def __init__(self) -> None:
        self.ends: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def open(self, room: Room, host: str, *lines: str, private: bool = False) -> Opened:
        for method, more, begins in (
            ("GET", (), b"200"), ("GET", SOCKET, b"101"), ("POST", ("Content-Length: 1000000",), b""),
        ):  # fmt: skip
            reader, writer = await room.connect(private=private)
            own = (f"X-Forwarded-Host: {host}", "Host: x") if private else (f"Host: {host}",)
            writer.write("\r\n".join([f"{method} /x HTTP/1.1", *own, *lines, *more]).encode() + b"\r\n\r\n")
            if begins:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
                assert head.split(b" ")[1] == begins, head
            else:
                writer.write(b"x" * 1000)
            self.ends.append((reader, writer))
        await eventually(lambda: len(room.server.opened()) == 3)
        return self

    async def ended(self) -> bool:
        """Is every one of them at its end?"""
        async with asyncio.timeout(10):
            for reader, writer in self.ends:
                with suppress(ConnectionResetError):
                    await reader.read(-1)
                writer.close()
        return True

    def close(self) -> None:
        for _, writer in self.ends:
            writer.transport.abort()


@pytest.fixture
async def workspace(room):
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    room.add("ws1", upstream_port=server.sockets[0].getsockname()[1])
    yield room.own_host("ws1")
    server.close()


def _session(room: Room, token: str = "") -> Session:
    return room.sessions.begin(room.identity("bot", ()), time.time(), token)


def _own(room: Room, session: Session) -> str:
    uid = room.table.workspaces["ws1"].uid
    return f"Cookie: {room.sessions.names.workspace}={room.sessions.issue_workspace(session, uid)}"


async def test_a_logout_ends_what_is_open_on_another_origin(room, workspace):
    session, other = _session(room), _session(room)
    mine = await Opened().open(room, workspace, _own(room, session))
    control = f"Cookie: {room.sessions.names.session}={room.sessions.value(session, room.entries.all()[-1])}"
    running = asyncio.create_task(room.revocation.run())
    assert (await room.ask("POST", "/logout", f"Cookie: {_own(room, other)}")).status == 303
    assert len(room.server.opened()) == 3, "whoever else logs out"
    assert (await room.ask("POST", "/logout", control)).status == 303
    assert await mine.ended()
    assert (await room.ask("GET", "/x", _own(room, session), host=workspace)).status == 401
    assert (await room.ask("GET", "/api/servers", control)).status == 401
    running.cancel()


async def test_a_token_that_logs_out_is_good_for_nothing_any_more(room, workspace):
    token, other = jwt("bot"), jwt("another")
    for one, name in ((token, "bot"), (other, "another")):
        room.tokens[one] = TokenReview(authenticated=True, username=name)
    line = f"Authorization: Bearer {token}"
    mine = await Opened().open(room, workspace, line)
    running = asyncio.create_task(room.revocation.run())
    assert (await room.ask("GET", "/api/me", line)).status == 200
    assert (await room.ask("POST", "/logout", f"Authorization: Bearer {jwt('nobody')}")).status == 401
    assert (await room.ask("POST", "/logout", line)).status == 204
    assert await mine.ended()
    for host in ("", workspace):
        assert (await room.ask("GET", "/api/me", line, host=host)).status == 401
    assert (await room.ask("POST", "/logout", line)).status == 401
    assert (await room.ask("GET", "/api/me", f"Authorization: Bearer {other}")).status == 200
    running.cancel()


async def test_a_token_that_is_not_valid_any_more_ends_what_is_open(room, workspace):
    token = jwt("bot")
    room.tokens[token] = TokenReview(authenticated=True, username="bot")
    by_session = await Opened().open(room, workspace, _own(room, _session(room, token)))
    assert await room.revocation.once() == 0
    room.tokens[token] = TokenReview(authenticated=False)
    room.sources._reviews._answers.clear()  # it was asked about a moment ago
    assert await room.revocation.once() == 3
    assert await by_session.ended()


async def test_a_device_that_is_removed_ends_what_is_open(room, workspace):
    room.peers["100.64.0.7"] = Peer("laptop", "ann@x", "Ann", (), ())
    mine = await Opened().open(room, "guildnet.tailtest.example:20001", *DEVICE, private=True)
    assert await room.revocation.once() == 0
    room.peers["100.64.0.7"] = Peer("laptop", "bob@x", "Bob", (), ())
    room.sources._peers._answers.clear()
    assert await room.revocation.once() == 3
    assert await mine.ended()


async def test_who_nobody_can_ask_about_stays(room, workspace):
    room.peers["100.64.0.7"] = Peer("laptop", "ann@x", "Ann", (), ())
    mine = await Opened().open(room, "guildnet.tailtest.example:20001", *DEVICE, private=True)
    room.peers.clear()
    room.sources._peers._answers.clear()
    assert await room.revocation.once() == 0
    assert len(room.server.opened()) == 3
    mine.close()


async def test_a_session_that_expires_ends_what_is_open(room, workspace):
    session = Session(room.identity("bot", ()), time.time() + 1.0, "id")
    mine = await Opened().open(room, workspace, _own(room, session))
    await asyncio.sleep(1.1)
    assert await room.revocation.once() == 3
    assert await mine.ended()
