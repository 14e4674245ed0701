"""The usual way to fan out, for comparison: Starlette, sse-starlette, a queue for every reader.

`POST /pub` gives a line to all, `GET /sub` is a stream of them.
Run by `python -m proofs.loglab.servers.queue_app PORT`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

queues: set[asyncio.Queue[tuple[int, str]]] = set()
count = 0


async def publish(request: Request) -> Response:
    global count  # noqa: PLW0603  a demonstration's whole state
    count += 1
    line = (await request.body()).decode()
    for queue in queues:
        queue.put_nowait((count, line))
    return Response(status_code=204)


async def subscribe(_: Request) -> EventSourceResponse:
    queue: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    queues.add(queue)

    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(comment="hello")
        try:
            while True:
                number, line = await queue.get()
                yield ServerSentEvent(data=line, id=str(number))
        finally:
            queues.discard(queue)

    return EventSourceResponse(events())


app = Starlette(routes=[Route("/pub", publish, methods=["POST"]), Route("/sub", subscribe)])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", log_level="warning", access_log=False)
