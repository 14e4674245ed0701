"""The watches that pass through a `FaultProxy`: forwarded event by event, held back, said twice, or not said at all."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol

import aiohttp
from aiohttp import web

from support import faults
from support.faults import AtEvent, WatchFault


class Plan(Protocol):
    """What the watches ask of the proxy they belong to."""

    fired: bool

    def event_fault(self, resource: str, event: str) -> AtEvent | None: ...


class Streams:
    """The open watches of one proxy."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._open: dict[int, tuple[str, web.BaseRequest]] = {}
        self._deaf: set[int] = set()
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._skipped: str | None = None
        self._stalled_until: dict[str, float] = {}
        self.events: set[tuple[str, str]] = set()
        """(resource, event type) of everything that was said."""

    @property
    def open(self) -> Counter[str]:
        """How many watches of which resource the API server has answered and nobody has ended."""
        return Counter(resource for resource, _ in self._open.values())

    def cut(self) -> None:
        """Break every watch."""
        for _, request in list(self._open.values()):
            if request.transport is not None:
                request.transport.abort()

    def deafen(self) -> None:
        """The watches that are open now stay so and never say anything any more; new ones do."""
        self._deaf |= self._open.keys()

    def silence(self) -> None:
        """Until `speak`, watches stay open and say nothing."""
        self._speaking.clear()

    def speak(self) -> None:
        """Say what was held back, where who asked for it still listens."""
        self._speaking.set()

    async def serve(
        self, request: web.BaseRequest, resource: str, upstream: AbstractAsyncContextManager[aiohttp.ClientResponse]
    ) -> web.StreamResponse:
        """Answer a watch until one side ends it."""
        said: list[bytes] = []
        try:
            async with upstream as source:
                answer = web.StreamResponse(status=source.status, headers={"Content-Type": "application/json"})
                await answer.prepare(request)
                self._open[id(request)] = resource, request
                # A client that is gone, killed or outliving its patience, is no fault of the proxy's.
                with suppress(ConnectionResetError):
                    if source.status != 200:
                        await answer.write(await source.read())
                        return answer
                    async for line in _lines(source):
                        await self._speaking.wait()
                        if id(request) in self._deaf:
                            continue
                        await self._event(resource, line, said, answer)
                return answer
        finally:
            self._open.pop(id(request), None)
            self._deaf.discard(id(request))

    async def _event(self, resource: str, line: bytes, said: list[bytes], answer: web.StreamResponse) -> None:
        event: dict[str, Any] = json.loads(line)
        fault = self._plan.event_fault(resource, event["type"])
        if fault is not None and fault.fault is WatchFault.SKIP and self._is_skipped(event):
            return
        if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
            self.events.add((resource, event["type"]))
        if fault is not None and fault.fault is WatchFault.STALL:
            self._plan.fired = True
            self._stalled_until.setdefault(resource, asyncio.get_running_loop().time() + faults.STALL_SECONDS)
        pause = self._stalled_until.get(resource, 0.0) - asyncio.get_running_loop().time()
        if pause > 0:
            await asyncio.sleep(pause)
        said.append(line)
        await answer.write(line)
        if fault is not None and fault.fault is WatchFault.REWIND and not self._plan.fired:
            self._plan.fired = True
            await answer.write(b"".join(said))

    def _is_skipped(self, event: dict[str, Any]) -> bool:
        """Is it the one event that nobody is to hear of? The first watch to meet such a one decides which."""
        metadata = event["object"]["metadata"]
        version = f"{metadata['uid']}/{metadata['resourceVersion']}"
        if not self._plan.fired:
            self._plan.fired = True
            self._skipped = version
        return version == self._skipped


async def _lines(source: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of a stream with their line feeds, without a bound on their length."""
    held = b""
    async for chunk in source.content.iter_any():
        *whole, held = (held + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
