"""The workspace: pages whose bodies belong to one request, some of which take long, digests of uploads, and an echo."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from proofs.soaking.upstream import body_of
from proofs.websocket.frames import BINARY

PIECES: Final = 10
SLOW_BYTES: Final = 4_000
SLOW_SECONDS: Final = 0.5
"""So long the second half of a message comes after the first, where it has so many bytes: SIGTERM and the time to leave
find some WebSockets within a frame."""


@dataclass
class Workspace:
    """At this port; `closed` counts by which code its WebSockets were closed."""

    port: int = 0
    closed: Counter[int | None] = field(default_factory=Counter)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """`/KIND/SIZE/NUMBER/MILLISECONDS`; a body takes so long."""
        kind, size, number, milliseconds = request.path.strip("/").split("/")
        if kind == "socket":
            return await self._echo(request)
        if kind == "upload":
            digest = hashlib.sha256()
            async for block in request.content.iter_any():
                digest.update(block)
            return web.Response(text=digest.hexdigest())
        body = body_of(number, int(size))
        response = web.StreamResponse()
        if kind == "chunks":
            response.enable_chunked_encoding()
        else:
            response.content_length = len(body)
        await response.prepare(request)
        for piece in cut(body):
            await asyncio.sleep(int(milliseconds) / 1000 / PIECES)
            await response.write(piece)
        await response.write_eof()
        return response

    async def _echo(self, request: web.Request) -> web.WebSocketResponse:
        echo = web.WebSocketResponse(max_msg_size=0)
        await echo.prepare(request)
        async for message in echo:
            if message.type is WSMsgType.BINARY and len(message.data) < SLOW_BYTES:
                await echo.send_bytes(message.data)
            elif message.type is WSMsgType.BINARY and request.transport is not None:
                await slowly(request.transport, whole(message.data))
        self.closed[echo.close_code] += 1
        return echo


async def slowly(transport: asyncio.Transport, sent: bytes) -> None:
    """One half, and after a while the other."""
    half = len(sent) // 2
    transport.write(sent[:half])
    await asyncio.sleep(SLOW_SECONDS)
    if not transport.is_closing():
        transport.write(sent[half:])


def whole(payload: bytes) -> bytes:
    """A message of a server in one frame, of 126 to 65,535 bytes."""
    return bytes((0x80 | BINARY, 126)) + len(payload).to_bytes(2, "big") + payload


def cut(body: bytes) -> list[bytes]:
    """The pieces in which a body is sent that takes long."""
    step = max(1, -(-len(body) // PIECES))
    return [body[at : at + step] for at in range(0, len(body), step)]


@asynccontextmanager
async def serving() -> AsyncIterator[Workspace]:
    """It is there while the block runs."""
    workspace = Workspace()
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{rest:.*}", workspace.answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        workspace.port = int(runner.addresses[0][1])
        yield workspace
    finally:
        await runner.cleanup()
