"""Readers that take nothing: what they do to the others, and what a reader costs in memory."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path

from proofs import Figure
from proofs.loglab import fanout, peers
from proofs.loglab.crowd import crowd
from proofs.loglab.readers import Task
from support.process import resident_bytes

LOAD = fanout.Load(readers=200, rate=1000.0, seconds=8.0)
STALLED, ROUNDS, TIMES = 20, 3, 1.2
FEW, MORE, BYTES = 500, 1500, 8 * 1024
SLOW_SECONDS = "2"
"""How long a reader may take nothing; the usual 15 would outlast the measurement."""


async def _growth(pid: int, task: Task, core: int) -> float:
    """Bytes a connection costs: the growth from FEW to FEW + MORE of them."""
    few = Task(task.port, task.target, task.headers, FEW)
    more = Task(task.port, task.target, task.headers, MORE)
    async with crowd(few, core=core):
        await asyncio.sleep(fanout.SETTLE)
        before = resident_bytes(pid)
        async with crowd(more, core=core):
            await asyncio.sleep(fanout.SETTLE)
            growth: float = (resident_bytes(pid) - before) / MORE
            return growth


async def _memory(made: fanout.Bench, directory: Path) -> tuple[float, float]:
    async with fanout.one_api(made) as api, fanout.writing(20.0, made.write):
        task = Task(api.port, api.target(made.workspace, "&tail=0"), api.headers(), 0)
        reader = await _growth(api.process.pid, task, made.other_core)
    async with peers.bare(directory, made.server_core) as held:
        bare = await _growth(held.pid, Task(held.port, "/", {}, 0), made.other_core)
    return reader, bare


async def _measured(directory: Path) -> tuple[list[float], list[float], tuple[float, float]]:
    alone: list[float] = []
    beside: list[float] = []
    async with fanout.bench(directory) as made:
        for _ in range(ROUNDS):
            for found, stalled in ((alone, 0), (beside, STALLED)):
                cost = await fanout.cost_of_ours(made, LOAD, stalled=stalled, SLOW_VIEWER_SECONDS=SLOW_SECONDS)
                assert not cost.measured.lost + cost.measured.again, cost.measured
                found.append(cost.measured.p99)
                print(f"  {stalled:>2} stalled: {cost}", flush=True)
        return alone, beside, await _memory(made, directory)


def prove() -> Figure:
    with tempfile.TemporaryDirectory() as directory:
        alone, beside, (reader, bare) = asyncio.run(_measured(Path(directory)))
    print(f"  memory: a reader {reader / 1024:.1f} KiB, a bare connection {bare / 1024:.1f} KiB", flush=True)
    times = statistics.median(beside) / statistics.median(alone)
    beyond = reader - bare
    text = (
        f"p99 of {LOAD.readers} readers at {LOAD.rate:g} lines/s {statistics.median(alone):.0f} ms alone, "
        f"{statistics.median(beside):.0f} ms beside {STALLED} stalled = {times:.2f} times (≤ {TIMES:g}); "
        f"memory of a reader beyond its connection {beyond / 1024:.1f} KiB (≤ {BYTES / 1024:g})"
    )
    return Figure(text, times <= TIMES and beyond <= BYTES)
