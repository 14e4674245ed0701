"""Every crash plan ends as its reference did; settled workspaces cost no write: over time, at a look, at a restart."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from crash.__main__ import quiet, run
from crash.plans import Result
from crash.settled import Cost, cost
from guildnet.kube.client import connect
from proofs import Figure
from support.apiserver import ApiServer
from support.shared import shared_apiserver

LEAST = 60
SETTLED, SECONDS = 50, 120.0
RESTARTED = 200


async def _prove(server: ApiServer, directory: Path) -> tuple[list[Result], Cost, Cost]:
    results = await run(server, [], directory, everything=False)
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        still = await cost(server, kube, directory, workspaces=SETTLED, seconds=SECONDS)
        print(f"  {still}", flush=True)
        many = await cost(server, kube, directory, workspaces=RESTARTED, seconds=1.0)
        print(f"  {many}", flush=True)
    return results, still, many


def prove() -> Figure:
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        results, still, many = asyncio.run(_prove(server, Path(directory)))
    bad = sum(bool(result.problems) for result in results)
    text = (
        f"{len(results)} plans (≥ {LEAST}), {len(results) - bad} ended as their reference; writes of {SETTLED} settled "
        f"workspaces in {still.seconds:.0f} s: {still.passing}, at a resync: {still.resync + many.resync}, "
        f"at a restart with {RESTARTED}: {many.restart}"
    )
    return Figure(text, not bad and len(results) >= LEAST and still.nothing and many.nothing)
