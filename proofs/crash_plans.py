"""Every crash plan ends as its reference did; settled workspaces cost no write: over time, at a look, at a restart.

Meanwhile three outages are played at full length: five minutes of 503, which is far beyond kopf's own patience (54 s),
watches that say nothing, and watches that never speak again.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guildnet.kube.client import Client, connect
from proofs import Figure
from proofs.crash import outages
from proofs.crash.__main__ import quiet, run
from proofs.crash.running import Result
from proofs.crash.settled import Cost, cost
from proofs.crash.stage import stage
from support.apiserver import ApiServer
from support.shared import shared_apiserver


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played: plans of which scenario (all where it is empty), workspaces, and seconds of each outage."""

    only: str
    least: int
    settled: int
    seconds: float
    restarted: int
    outages: Mapping[str, float]


FULL = Size("", 60, 50, 120.0, 200, {"503": 300.0, "silent watch": 100.0, "deaf watch": 100.0})
QUICK = Size("create:", 5, 5, 10.0, 10, {"503": 20.0})


async def _outage(server: ApiServer, kube: Client, directory: Path, kind: str, seconds: float) -> outages.Cost:
    async with stage(server, kube, directory) as played:
        try:
            found = await outages.outage(played, kind, seconds)
        except AssertionError as error:
            print(f"  {kind}: {error}", flush=True)
            found = outages.Cost(math.inf, 0, math.inf)
    print(f"  {kind} for {seconds:.0f} s: {found}", flush=True)
    return found


@dataclass(frozen=True, slots=True)
class Settled:
    """What settled workspaces cost, a few over time and many at a restart; whether each outage was waited out."""

    still: Cost
    many: Cost
    waited_out: bool

    @property
    def met(self) -> bool:
        return self.still.nothing and self.many.nothing and self.waited_out


async def _prove(server: ApiServer, directory: Path, size: Size) -> tuple[list[Result], Settled | None]:
    """None where a plan did not end as it should: workspaces that do not settle cost what they like."""
    results = await run(server, directory, everything=False, only=size.only)
    if any(result.problems for result in results):
        return results, None
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        still, costs = await asyncio.gather(
            cost(server, kube, directory, workspaces=size.settled, seconds=size.seconds),
            asyncio.gather(*(_outage(server, kube, directory, *item) for item in size.outages.items())),
        )
        print(f"  {still}", flush=True)
        many = await cost(server, kube, directory, workspaces=size.restarted, seconds=1.0)
        print(f"  {many}", flush=True)
    return results, Settled(still, many, all(item.met for item in costs))


def prove(*, quick: bool = False) -> Figure:
    """The short form plays one scenario and one short outage."""
    size = QUICK if quick else FULL
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        results, settled = asyncio.run(_prove(server, Path(directory), size))
    faults = sum(result.plan.fault is not None and result.met for result in results)
    print(f"  {faults} plans with a fault, {len(results) - faults} without, which have to end the same way", flush=True)
    if settled is None:
        bad = sum(bool(result.problems) for result in results)
        return Figure(f"{bad} of {len(results)} plans did not end as they should; nothing else was asked", met=False)
    text = (
        f"{faults} plans, all converged, creates/deletes as in the reference; "
        f"settled {size.settled}×{settled.still.seconds:.0f} s: {settled.still.passing} writes; "
        f"resync: {settled.still.resync + settled.many.resync}; restart of {size.restarted}: {settled.many.restart}; "
        f"Events {settled.still.events + settled.many.events}; "
        f"{', '.join(f'{kind} {seconds:.0f} s' for kind, seconds in size.outages.items())}: "
        f"{'waited out' if settled.waited_out else 'NOT waited out'}"
    )
    return Figure(text, faults >= size.least and settled.met)
