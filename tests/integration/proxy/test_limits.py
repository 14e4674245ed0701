"""What is open is bounded: so many requests of one workspace, so long without a byte; and logins are on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest
from aiohttp import web

from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.frontdoor.dispatch import FrontDoor
from guildnet_proxy.http.limits import Limits
from integration.proxy.room import Room, jwt, serve_app
from support.waiting import eventually

NEARLY_SECONDS = 60.0
"""Before the end of a limit, and after it; far more than a test takes."""


@pytest.fixture
async def quiet(room: Room) -> AsyncIterator[Room]:
    """A room with `quiet`, a workspace whose streams begin and then say nothing, and which takes upgrades."""
    leave = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: begun\n\n")
        await leave.wait()
        return response

    async def socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data)
        return response

    app = web.Application()
    app.add_routes([web.get("/stream", stream), web.get("/socket", socket)])
    runner, port = await serve_app(app, handler_cancellation=True)
    room.add("quiet", number=9, upstream_port=port)
    yield room
    leave.set()
    await runner.cleanup()


def _door(room: Room) -> FrontDoor:
    door = room.server.handler
    assert isinstance(door, FrontDoor)
    return door


async def _open(room: Room, path: str, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await room.connect()
    lines = [f"GET {path} HTTP/1.1", f"Host: {room.own_host('quiet')}", f"Cookie: {room.own_cookie('quiet')}", *headers]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    return reader, writer


async def _begun(room: Room) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream, and the first event of it."""
    reader, writer = await _open(room, "/stream")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    await reader.readuntil(b"data: begun\n\n\r\n")
    return reader, writer


async def _still_open(reader: asyncio.StreamReader) -> bool:
    """Nothing comes and nothing ends, however often everything gets a turn."""
    reading = asyncio.ensure_future(reader.read(1))
    for _ in range(200):
        await asyncio.sleep(0)
    done = reading.done()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return not done


async def test_one_workspace_has_only_so_many_open_requests(quiet: Room):
    workspaces = _door(quiet).workspaces.admission
    workspaces.streams = 2
    first, second = [await _begun(quiet) for _ in range(2)]
    cookie = f"Cookie: {quiet.own_cookie('quiet')}"
    refused = await quiet.ask("GET", "/stream", cookie, host=quiet.own_host("quiet"))
    assert (refused.status, b"too_many_requests" in refused.body) == (503, True)
    other = await quiet.ask("GET", "/", f"Cookie: {quiet.own_cookie('ws1')}", host=quiet.own_host("ws1"))
    assert other.status == 200, "the cap is each workspace's own"
    first[1].transport.abort()
    await eventually(lambda: workspaces.active.get("quiet") == 1)
    third = await _begun(quiet)
    for _, writer in (second, third):
        writer.transport.abort()
    await eventually(lambda: not workspaces.active.get("quiet"))


async def test_one_caller_has_only_so_many_open_requests_and_upgraded_connections(quiet: Room):
    admission = _door(quiet).workspaces.admission
    admission.requests, admission.upgrades = 2, 1
    upgrade = (
        f"Origin: http://{quiet.own_host('quiet')}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )  # fmt: skip
    held = [await _begun(quiet) for _ in range(2)]
    held.append(await _open(quiet, "/socket", *upgrade))
    assert (await held[-1][0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    for host, cookie, fields in (
        (quiet.own_host("ws1"), quiet.own_cookie("ws1"), ()),
        (quiet.host, quiet.cookie(), ("Accept: application/json",)),
        (quiet.own_host("quiet"), quiet.own_cookie("quiet"), upgrade),
    ):
        refused = await quiet.ask("GET", "/api/me", f"Cookie: {cookie}", *fields, host=host)
        assert (refused.status, b"identity_limit" in refused.body) == (429, True), host
        assert refused.one("Retry-After")
    other = await quiet.ask("GET", "/", f"Cookie: {quiet.own_cookie('ws1', 'bob')}", host=quiet.own_host("ws1"))
    assert other.status == 200, "the cap is each caller's own"
    for _, writer in held:
        writer.transport.abort()
    await eventually(lambda: not admission.callers)


@pytest.mark.parametrize("limits", [Limits(stream_idle_seconds=1000.0)], ids=["1000s"])
async def test_a_stream_without_a_byte_for_its_limit_is_cut_and_not_before(quiet: Room, limits: Limits):
    reader, writer = await _begun(quiet)
    (client,) = quiet.server.clients
    began = quiet.server.loop.time()
    client.sweep(began + limits.stream_idle_seconds - NEARLY_SECONDS)
    assert await _still_open(reader)
    client.sweep(began + limits.stream_idle_seconds + NEARLY_SECONDS)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 10)
    writer.close()
    await eventually(lambda: not _door(quiet).workspaces.admission.active.get("quiet"))


@pytest.mark.parametrize("limits", [Limits(relay_idle_seconds=1000.0)], ids=["1000s"])
async def test_an_upgraded_connection_without_a_byte_for_its_limit_is_closed_and_not_before(
    quiet: Room, limits: Limits
):
    reader, writer = await _open(
        quiet, "/socket", f"Origin: http://{quiet.own_host('quiet')}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )  # fmt: skip
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    await eventually(lambda: quiet.server.relays)
    (relay,) = quiet.server.relays
    began = quiet.server.loop.time()
    relay.sweep(began + limits.relay_idle_seconds - NEARLY_SECONDS)
    assert await _still_open(reader)
    relay.sweep(began + limits.relay_idle_seconds + NEARLY_SECONDS)
    assert await asyncio.wait_for(reader.read(-1), 10) == b""
    await eventually(lambda: not quiet.server.relays)
    writer.close()


async def test_nobody_is_logged_in_whose_login_cannot_be_recorded(room: Room, monkeypatch: pytest.MonkeyPatch):
    room.tokens[jwt("ann")] = TokenReview(authenticated=True, username="ann")
    assert (await room.ask("GET", f"/login?token={jwt('ann')}")).status == 303

    def full(_: str) -> NoReturn:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(room.records, "_write", full)
        disk.setattr(room.records, "_writer", type(room.records._writer)("proxy", full))
        refused = await room.ask("GET", f"/login?token={jwt('ann')}")
        room.records._lines.clear()
    assert (refused.status, b"audit_failed" in refused.body) == (503, True)
    assert "set-cookie" not in refused.headers
