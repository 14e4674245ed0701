"""A loopback proxy between a client and a real API server that numbers the client's writes and breaks what it is told.

Plain HTTP towards the client, TLS towards the API server. Writes are requests other than GET; Events and Lease renewals
are passed on unnumbered, because nothing depends on them. A `Fault` says what happens to one write or to the watches.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp
from aiohttp import web

from support.apiserver import ADMIN_TOKEN, ApiServer

Kind = Literal["kill-before", "kill-after", "lose", "409", "429", "503", "410", "stall", "rewind", "skip"]
AT_WRITE: tuple[Kind, ...] = ("kill-before", "kill-after", "lose", "409", "429", "503", "410")
"""What can happen to a write: the client is gone before or after it, its answer is lost, it is refused."""
TO_WATCHES: tuple[Kind, ...] = ("stall", "rewind", "skip")
"""What can happen to the watches at a write: silence, the last events once more, events lost with a 410 after them."""

STALL_SECONDS = 3.0
SKIP_SECONDS = 1.5
REPLAYED = 5
_REASONS = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 503: "ServiceUnavailable"}
_RESOURCE = re.compile(r"/namespaces/[^/]+/([^/?]+)")
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "content-encoding"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to happen at the write of this number, counted from 1 since the fault was armed."""

    kind: Kind
    at: int

    def __str__(self) -> str:
        return f"{self.kind} at write {self.at}"


@dataclass(slots=True)
class Seen:
    """What went through: writes as (method, resource), the successful creates and deletes, and all requests."""

    writes: list[tuple[str, str]] = field(default_factory=list)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    requests: int = 0


class FaultProxy:
    """One client's way to the API server. `killed` is called when a fault wants the client gone."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.seen = Seen()
        self.dead = False
        """A dead client's requests are cut, not forwarded: whatever it still tries, the cluster does not see it."""
        self.refuse: Callable[[web.BaseRequest], web.StreamResponse | None] = lambda _: None
        """An outage: an answer for a request in place of the API server's, or None to pass it on."""
        self.fired = False
        self.killed: Callable[[], None] = lambda: None
        self._fault: Fault | None = None
        self._since = 0
        self._stalled_until = 0.0
        self._skip_until = 0.0
        self._replay = False
        self._watches: dict[int, web.BaseRequest] = {}
        self._passing: set[asyncio.Task[web.StreamResponse]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.url = ""

    def arm(self, fault: Fault | None) -> None:
        """From now on count writes for this fault."""
        self._fault, self.fired, self._since = fault, False, len(self.seen.writes)

    def cut(self) -> None:
        """End every watch there is, as a server does that goes away."""
        for request in list(self._watches.values()):
            _cut(request)

    @asynccontextmanager
    async def serve(self, kubeconfig: Path) -> AsyncIterator[FaultProxy]:
        """Serve on a free loopback port and write a kubeconfig that leads here."""
        context = ssl.create_default_context(cafile=str(self.server.ca))
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        runner = web.ServerRunner(
            web.Server(self._handle, access_log=None, handler_cancellation=True), shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        kubeconfig.write_text(json.dumps(_kubeconfig(self.url)))  # noqa: ASYNC240  (a small file, once)
        try:
            yield self
        finally:
            await runner.cleanup()
            await asyncio.gather(*self._passing, return_exceptions=True)
            await self._session.close()
            await asyncio.sleep(0)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.requests += 1
        if self.dead:
            return _cut(request)
        refusal = self.refuse(request)
        if refusal is not None:
            return refusal
        body = await request.read()
        if request.method == "GET":
            if "watch" not in request.query:
                return await self._pass(request, body)
            self._watches[id(request)] = request
            try:
                return await self._stream(request)
            finally:
                del self._watches[id(request)]
        resource = (_RESOURCE.search(request.path) or ["", request.path])[1]
        if resource in ("events", "leases"):
            return await self._pass(request, body)
        return await self._write(request, resource, body)

    async def _write(self, request: web.BaseRequest, resource: str, body: bytes) -> web.StreamResponse:
        self.seen.writes.append((request.method, resource))
        fault = self._fault
        if fault is None or len(self.seen.writes) - self._since != fault.at:
            return await self._counted(request, resource, body)
        self.fired = True
        match fault.kind:
            case "kill-before":
                self._die()
                return _cut(request)
            case "kill-after":
                await self._counted(request, resource, body)
                self._die()
                return _cut(request)
            case "lose":
                await self._counted(request, resource, body)
                return _cut(request)
            case "stall" | "rewind" | "skip":
                self._disturb(fault.kind)
                return await self._counted(request, resource, body)
            case code:
                return _status(int(code))

    def _die(self) -> None:
        self.dead = True
        self.killed()

    def _disturb(self, kind: Kind) -> None:
        now = asyncio.get_running_loop().time()
        if kind == "stall":
            self._stalled_until = now + STALL_SECONDS
        elif kind == "skip":
            self._skip_until = now + SKIP_SECONDS
        else:
            self._replay = True

    async def _counted(self, request: web.BaseRequest, resource: str, body: bytes) -> web.StreamResponse:
        async def through() -> web.StreamResponse:
            answer = await self._pass(request, body)
            if answer.status < 300 and request.method in ("POST", "DELETE"):
                self.seen.made[request.method, resource] += 1
            return answer

        # A client that dies now has sent its request all the same: what the API server does of it has to be counted.
        passing = asyncio.create_task(through())
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)
        return await asyncio.shield(passing)

    async def _pass(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        assert self._session is not None
        async with self._session.request(
            request.method, self.server.url + request.raw_path, headers=_headers(request), data=body or None
        ) as answer:
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            encoding = answer.headers.get("Content-Encoding")
            if encoding:
                headers["Content-Encoding"] = encoding
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        """A watch, line by line, so that lines can be held back, lost or sent again."""
        assert self._session is not None
        recent: deque[bytes] = deque(maxlen=REPLAYED)
        loop = asyncio.get_running_loop()
        timeout = aiohttp.ClientTimeout(total=None)
        url = self.server.url + request.raw_path
        async with self._session.get(url, headers=_headers(request, plain=True), timeout=timeout) as answer:
            out = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await out.prepare(request)
            lines = _lines(answer.content)
            skipped = False
            while True:
                try:
                    # A watch that lost something says so at the end of the gap, also when nothing comes after it.
                    async with asyncio.timeout_at(self._skip_until if skipped else None):
                        line = await anext(lines, None)
                except TimeoutError:
                    await out.write(_GONE)
                    return out
                if line is None or self.dead:
                    return out
                if (pause := self._stalled_until - loop.time()) > 0:
                    await asyncio.sleep(pause)
                if loop.time() < self._skip_until:
                    skipped = True
                    continue
                if self._replay and recent:
                    self._replay = False
                    await out.write(b"\n".join([*recent, b""]))
                recent.append(line)
                await out.write(line + b"\n")


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream without a bound on their length."""
    buffer = b""
    async for chunk in content.iter_any():
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            yield line


_GONE = (
    json.dumps({
        "type": "ERROR",
        "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"},
    }).encode()
    + b"\n"
)  # fmt: skip


def _headers(request: web.BaseRequest, *, plain: bool = False) -> dict[str, str]:
    dropped = _HOP_BY_HOP | ({"accept-encoding"} if plain else set())
    return {name: value for name, value in request.headers.items() if name.lower() not in dropped}


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _status(code: int) -> web.Response:
    """The refusal an API server would send; nothing was done."""
    body: dict[str, Any] = {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": _REASONS[code], "message": f"injected {code}",
    }  # fmt: skip
    return web.json_response(body, status=code, headers={"Retry-After": "1"} if code in (429, 503) else {})


def _kubeconfig(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "faults",
        "clusters": [{"name": "faults", "cluster": {"server": url}}],
        "users": [{"name": "faults", "user": {"token": ADMIN_TOKEN}}],
        "contexts": [{"name": "faults", "context": {"cluster": "faults", "user": "faults"}}],
    }
