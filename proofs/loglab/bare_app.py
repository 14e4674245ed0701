"""A connection that holds an answer open and nothing else, on the api's own server: `python -P bare_app.py PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

from guildnet_api.http.server import server


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server(app, "127.0.0.1", int(sys.argv[1])).serve())
