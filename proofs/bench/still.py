"""Figures that are no CPU per operation: how late a streamed chunk comes, what an idle WebSocket holds in memory."""

from __future__ import annotations

import asyncio
import math
import resource
from collections.abc import Sequence
from typing import Final

from proofs.bench import scenarios
from proofs.bench.accounting import resident_bytes
from proofs.bench.load.clients import Streaming
from proofs.bench.load.loop import Load
from proofs.bench.peers.room import Running
from proofs.bench.results import Sample
from proofs.bench.scenarios import Ask
from proofs.bench.upstream import STREAM_SECONDS

DELAY: Final = "delay"
IDLE: Final = "idle"
STREAMS: Final = 20
ROUNDS: Final = 3
"""Rounds of streams in a turn."""
STEPS: Final = 5
"""In how many steps the idle WebSockets are opened; after each a sample is taken, as in a turn of other scenarios."""
FIRST: Final = 100
"""WebSockets before the first step, for what a proxy allocates once."""
_SETTLE: Final = 1.5
"""Longer than a proxy takes to give back what it used to open them."""
_FILES_BESIDE: Final = 1000


def percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def delay(proxy: str, turn: int, port: int, ask: Ask, seconds: float) -> Sample:
    """The 99th percentile in milliseconds, from the write at the upstream to the read of it behind the proxy."""
    records = round(seconds / STREAM_SECONDS)
    request = ask.request(f"/bulk/stream/{records}")
    delays: list[float] = []
    load = Load(lambda load: Streaming(load, request, records, delays))
    try:
        await load.open(port, STREAMS)
        await load.run(0)
    except OSError as error:
        load.failed(f"no connection: {error}")
    finally:
        load.close()
    if load.fault or not delays:
        return Sample(DELAY, proxy, turn, 0.0, fault=load.fault or "no record came")
    return Sample(DELAY, proxy, turn, percentile(delays, 0.99) * 1e3, len(delays) / seconds)


def affordable(wanted: int) -> int:
    """Of so many idle WebSockets, those for which this process may have files: each has two here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, (hard - _FILES_BESIDE) // 2)


async def idle(proxy: Running, ask: Ask, sockets: int) -> list[Sample]:
    """KiB that each WebSocket since the first step adds to the resident memory, once it is open and quiet.

    Of all steps so far: an allocator takes memory in pieces that are as large as what a step needs.
    """
    step = (affordable(sockets) - FIRST) // STEPS
    load = Load(scenarios.socket(ask))
    found = []
    try:
        await _opened(load, proxy.port, FIRST)
        before = resident_bytes(proxy.process.pid)
        for turn in range(STEPS):
            await _opened(load, proxy.port, step)
            gone = sum(client.transport.is_closing() for client in load.clients)
            fault = load.fault or (f"{gone} of {len(load.clients)} WebSockets were ended" if gone else "")
            grown = (resident_bytes(proxy.process.pid) - before) / (step * (turn + 1)) / 1024
            found.append(Sample(IDLE, proxy.name, turn, 0.0 if fault else max(grown, 0.0), fault=fault))
            if fault:
                break
    except OSError as error:
        found.append(Sample(IDLE, proxy.name, len(found), 0.0, fault=f"no connection: {error}"))
    finally:
        load.close()
    return found


async def _opened(load: Load, port: int, sockets: int) -> None:
    """So many more, in small groups; then a moment in which nothing happens."""
    for at in range(0, sockets, 50):
        group = Load(load.make)
        try:
            await group.open(port, min(50, sockets - at))
            await group.run(0)
        finally:
            load.clients.extend(group.clients)
        if group.fault:
            load.failed(group.fault)
            return
    await asyncio.sleep(_SETTLE)
