"""Ordinary users and their workspace, a process of its own: `python -m proofs.hostile.ordinary`.

Writes its upstream's port, reads where the proxy is, then answers every line with the latencies since the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from typing import Any, Final

import uvloop

USERS: Final = 5
PAUSE_SECONDS: Final = 0.05
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024


class Upstream(asyncio.Protocol):
    """Answers every head with one kilobyte."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


class User:
    """Asks, reads, pauses; a connection that ends between two requests is made again."""

    def __init__(self, where: dict[str, Any], seconds: list[float], failures: list[str]) -> None:
        self.port = int(where["port"])
        lines = ["GET /page HTTP/1.1", f"Host: {where['hosts']['ordinary']}", f"Cookie: {where['cookies']['ordinary']}"]
        self.request = "\r\n".join([*lines, "", ""]).encode()
        self.seconds = seconds
        self.failures = failures

    async def run(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                with contextlib.closing(writer):
                    while True:
                        await self._ask(reader, writer)
                        await asyncio.sleep(PAUSE_SECONDS)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.failures.append(repr(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.perf_counter()
        writer.write(self.request)
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(1024)
        if not head.startswith(b"HTTP/1.1 200 "):
            self.failures.append(head[:40].decode("latin-1"))
        self.seconds.append(time.perf_counter() - began)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    where = json.loads(await asyncio.to_thread(sys.stdin.readline))
    seconds: list[float] = []
    failures: list[str] = []
    users = [asyncio.create_task(User(where, seconds, failures).run()) for _ in range(USERS)]
    while await asyncio.to_thread(sys.stdin.readline):
        ordered = sorted(seconds)
        p99 = ordered[int(len(ordered) * 0.99)] if ordered else 10.0
        print(json.dumps({"p99": p99, "requests": len(ordered), "failures": failures}), flush=True)
        seconds.clear()
        failures.clear()
    for user in users:
        user.cancel()


if __name__ == "__main__":
    uvloop.run(main())
