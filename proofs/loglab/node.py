"""The part of a kubelet that serves logs, played: the real API server reads container logs from it over TLS.

Lines are kept as a kubelet keeps them, with their own times; a reader gets the tail or what is not older than a second,
and then each line as it is written. `follows` counts the streams that the API server opened here.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import trustme
from aiohttp import web

from guildnet.kube.client import Client
from guildnet.kube.resources import NODES
from support.kubelet import NODE


class LogNode:
    """Containers' logs by pod name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[str, list[bytes]] = {}
        self.follows = 0
        self.open = 0
        self._changed = asyncio.Event()

    def write(self, pod: str, *texts: str) -> None:
        """Each with the time it has now; times never repeat."""
        now = time.time_ns()
        held = self.lines.setdefault(pod, [])
        for offset, text in enumerate(texts):
            held.append(f"{stamp(now + offset)} {text}\n".encode())
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    async def serve_log(self, request: web.Request) -> web.StreamResponse:
        held = self.lines.setdefault(request.match_info["pod"], [])
        follow = request.query.get("follow") == "true"
        at = max(0, len(held) - int(request.query.get("tailLines", len(held))))
        since = request.query.get("sinceTime", "")[:19].encode()
        while at < len(held) and held[at][:19] < since:
            at += 1
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        self.follows += follow
        self.open += follow
        try:
            # An api that is killed takes its streams along, in the middle of whatever.
            with suppress(ConnectionResetError):
                await self._send(answer, held, at, follow=follow)
            return answer
        finally:
            self.open -= follow

    async def _send(self, answer: web.StreamResponse, held: list[bytes], at: int, *, follow: bool) -> None:
        while True:
            changed = self._changed
            if at < len(held):
                block, at = b"".join(held[at:]), len(held)
                await answer.write(block)
            elif not follow:
                return
            else:
                await changed.wait()


def stamp(time_ns: int) -> str:
    """RFC 3339 with nanoseconds, as container runtimes write it."""
    moment = datetime.fromtimestamp(time_ns // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % 10**9:09d}Z"


@asynccontextmanager
async def log_node(kube: Client, name: str = NODE) -> AsyncIterator[LogNode]:
    """A Node whose kubelet is this one, until the block ends. The API server verifies kubelets only where told to."""
    node = LogNode(name)
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate = authority.issue_cert("127.0.0.1")
    certificate.configure_cert(context)
    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", node.serve_log)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    await kube.create(NODES, None, {"metadata": {"name": name}})
    status: dict[str, Any] = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    await kube.merge_patch(NODES, None, name, {"status": status}, subresource="status")
    try:
        yield node
    finally:
        await kube.delete(NODES, None, name)
        await runner.cleanup()
