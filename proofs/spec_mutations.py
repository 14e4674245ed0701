"""Every leaf of a spec: wrong values refused by name, right ones shown in the children, and everything as before."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from guildnet.kube.client import connect
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.crash.stage import stage
from proofs.mutations.leaves import LEAVES, of_the_schema, of_the_table
from proofs.mutations.play import Outcome, classes, play
from support.apiserver import ApiServer
from support.shared import shared_apiserver

AT_ONCE = 3
"""More would take each other's time on two cores, and be done no sooner."""
LISTS = {"ingress_class_names": ("haproxy",), "cert_manager_issuers": ("one", "two")}
"""What a Workspace may ask for besides the install's own."""


async def _prove(server: ApiServer, directory: Path) -> list[Outcome]:
    places = asyncio.Semaphore(AT_ONCE)
    async with (
        connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube,
        stage(server, kube, directory, direct_exposure=True, **LISTS) as played,
    ):
        await classes(played)

        async def one(number: int) -> Outcome:
            async with places:
                return await play(played, LEAVES[number], f"m-{number}")

        return list(await asyncio.gather(*(one(number) for number in range(len(LEAVES)))))


def prove() -> Figure:
    quiet()
    missing, unknown = of_the_schema() - of_the_table(), of_the_table() - of_the_schema()
    for leaf in sorted(missing):
        print(f"  the schema has {leaf}, which nothing here changes")
    for leaf in sorted(unknown):
        print(f"  {leaf} is changed here, but the schema does not have it")
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        outcomes = asyncio.run(_prove(server, Path(directory)))
    for outcome in outcomes:
        complaints = dict.fromkeys(filter(None, (outcome.refused, outcome.shown, outcome.restored)))
        verdict = "; ".join(complaints) or "as promised"
        print(f"  {outcome.leaf.field:<48}{verdict}")
    placed = [outcome for outcome in outcomes if outcome.leaf.shows is not None]
    parts = (
        f"{len(of_the_schema())} leaves, {len(outcomes)} changes",
        f"{sum(not o.refused for o in outcomes)} wrong values refused with the field named",
        f"{sum(not o.shown for o in placed)} of {len(placed)} right ones shown in the children",
        f"{len(outcomes) - len(placed)} for people alone, which have no place there",
        f"{sum(not o.restored for o in outcomes)} ways back as promised",
    )
    return Figure(", ".join(parts), all(o.good for o in outcomes) and not missing and not unknown)
