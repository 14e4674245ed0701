"""2,000 readers of one workspace on one api process: one kubelet stream, young lines, cheap deliveries."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs import Figure, debian
from proofs.loglab import fanout, peers


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is loaded with what, and how often."""

    load: fanout.Load
    rounds: int


FULL: Final = Plan(fanout.Load(readers=2000, rate=50.0, seconds=10.0), rounds=2)
QUICK: Final = Plan(fanout.Load(readers=500, rate=50.0, seconds=3.0), rounds=3)
P99_MS = 250.0
OF_NCHAN, OF_QUEUES = 1.0, 0.3


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured of each, and streams of the kubelet: those it served, and those of the audit log."""

    costs: dict[str, list[fanout.Cost]]
    served: int
    audited: int


async def _measured(directory: Path, plan: Plan) -> Found:
    costs: dict[str, list[fanout.Cost]] = {"guildnet": [], "nchan": [], "queues": []}

    def told(name: str, cost: fanout.Cost) -> None:
        costs[name].append(cost)
        print(f"  {name:<9}{cost}", flush=True)

    async with fanout.bench(directory) as made:
        for number in range(plan.rounds):
            room = directory / f"round-{number}"
            room.mkdir()
            told("guildnet", await fanout.cost_of_ours(made, plan.load))
            async with peers.nchan(room, made.server_core) as peer:
                told("nchan", await fanout.cost_of_peer(made, peer, plan.load))
            async with peers.queues(room, made.server_core) as peer:
                told("queues", await fanout.cost_of_peer(made, peer, plan.load))
        return Found(costs, made.node.follows, made.follows())


def _micros(costs: list[fanout.Cost]) -> float:
    """CPU microseconds of a delivery, the median of the rounds: single ones were half as dear again, ours (5.2 to 7.9)
    and nchan's (5.9 to 9.4)."""
    return statistics.median(cost.micros for cost in costs)


def judged(found: Found, plan: Plan) -> Figure:
    """The figure; peers are whole, or there is none."""
    load = plan.load
    ours, nchan, queues = (_micros(found.costs[name]) for name in ("guildnet", "nchan", "queues"))
    seen = [cost.observed for cost in found.costs["guildnet"]]
    p99 = max(each.measured.p99 for each in seen)
    wrong = "; ".join(each.faults for each in seen if each.faults)
    text = (
        f"{load.readers} readers at {min(each.rate for each in seen):.1f} of {load.rate:g} lines/s: "
        f"{found.audited / plan.rounds:g} kubelet stream(s) a run, p99 {p99:.0f} ms (≤ {P99_MS:g}), "
        f"{ours:.2f} µs CPU a delivery = {ours / nchan:.2f} of nchan's {nchan:.2f} (≤ {OF_NCHAN:g}), "
        f"{ours / queues:.2f} of queues' {queues:.2f} (≤ {OF_QUEUES:g}); "
        f"{wrong or f'all {sum(each.measured.deliveries for each in seen):,} deliveries whole'}"
    )
    met = (
        found.audited == found.served == plan.rounds
        and p99 <= P99_MS
        and ours <= OF_NCHAN * nchan
        and ours <= OF_QUEUES * queues
        and not wrong
    )
    return Figure(text, met)


def prove(*, quick: bool = False) -> Figure:
    plan = QUICK if quick else FULL
    debian.install("nchan")
    with tempfile.TemporaryDirectory() as directory:
        try:
            found = asyncio.run(_measured(Path(directory), plan))
        except fanout.VoidError as void:
            return Figure(f"nothing to compare with: {void}", met=False)
    return judged(found, plan)
