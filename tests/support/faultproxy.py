"""A loopback proxy between a client and a real API server that numbers the client's writes and breaks what it is told.

Plain HTTP towards the client, TLS towards the API server; requests pass byte for byte, credentials included. Writes are
requests other than GET; Events and Lease renewals are passed on unnumbered, because nothing depends on them. A fault
happens once, an outage (`refuse`, `streams.silent`) for as long as it is set.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from guildnet.kube.transport import Sockets
from support.apirequest import ApiRequest, about
from support.apiserver import ADMIN_TOKEN, ApiServer
from support.faults import KILLS, REFUSALS, AtEvent, AtWrite, Fault, WriteFault, refusal
from support.streams import Streams

T = TypeVar("T")
_DROPPED = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Write:
    """A numbered write: which of its description it is (from 1), and the answer; 0 where the API server had no say."""

    request: ApiRequest
    nth: int
    code: int


@dataclass(slots=True)
class Seen:
    """What went through: writes as (method, resource), the same with answers, successful creates and deletes."""

    writes: list[tuple[str, str]] = field(default_factory=list)
    answered: list[Write] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    """By `create deployments`."""
    asked: list[float] = field(default_factory=list)
    """When each request came, by the loop's clock."""
    events: int = 0
    """Events written, which are passed on unnumbered."""
    last_write: float = 0.0
    """By the loop's clock."""

    @property
    def requests(self) -> int:
        return len(self.asked)


class FaultProxy:
    """One client's way to the API server. `kill` ends the client and returns when it is dead."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.seen = Seen()
        self.dead = False
        """A dead client's requests are cut, not forwarded: whatever it still tries, the cluster does not see it."""
        self.refuse: Callable[[web.BaseRequest], web.StreamResponse | None] = lambda _: None
        """An outage: an answer for a request in place of the API server's, or None to pass it on."""
        self.answer_for: Callable[[ApiRequest], web.StreamResponse | None] = lambda _: None
        """The same by what a request is about."""
        self.hold: Callable[[ApiRequest], bool] = lambda _: False
        """Is this request never to be answered?"""
        self.kill: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.fault: Fault | None = None
        self.fired = False
        self.streams = Streams(self)
        self.url = ""
        self._nth: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None

    def arm(self, fault: Fault | None) -> None:
        """From now on wait for the place of this fault."""
        self.fault, self.fired = fault, False

    def cut(self) -> None:
        """End every watch there is, as a server does that goes away."""
        self.streams.cut()

    def event_fault(self, resource: str, event: str) -> AtEvent | None:
        """The fault that is meant for such an event of a watch, whether it has happened or not."""
        fault = self.fault
        wanted = isinstance(fault, AtEvent) and (fault.resource, fault.event) == (resource, event)
        return fault if wanted and isinstance(fault, AtEvent) else None

    @asynccontextmanager
    async def serve(self, kubeconfig: Path) -> AsyncIterator[FaultProxy]:
        """Serve on a free loopback port and write a kubeconfig that leads here."""
        context = ssl.create_default_context(cafile=str(self.server.ca))
        sockets = Sockets()
        connector = aiohttp.TCPConnector(ssl=context, limit=0, socket_factory=sockets.make)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout)
        runner = web.ServerRunner(
            web.Server(self._handle, access_log=None, handler_cancellation=True), shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        kubeconfig.write_text(json.dumps(_kubeconfig(self.url)))  # noqa: ASYNC240  a small file, once
        try:
            yield self
        finally:
            self.cut()
            await runner.cleanup()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._session.close()
            await sockets.closed()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.asked.append(asyncio.get_running_loop().time())
        if self.dead:
            return _cut(request)
        refused = self.refuse(request)
        if refused is not None:
            return refused
        body = await request.read()
        asked = about(request.method, request.path, request.query_string, request.content_type, body)
        if self.hold(asked):
            await asyncio.Event().wait()  # until the client gives up, which cancels this
        if (instead := self.answer_for(asked)) is not None:
            return instead
        if asked.verb == "watch":
            return await self.streams.serve(request, asked.resource, self._upstream(request, body))
        self.seen.events += asked.is_write and asked.resource == "events"
        if not asked.counts:
            return await self._kept(self._pass(request, body))
        return await self._write(request, asked, body)

    async def _write(self, request: web.BaseRequest, asked: ApiRequest, body: bytes) -> web.StreamResponse:
        text = str(asked)
        self._nth[text] += 1
        nth = self._nth[text]
        self.seen.writes.append((request.method, asked.resource.partition("/")[0]))
        fault = self._fault_at(text, nth)
        if fault in REFUSALS:
            self._record(Write(asked, nth, 0))
            return answer(int(fault), asked.verb)
        if fault is WriteFault.KILL_BEFORE:
            self._record(Write(asked, nth, 0))
        else:
            # A client that dies now has sent its request all the same: what the API server does has to be counted.
            passed = await self._kept(self._counted(request, Write(asked, nth, 0), body))
            if fault is None:
                return passed
        if fault in KILLS:
            assert self.kill is not None, "a fault that kills needs something to kill"
            await self._kept(self.kill())
        return _cut(request)

    def _fault_at(self, text: str, nth: int) -> WriteFault | None:
        fault = self.fault
        if self.fired or not isinstance(fault, AtWrite) or (fault.write, fault.nth) != (text, nth):
            return None
        self.fired = True
        return fault.fault

    async def _counted(self, request: web.BaseRequest, write: Write, body: bytes) -> web.StreamResponse:
        passed = await self._pass(request, body)
        self._record(Write(write.request, write.nth, passed.status))
        if passed.status < 300 and write.request.verb in ("create", "delete"):
            self.seen.made[write.request.kind] += 1
        return passed

    def _record(self, write: Write) -> None:
        self.seen.answered.append(write)
        self.seen.last_write = asyncio.get_running_loop().time()

    async def _kept(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it to its end, also when the death of who asked for it cancels this request."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _pass(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        async with self._upstream(request, body) as source:
            headers = {name: value for name, value in source.headers.items() if name.lower() not in _DROPPED}
            return web.Response(status=source.status, body=await source.read(), headers=headers)

    def _upstream(self, request: web.BaseRequest, body: bytes) -> Any:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
        headers["Accept-Encoding"] = "identity"  # the lines of a watch are read on their way
        return self._session.request(
            request.method, self.server.url + request.raw_path, headers=headers, data=body or None
        )


def answer(code: int, verb: str = "get") -> web.Response:
    """The refusal an API server would send; nothing was done."""
    headers = {"Content-Type": "application/json"} | ({"Retry-After": "1"} if code in (429, 503) else {})
    return web.Response(status=code, headers=headers, body=refusal(code, verb))


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _kubeconfig(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "faults",
        "clusters": [{"name": "faults", "cluster": {"server": url}}],
        "users": [{"name": "faults", "user": {"token": ADMIN_TOKEN}}],
        "contexts": [{"name": "faults", "context": {"cluster": "faults", "user": "faults"}}],
    }
