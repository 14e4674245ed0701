"""Readers of an event stream by the thousand, in a process of their own: `python -m loglab.readers`.

Told what to do by one JSON line on standard input, it connects, says `connected`, and for every further line, which is
a number of seconds, measures that long and answers with a JSON line. Lines are `n=COUNT t=UNIX_NANOSECONDS` somewhere
in the data. Every reader counts them; one in `SAMPLE` also keeps their order and their age.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

SAMPLE = 20
MARK = b'"n='
_LINE = re.compile(rb"n=(\d+) t=(\d+)")
AT_ONCE = 50
"""Connections opened at the same time."""


@dataclass
class Task:
    """Who to read from, how often, and how many of them take nothing at all after the first bytes."""

    port: int
    target: str
    headers: dict[str, str]
    readers: int
    stalled: int = 0


@dataclass
class Measured:
    """What `readers` took in `seconds`: lines; of the sampled ones those lost or repeated, gaps told, ages in ms."""

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
    ages: int = 0


@dataclass
class Counts:
    """What all readers of this process count together."""

    measuring: bool = False
    deliveries: int = 0
    lost: int = 0
    again: int = 0
    gaps: int = 0
    closed: int = 0
    ages: list[int] = field(default_factory=list)

    def reset(self) -> None:
        self.deliveries = self.lost = self.again = self.gaps = 0
        self.ages.clear()


class Reader(asyncio.Protocol):
    """One reader."""

    __slots__ = ("_counts", "_first", "_last", "_request", "_sampled", "_stalls", "_tail", "_transport", "connected")

    def __init__(self, request: bytes, counts: Counts, *, sampled: bool, stalls: bool) -> None:
        self._request = request
        self._counts = counts
        self._sampled = sampled
        self._stalls = stalls
        self._tail = b""
        self._last = -1
        self._first = b""
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def connection_lost(self, exc: BaseException | None) -> None:
        self._counts.closed += 1
        if not self.connected.done():
            self.connected.set_exception(ConnectionError(f"closed after {self._first!r}"))

    def data_received(self, data: bytes) -> None:
        if not self.connected.done():
            self._first += data[:4096]
            head, end, body = self._first.partition(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                self.connected.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            if end and body:
                self._first = b""
                self.connected.set_result(None)
                if self._stalls:
                    self._transport.pause_reading()  # type: ignore[attr-defined]
        if self._sampled:
            self._look(data)
        elif self._counts.measuring:
            # A mark can be cut in two by the end of a piece.
            self._counts.deliveries += (self._tail + data).count(MARK)
            self._tail = data[-len(MARK) + 1 :]

    def _look(self, data: bytes) -> None:
        now, counts = time.time_ns(), self._counts
        data = self._tail + data
        end = data.rfind(b"\n")
        data, self._tail = data[: end + 1], data[end + 1 :]
        counts.gaps += data.count(b"event: gap")
        for number, written in _LINE.findall(data):
            n = int(number)
            if self._last >= 0 and n != self._last + 1:
                counts.lost += max(0, n - self._last - 1)
                counts.again += n <= self._last
            self._last = max(n, self._last)
            if counts.measuring:
                counts.deliveries += 1
                counts.ages.append(now - int(written))


async def main() -> None:
    loop = asyncio.get_running_loop()
    task = Task(**json.loads(sys.stdin.readline()))
    counts = Counts()
    places = asyncio.Semaphore(AT_ONCE)
    head = "".join(f"{name}: {value}\r\n" for name, value in task.headers.items())
    request = (f"GET {task.target} HTTP/1.1\r\nHost: lab.localhost\r\nAccept: text/event-stream\r\n{head}\r\n").encode()

    async def connect(number: int) -> Any:
        async with places:
            stalls = number < task.stalled
            sampled = not stalls and number % SAMPLE == 0
            made = Reader(request, counts, sampled=sampled, stalls=stalls)
            if stalls:
                await loop.create_connection(lambda: made, sock=_narrow(task.port))
            else:
                await loop.create_connection(lambda: made, "127.0.0.1", task.port)
            async with asyncio.timeout(60):
                await made.connected
            return made

    held = await asyncio.gather(*(connect(number) for number in range(task.readers + task.stalled)))
    print("connected", flush=True)
    while seconds := (await asyncio.to_thread(sys.stdin.readline)).strip():
        counts.reset()
        counts.measuring = True
        began = time.monotonic()
        await asyncio.sleep(float(seconds))
        counts.measuring = False
        print(json.dumps(asdict(_measured(counts, time.monotonic() - began, task.readers))), flush=True)
    del held


def _narrow(port: int) -> socket.socket:
    """A connection into which little fits before its reader has to take something."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


def _measured(counts: Counts, seconds: float, readers: int) -> Measured:
    ages = sorted(counts.ages)

    def at(share: float) -> float:
        return round(ages[min(len(ages) - 1, int(len(ages) * share))] / 1e6, 2) if ages else 0.0

    return Measured(
        round(seconds, 3), readers, counts.deliveries, counts.lost, counts.again, counts.gaps, counts.closed,
        at(0.5), at(0.99), at(1.0), len(ages),
    )  # fmt: skip


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
