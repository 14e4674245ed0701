"""The load and the upstream: two bare protocols on one loop, so that what is measured is the proxy between them.

A closed loop: every connection asks again as soon as its answer is complete, until the time or the count is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from support.process import cpu_seconds

from . import small
from .accounting import Core
from .results import Round

LIMIT = 500_000
"""Requests of a round, whatever its time."""
GRACE = 5.0
"""Seconds in which a connection has to open, and the last answers of a round have to come."""


class Upstream:
    """Answers every request with the scenario's bytes and counts them: what a proxy did not pass on is not proxied."""

    def __init__(self) -> None:
        self.served = 0
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Upstream]:
        server = await asyncio.get_running_loop().create_server(lambda: _Answering(self), "127.0.0.1", 0, backlog=256)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()


class _Answering(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        heads = data.count(b"\r\n\r\n")
        self._rest = b"" if data.endswith(b"\r\n\r\n") else data[data.rfind(b"\r\n\r\n") + 4 if heads else 0 :]
        if heads:
            self._upstream.served += heads
            self._transport.write(small.ANSWER * heads)


class Load:
    """Connections to one proxy. `fault` is the first thing that went wrong; nothing is asked after it."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.answered = 0
        self.stopping = True
        self.fault = ""
        self._limit = 0
        self._asking = 0
        self._connections: list[_Asking] = []
        self._quiet = asyncio.Event()

    async def open(self, port: int, connections: int) -> None:
        """Raises OSError or TimeoutError where the proxy does not listen."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(GRACE):
            for _ in range(connections):
                _, connection = await loop.create_connection(lambda: _Asking(self), "127.0.0.1", port)
                self._connections.append(connection)

    async def run(self, seconds: float, limit: int = LIMIT) -> None:
        """Ask on every connection for `seconds`; for 0 just once on each."""
        self.answered, self._limit = 0, limit
        self.stopping = not seconds
        self._asking = len(self._connections)
        self._quiet.clear()
        timer = asyncio.get_running_loop().call_later(seconds, self._stop)
        for connection in self._connections:
            connection.ask()
        try:
            async with asyncio.timeout(seconds + GRACE):
                await self._quiet.wait()
        except TimeoutError:
            self.failed("an answer did not come")
        finally:
            timer.cancel()

    def close(self) -> None:
        for connection in self._connections:
            connection.transport.abort()

    def failed(self, fault: str) -> None:
        self.fault = self.fault or fault
        self._stop()
        self._quiet.set()

    def one_more(self) -> bool:
        """Count an answer; says whether to ask again."""
        self.answered += 1
        if self.stopping or self.answered >= self._limit:
            self._asking -= 1
            if not self._asking:
                self._quiet.set()
            return False
        return True

    def _stop(self) -> None:
        self.stopping = True


class _Asking(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._rest = b""
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        self._waiting = True
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        try:
            done = small.complete(data)
        except (small.WrongAnswerError, ValueError) as error:
            self._load.failed(str(error))
            return
        if not done:
            self._rest = data
            return
        self._rest = b""
        if self._load.one_more():
            self.transport.write(self._load.request)
        else:
            self._waiting = False

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting:
            self._load.failed("a connection ended before its answer")


async def answers(port: int, request: bytes) -> bool:
    """Does whatever listens at `port` already proxy as it should?"""
    load = Load(request)
    try:
        await load.open(port, 1)
        await load.run(0)
    except OSError:
        return False
    finally:
        load.close()
    return not load.fault


async def measure(
    proxy: str, turn: int, port: int, pid: int, core: Core, upstream: Upstream, request: bytes, seconds: float
) -> Round:
    """One round: connections opened and used once, then the clock. Everything asked for is answered before it stops."""
    loop = asyncio.get_running_loop()
    load = Load(request)
    try:
        await load.open(port, small.CONNECTIONS)
        await load.run(0)
        served, began, cpu, busy = upstream.served, loop.time(), cpu_seconds(pid), core.busy_seconds()
        if not load.fault:
            await load.run(seconds)
        took, used = loop.time() - began, cpu_seconds(pid) - cpu
        others = max(0.0, core.busy_seconds() - busy - used) / took
        if not load.fault and upstream.served - served != load.answered:
            load.fault = f"{load.answered} answers for {upstream.served - served} requests at the upstream"
        return Round(proxy, turn, load.answered, took, used, others, load.fault)
    except OSError as error:
        return Round(proxy, turn, 0, 0.0, 0.0, 0.0, f"no connection or no process: {error}")
    finally:
        load.close()
