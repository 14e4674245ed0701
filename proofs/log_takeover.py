"""Two api replicas, one of which reads the container: it is killed, the other takes over, its readers miss nothing."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from proofs import Figure
from proofs.loglab import fanout
from proofs.loglab.crowd import crowd
from proofs.loglab.readers import Measured, Task

READERS, RATE, SECONDS, ROUNDS = 100, 50.0, 20.0, 3
BOUND_SECONDS = 10.0
FOLLOWS = 'guildnet_api_log_follows_total{how="lease"}'


async def _round(made: fanout.Bench, number: int) -> tuple[float, Measured]:
    """Seconds from the kill to the other's follow, and what its readers saw of it."""
    await made.fresh()
    holder = await made.lab.start(f"holder-{number}")
    other = await made.lab.start(f"other-{number}")
    try:
        target = holder.target(made.workspace, "&tail=0")
        few = Task(holder.port, target, holder.headers(), 10)
        async with fanout.writing(RATE, made.write), crowd(few):
            assert await holder.metric(FOLLOWS) == 1
            many = Task(other.port, target, other.headers(), READERS)
            async with crowd(many) as readers:
                assert await other.metric(FOLLOWS) == 0, "the wrong replica reads: nothing would be proved"
                measuring = asyncio.create_task(readers.measure(SECONDS))
                await asyncio.sleep(3.0)
                holder.process.stop(kill=True)
                killed = time.monotonic()
                while await other.metric(FOLLOWS) == 0:
                    assert time.monotonic() - killed < SECONDS, "nobody took over"
                    await asyncio.sleep(0.05)
                return time.monotonic() - killed, await measuring
    finally:
        holder.process.stop(kill=True)
        other.process.stop(kill=True)


async def _measured(directory: Path) -> list[tuple[float, Measured]]:
    found = []
    async with fanout.bench(directory) as made:
        for number in range(ROUNDS):
            seconds, seen = await _round(made, number)
            print(
                f"  took over after {seconds:.1f} s; {seen.deliveries} lines to {seen.readers} readers, the oldest "
                f"{seen.most / 1000:.1f} s old, {seen.lost} lost, {seen.again} again, {seen.gaps} gaps, "
                f"{seen.closed} cut",
                flush=True,
            )
            found.append((seconds, seen))
    return found


def prove() -> Figure:
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(_measured(Path(directory)))
    slowest = max(max(seconds, seen.most / 1000) for seconds, seen in found)
    wrong = sum(seen.lost + seen.again + seen.gaps + seen.closed for _, seen in found)
    complete = all(seen.deliveries >= 0.95 * READERS * RATE * SECONDS for _, seen in found)
    text = (
        f"{ROUNDS} kills of the replica that reads: the other took over within {slowest:.1f} s (≤ {BOUND_SECONDS:g}); "
        f"its {READERS} readers saw {wrong} lines lost, again, as gaps or streams cut (0)"
    )
    return Figure(text, slowest <= BOUND_SECONDS and not wrong and complete)
