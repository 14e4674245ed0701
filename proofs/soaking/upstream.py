"""An upstream whose answers follow from the request's target, and which breaks off where the target says so."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

KEEP_SECONDS = 2.0
"""An idle connection's; above the second for which the proxy sends what it must not repeat on one that it kept."""

FRESH = "X-Fresh"
"""A field that is another in each request, and comes back."""


def body_of(number: str, size: int) -> bytes:
    """The only right body for a request of this number."""
    return hashlib.shake_128(number.encode()).digest(size)


async def _whole(request: web.Request, kind: str, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    if FRESH in request.headers:
        response.headers[FRESH] = request.headers[FRESH]
    if kind == "length":
        response.content_length = len(body)
    elif kind == "until-close":
        response.force_close()
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    step = max(1, len(body) // 7)
    for at in range(0, len(body), step):
        await response.write(body[at : at + step])
        if kind == "slow":
            await asyncio.sleep(0.01)
    await response.write_eof()
    return response


async def _broken(request: web.Request, kind: str, body: bytes) -> web.StreamResponse:
    transport = request.transport
    assert transport is not None
    response = web.StreamResponse()
    if kind in {"cut", "cut-reset"}:
        response.content_length = len(body)
    if kind in {"cut", "cut-reset", "bad-chunk"}:
        if kind == "bad-chunk":
            response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
    if kind == "bad-chunk":
        transport.write(b"zz\r\n")
    elif kind == "bad-head":
        transport.write(b"HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n")
    if kind in {"reset", "cut-reset"}:
        transport.abort()
    else:
        transport.close()
    return response


async def answer(request: web.Request) -> web.StreamResponse:
    """`/KIND/SIZE/NUMBER`."""
    try:
        return await _answer(request)
    except ConnectionError:  # the client left, and the proxy with it
        return web.Response(status=500)


async def _answer(request: web.Request) -> web.StreamResponse:
    kind, size, number = request.path.strip("/").split("/")
    if kind == "socket":
        return await _echo(request)
    if kind == "digest":
        digest = hashlib.sha256()
        async for block in request.content.iter_any():
            digest.update(block)
        return web.Response(text=digest.hexdigest())
    body = body_of(number, int(size))
    if kind in {"length", "chunks", "slow", "until-close"}:
        return await _whole(request, kind, body)
    return await _broken(request, kind, body)


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """Its port while the block runs."""
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=0.1, keepalive_timeout=KEEP_SECONDS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=256).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
