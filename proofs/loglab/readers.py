"""Readers of an event stream by the thousand, in a process of their own: `python -m proofs.loglab.readers`.

Told who to read by one JSON line on standard input, it connects and says `connected`. Every further line is an order,
an object with its name as `do`, that is answered with one line:

- `measure` the lines `first` to `last`: a `Measured`, when every reader has the last, or after `within` seconds;
- `stall`: the readers that are to stall take nothing any more, one after the other, the last `over` seconds from now.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

import uvloop

from proofs.loglab.sequence import Counts, Sequence
from support.waiting import eventually

AT_ONCE = 50
"""Connections opened at the same time."""


@dataclass
class Task:
    """Who to read from, with which headers in turn, how often, and how many more there are that take nothing once they
    were told to."""

    port: int
    target: str
    headers: list[dict[str, str]]
    readers: int
    stalled: int = 0


@dataclass
class Measured:
    """What `readers` were sent of so many `lines`, in `seconds`; ages in milliseconds.

    `lost`, `again` (repeated or out of order), `gaps` that were told and connections `closed` count from the first line
    that a reader got, before the measured ones too. Readers that stall count nowhere.
    """

    lines: int = 0
    seconds: float = 0.0
    readers: int = 0
    deliveries: int = 0
    lost: int = 0
    again: int = 0
    gaps: int = 0
    closed: int = 0
    p50: float = 0.0
    p99: float = 0.0
    most: float = 0.0

    @property
    def missing(self) -> int:
        """Deliveries short of every line to every reader; below 0 where there were more."""
        return self.readers * self.lines - self.deliveries

    @property
    def faults(self) -> str:
        """What is wrong, "" where every reader was sent every line once and in order."""
        counts = {
            "missing": self.missing, "lost": self.lost, "again": self.again, "as gaps": self.gaps, "cut": self.closed,
        }  # fmt: skip
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


class Reader(asyncio.Protocol):
    """One reader."""

    __slots__ = ("_counts", "_head", "_request", "_sequence", "_transport", "connected")

    def __init__(self, request: bytes, counts: Counts) -> None:
        self._request = request
        self._counts = counts
        self._sequence = Sequence(counts)
        self._head = b""
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]  # of TCP, which typeshed does not say

    def connection_lost(self, exc: BaseException | None) -> None:
        self._counts.closed += 1
        if not self.connected.done():
            self.connected.set_exception(ConnectionError(f"closed after {self._head!r}"))

    def stall(self) -> None:
        """Take nothing from now on."""
        self._transport.pause_reading()  # type: ignore[attr-defined]  # of TCP, which typeshed does not say

    def data_received(self, data: bytes) -> None:
        if not self.connected.done():
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                self.connected.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            if not (end and body):
                return
            data, self._head = body, b""
            self.connected.set_result(None)
        self._sequence.take(data, time.time_ns())


class Crowd:
    """All readers of this process."""

    def __init__(self, task: Task) -> None:
        self.counts = Counts()
        self._stalling_counts = Counts()
        self._stalling: list[Reader] = []
        self._task = task
        self._places = asyncio.Semaphore(AT_ONCE)
        self._requests = cycle([_request(task.target, headers) for headers in task.headers])

    async def connect(self) -> None:
        readers = [self._connected(self.counts) for _ in range(self._task.readers)]
        stalling = [self._connected(self._stalling_counts, narrow=True) for _ in range(self._task.stalled)]
        made = await asyncio.gather(*readers, *stalling)
        self._stalling = made[len(readers) :]

    async def _connected(self, counts: Counts, *, narrow: bool = False) -> Reader:
        async with self._places:
            made = Reader(next(self._requests), counts)
            where: dict[str, Any] = {"host": "127.0.0.1", "port": self._task.port}
            if narrow:
                where = {"sock": _narrow(self._task.port)}
            await asyncio.get_running_loop().create_connection(lambda: made, **where)
            async with asyncio.timeout(60):
                await made.connected
            return made

    async def stall(self, over: float) -> None:
        for reader in self._stalling:
            reader.stall()
            await asyncio.sleep(over / len(self._stalling))

    async def measure(self, first: int, last: int, within: float) -> Measured:
        counts, began = self.counts, time.monotonic()
        counts.measure(first, last)
        with suppress(AssertionError):
            await eventually(lambda: counts.complete >= self._task.readers, within=within, every=0.01)
        return Measured(
            last - first + 1, round(time.monotonic() - began, 3), self._task.readers, counts.deliveries, counts.lost,
            counts.again, counts.gaps, counts.closed, counts.age(0.5), counts.age(0.99), counts.age(1.0),
        )  # fmt: skip


async def main() -> None:
    crowd = Crowd(Task(**json.loads(sys.stdin.readline())))
    await crowd.connect()
    print("connected", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        if order.pop("do") == "measure":
            print(json.dumps(asdict(await crowd.measure(**order))), flush=True)
        else:
            await crowd.stall(**order)
            print("stalled", flush=True)


def _request(target: str, headers: dict[str, str]) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {target} HTTP/1.1\r\nHost: lab.localhost\r\nAccept: text/event-stream\r\n{head}\r\n".encode()


def _narrow(port: int) -> socket.socket:
    """A connection into which little fits before its reader has to take something."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
