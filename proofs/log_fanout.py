"""2,000 readers of one workspace on one api process: one kubelet stream, young lines, cheap deliveries."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from proofs import Figure
from proofs.loglab import fanout, peers

LOAD = fanout.Load(readers=2000, rate=50.0, seconds=10.0)
ROUNDS = 2
P99_MS = 250.0
OF_NCHAN, OF_QUEUES = 1.0, 0.3


async def _measured(directory: Path) -> tuple[dict[str, list[fanout.Cost]], int, int]:
    costs: dict[str, list[fanout.Cost]] = {"guildnet": [], "nchan": [], "queues": []}

    def told(name: str, cost: fanout.Cost) -> None:
        costs[name].append(cost)
        print(f"  {name:<9}{cost}", flush=True)

    async with fanout.bench(directory) as made:
        for number in range(ROUNDS):
            room = directory / f"round-{number}"
            room.mkdir()
            told("guildnet", await fanout.cost_of_ours(made, LOAD))
            async with peers.nchan(room, made.server_core) as peer:
                told("nchan", await fanout.cost_of_peer(made, peer, LOAD))
            async with peers.queues(room, made.server_core) as peer:
                told("queues", await fanout.cost_of_peer(made, peer, LOAD))
        return costs, made.node.follows, made.follows()


def _micros(costs: list[fanout.Cost]) -> float:
    return sum(cost.cpu for cost in costs) / max(1, sum(cost.measured.deliveries for cost in costs)) * 1e6


def prove() -> Figure:
    peers.install()
    with tempfile.TemporaryDirectory() as directory:
        costs, streams, audited = asyncio.run(_measured(Path(directory)))
    ours, nchan, queues = (_micros(costs[name]) for name in ("guildnet", "nchan", "queues"))
    p99 = max(cost.measured.p99 for cost in costs["guildnet"])
    wrong = sum(c.measured.lost + c.measured.again + c.measured.gaps + c.measured.closed for c in costs["guildnet"])
    text = (
        f"{LOAD.readers} readers at {LOAD.rate:g} lines/s: {audited / ROUNDS:g} kubelet stream(s) a run, "
        f"p99 {p99:.0f} ms (≤ {P99_MS:g}), {ours:.2f} µs CPU a delivery = "
        f"{ours / nchan:.2f} of nchan's {nchan:.2f} (≤ {OF_NCHAN:g}), "
        f"{ours / queues:.2f} of queues' {queues:.2f} (≤ {OF_QUEUES:g}); lost, repeated, cut: {wrong}"
    )
    met = (
        audited == streams == ROUNDS
        and p99 <= P99_MS
        and ours <= OF_NCHAN * nchan
        and ours <= OF_QUEUES * queues
        and not wrong
    )
    return Figure(text, met)
