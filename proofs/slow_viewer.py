"""Readers that take nothing: what they do to the others, and what a reader costs in memory."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from proofs import Figure
from proofs.loglab import fanout, memory, stalls
from proofs.loglab.writing import Observed


@dataclass(frozen=True, slots=True)
class Plan:
    """The healthy readers' load, how many stall beside them, how often, and the crowds whose memory is measured."""

    load: fanout.Load
    stalled: int
    rounds: int
    crowds: memory.Crowds | None


FULL: Final = Plan(fanout.Load(200, 1000.0, 8.0), stalled=20, rounds=3, crowds=memory.Crowds(500, 1500, 300))
QUICK: Final = Plan(fanout.Load(100, 1000.0, 3.0), stalled=20, rounds=1, crowds=None)
TIMES = 1.2
KIB = 1024
READER_BYTES, STALLING_BYTES = 8 * KIB, 64 * KIB


@dataclass(frozen=True, slots=True)
class Found:
    """The same load without stalled readers and beside them, round by round, and memory, where it was measured."""

    alone: list[Observed]
    beside: list[stalls.Beside]
    memory: memory.Memory | None

    @property
    def faults(self) -> str:
        return "; ".join(filter(None, [*(each.faults for each in self.alone), *(each.faults for each in self.beside)]))


async def _measured(directory: Path, plan: Plan) -> Found:
    found = Found([], [], None)
    async with fanout.bench(directory) as made:
        for _ in range(plan.rounds):
            alone, beside = await stalls.compared(made, plan.load, plan.stalled)
            print(f"  alone: {alone}\n  beside {beside}", flush=True)
            found.alone.append(alone)
            found.beside.append(beside)
        held = await memory.measured(made, directory, plan.crowds) if plan.crowds else None
        return replace(found, memory=held)


def _p99(found: Iterable[Observed]) -> float:
    return statistics.median(each.measured.p99 for each in found)


def judged(found: Found, plan: Plan) -> Figure:
    observed = [each.observed for each in found.beside]
    alone, beside, held = _p99(found.alone), _p99(observed), found.memory
    times = beside / max(alone, 0.1)
    rate = min(each.rate for each in (*found.alone, *observed))
    text = (
        f"p99 of {plan.load.readers} readers at {rate:.0f} of {plan.load.rate:g} lines/s {alone:.0f} ms alone, "
        f"{beside:.0f} ms beside {plan.stalled} stalled = {times:.2f} times (≤ {TIMES:g}); "
        f"{found.faults or 'every line once and in order'}"
    )
    met = times <= TIMES and not found.faults
    if held:
        beyond_server, beyond_socket = held.reader - held.server, held.reader - held.socket
        text += (
            f"; memory of a reader {held.reader / KIB:.1f} KiB: {beyond_server / KIB:.1f} beyond its connection's "
            f"server (≤ {READER_BYTES / KIB:g}), {beyond_socket / KIB:.1f} beyond a bare socket, "
            f"{held.stalling / KIB:.1f} more once it stalls (≤ {STALLING_BYTES / KIB:g})"
        )
        met = met and beyond_server <= READER_BYTES and held.stalling <= STALLING_BYTES
    return Figure(text, met)


def prove(*, quick: bool = False) -> Figure:
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as directory:
        return judged(asyncio.run(_measured(Path(directory), plan)), plan)
