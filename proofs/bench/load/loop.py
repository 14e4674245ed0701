"""Connections to one proxy that ask again and again, and the round in which that is measured."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Final, cast

from proofs.bench import accounting
from proofs.bench.accounting import Core, cpu_seconds
from proofs.bench.bodies import WrongAnswerError
from proofs.bench.results import Round
from proofs.bench.upstream import Upstream

LIMIT: Final = 500_000
"""Operations of a round, whatever its time."""
GRACE: Final = 5.0
"""Seconds in which a connection has to open, and the last answers of a round have to come."""


class Client(asyncio.BaseProtocol):
    """One connection. `ask` starts an operation, which ends in `done` or in a fault of the load."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        self.waiting = True
        self.send()

    @abstractmethod
    def send(self) -> None:
        """Ask for one operation."""

    def taken(self, data: bytes) -> None:
        """What came. An answer that is not as it should be ends the round."""
        try:
            self.judged(data)
        except (WrongAnswerError, ValueError) as error:
            self.load.failed(str(error))

    @abstractmethod
    def judged(self, data: bytes) -> None:
        """Calls `done` when the operation is complete. Raises WrongAnswerError or ValueError."""

    def done(self) -> None:
        if self.load.one_more():
            self.send()
        else:
            self.waiting = False

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting:
            self.load.failed("a connection ended before its answer")


class StreamClient(Client, asyncio.Protocol):
    """One that is given bytes."""

    def data_received(self, data: bytes) -> None:
        self.taken(data)


class Load:
    """Connections to one proxy. `fault` is the first thing that went wrong; nothing is asked after it."""

    def __init__(self, make: Callable[[Load], Client]) -> None:
        self.answered = 0
        self.stopping = True
        self.fault = ""
        self.clients: list[Client] = []
        self.make = make
        self._limit = 0
        self._asking = 0
        self._quiet = asyncio.Event()

    async def open(self, port: int, connections: int) -> None:
        """Raises OSError or TimeoutError where the proxy does not listen."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(GRACE + connections / 200):
            for _ in range(connections):
                _, client = await loop.create_connection(lambda: self.make(self), "127.0.0.1", port)
                self.clients.append(client)

    async def run(self, seconds: float, limit: int = LIMIT) -> None:
        """Ask on every connection for `seconds`; for 0 just once on each that has not asked yet."""
        self.answered, self._limit = 0, limit
        self.stopping = not seconds
        asking = [client for client in self.clients if not client.waiting]
        self._asking = len(asking)
        self._quiet.clear()
        timer = asyncio.get_running_loop().call_later(seconds, self._stop)
        for client in asking:
            client.ask()
        try:
            async with asyncio.timeout(seconds + GRACE):
                await self._quiet.wait()
        except TimeoutError:
            self.failed("an answer did not come")
        finally:
            timer.cancel()

    def close(self) -> None:
        for client in self.clients:
            client.waiting = False
            client.transport.abort()
        self.clients.clear()

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


async def answers(port: int, make: Callable[[Load], Client]) -> str:
    """What is wrong with the one operation that is asked of whatever listens at `port`; nothing is the empty text."""
    load = Load(make)
    try:
        await load.open(port, 1)
        await load.run(0)
    except OSError as error:
        return f"no connection: {error}"
    finally:
        load.close()
    return load.fault


async def warmed(port: int, make: Callable[[Load], Client], seconds: float, limit: int) -> None:
    """A round that nobody looks at: compilers and caches of what listens at `port` have seen work."""
    load = Load(make)
    try:
        await load.open(port, 8)
        await load.run(seconds, limit)
    except OSError:
        return  # said by the rounds
    finally:
        load.close()


async def measure(
    load: Load, connections: int, port: int, pid: int, core: Core, upstream: Upstream, seconds: float
) -> Round:
    """One round: connections opened and used once, then the clock. Everything asked for is answered before it stops."""
    loop = asyncio.get_running_loop()
    try:
        await load.open(port, connections)
        await load.run(0)
        served, began, cpu, busy = upstream.served, loop.time(), cpu_seconds(pid), core.busy_seconds()
        if not load.fault:
            await load.run(seconds)
        took, used = loop.time() - began, cpu_seconds(pid) - cpu
        others = max(0.0, core.busy_seconds() - busy - used) / took
        if not load.fault and upstream.served - served != load.answered:
            load.fault = f"{load.answered} answers for {upstream.served - served} operations at the upstream"
        if not load.fault and used < accounting.shortest_sample():
            load.fault = f"{used * 1e3:.1f} ms of CPU are too few ticks of the clock"
        return Round(load.answered, took, used, others, load.fault)
    except OSError as error:
        return Round(0, 0.0, 0.0, 0.0, f"no connection or no process: {error}")
    finally:
        load.close()
