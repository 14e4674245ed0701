"""The baseline that is always there: an aiohttp server with an aiohttp client behind it, as one would write it with
care. No identity, no gate, no access log. `python plain_proxy.py PORT UPSTREAM_PORT`, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
WHOLE = 65536
"""Bytes up to which an answer is read whole and written at once."""


def handler(session: aiohttp.ClientSession, origin: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await upgraded(
                session, URL(f"ws{origin.removeprefix('http')}{request.raw_path}", encoded=True), request
            )
        headers = CIMultiDict((k, v) for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP)
        headers["X-Forwarded-For"] = request.remote or ""
        headers["X-Forwarded-Proto"] = "http"
        headers["X-Forwarded-Host"] = request.host
        async with session.request(
            request.method,
            URL(origin + request.raw_path, encoded=True),
            headers=headers,
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
        ) as answer:
            kept = CIMultiDict((k, v) for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP)
            if answer.content_length is not None and answer.content_length <= WHOLE:
                return web.Response(status=answer.status, headers=kept, body=await answer.read())
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    return forward


async def upgraded(session: aiohttp.ClientSession, url: URL, request: web.BaseRequest) -> web.StreamResponse:
    """A WebSocket, message by message: aiohttp's client and server have no other way."""
    front = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=0)
    await front.prepare(request)
    async with session.ws_connect(url, autoping=False, max_msg_size=0) as back:
        await asyncio.wait(
            [asyncio.create_task(passed(front, back)), asyncio.create_task(passed(back, front))],
            return_when=asyncio.FIRST_COMPLETED,
        )
    return front


Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


async def passed(source: Socket, to: Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.BINARY:
            await to.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await to.send_str(message.data)


async def main(port: int, upstream_port: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    # The connector's default of 100 connections would be a limit of its own.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
    ) as session:
        server = web.Server(handler(session, f"http://127.0.0.1:{upstream_port}"), access_log=None)
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await stop.wait()
        await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
