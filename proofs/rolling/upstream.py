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

PIECES: Final = 10


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
            if message.type is WSMsgType.BINARY:
                await echo.send_bytes(message.data)
        self.closed[echo.close_code] += 1
        return echo


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
