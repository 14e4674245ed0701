"""Connections that are held open and nothing else, to compare with.

Run by `python -m proofs.loglab.servers.bare_app KIND PORT`. Of KIND `server` they are held by the api's own server, of
KIND `socket` by the event loop alone: no HTTP is parsed.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

from guildnet_api.http.server import server

_HELLO = b": hello\n\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": _HELLO, "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


class Held(asyncio.Protocol):
    """A connection that is answered once, whatever it says, and held."""

    __slots__ = ("_transport",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # of TCP, which typeshed does not say

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + _HELLO)


async def sockets(port: int) -> None:
    listener = await asyncio.get_running_loop().create_server(Held, "127.0.0.1", port, backlog=2048)
    await listener.serve_forever()


if __name__ == "__main__":
    kind, number = sys.argv[1], int(sys.argv[2])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server(app, "127.0.0.1", number).serve() if kind == "server" else sockets(number))
