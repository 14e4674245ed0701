"""Two api replicas, one of which reads the container: killed, or frozen and woken, it costs nobody a line."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs import Figure
from proofs.loglab import fanout, takeover
from proofs.loglab.takeover import BOUND_SECONDS, Taken


@dataclass(frozen=True, slots=True)
class Plan:
    """The readers' load, and how many replicas are killed, frozen past their lease, and robbed of it while frozen."""

    load: fanout.Load
    kills: int
    freezes: int
    robberies: int


FULL: Final = Plan(fanout.Load(readers=100, rate=50.0, seconds=20.0), kills=3, freezes=1, robberies=1)
QUICK: Final = Plan(fanout.Load(readers=50, rate=50.0, seconds=11.0), kills=1, freezes=0, robberies=1)


async def _measured(directory: Path, plan: Plan) -> list[Taken]:
    found = []
    async with fanout.bench(directory) as made:
        kinds = ["killed"] * plan.kills + ["frozen"] * plan.freezes + ["robbed"] * plan.robberies
        for kind in kinds:
            await made.fresh()
            made.redis.command("FLUSHALL")
            where = (made.lab, made.node, made.workspace, plan.load)
            redis = made.redis if kind == "robbed" else None
            found.append(await (takeover.killed(*where) if kind == "killed" else takeover.frozen(*where, redis)))
            print(f"  {kind}: {found[-1]}", flush=True)
    return found


def judged(found: list[Taken], plan: Plan) -> Figure:
    faults = "; ".join(taken.faults for taken in found if taken.faults)
    slowest = max(taken.seconds for taken in found)
    oldest = max(taken.observed.measured.most / 1000 for taken in found)
    rate = min(taken.observed.rate for taken in found)
    text = (
        f"{plan.kills} kill(s) and {plan.freezes + plan.robberies} freeze(s) of the replica that reads: the other took "
        f"over within {slowest:.1f} s, the oldest line was {oldest:.1f} s old (≤ {BOUND_SECONDS:g}); its "
        f"{plan.load.readers} readers at {rate:.1f} of {plan.load.rate:g} lines/s: "
        f"{faults or 'every line once and in order'}"
    )
    return Figure(text, max(slowest, oldest) <= BOUND_SECONDS and not faults)


def prove(*, quick: bool = False) -> Figure:
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as directory:
        return judged(asyncio.run(_measured(Path(directory), plan)), plan)
