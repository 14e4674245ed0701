"""`python -m crash [--all] [SCENARIO …]`: play plans and say what became of each."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from crash.plans import Reference, Result, all_plans, play, reference, selected
from crash.scenarios import SCENARIOS
from guildnet.kube.client import connect
from guildnet_operator import delivery
from support.apiserver import ApiServer
from support.shared import shared_apiserver


async def run(server: ApiServer, names: list[str], directory: Path, *, everything: bool) -> list[Result]:
    """The plans of the scenarios of these names, or of all; prints as they go."""
    results: list[Result] = []
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        for scenario in SCENARIOS:
            if names and scenario.name not in names:
                continue
            began = time.monotonic()
            found = await reference(server, kube, scenario, directory)
            plans = all_plans(found) if everything else selected(found)
            played = await play(server, kube, plans, directory)
            results += played
            _tell(found, played, time.monotonic() - began)
    return results


def _tell(found: Reference, played: Sequence[Result], seconds: float) -> None:
    bad = [result for result in played if result.problems]
    slowest = max((result.seconds for result in played), default=0)
    fired = sum(result.fired for result in played)
    print(
        f"  {found.scenario.name}: {found.writes} writes, {len(played)} plans ({fired} faults met), "
        f"{len(played) - len(bad)} ended as the reference, slowest {slowest:.1f} s, {seconds:.0f} s in all",
        flush=True,
    )
    for result in bad:
        print(f"    {result.plan}:\n      " + "\n      ".join(result.problems[:12]), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every write with every kind of fault")
    parser.add_argument("scenario", nargs="*", help=f"one of {', '.join(s.name for s in SCENARIOS)}")
    chosen = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        results = asyncio.run(run(server, chosen.scenario, Path(directory), everything=chosen.all))
    bad = sum(bool(result.problems) for result in results)
    print(f"{len(results)} plans, {len(results) - bad} ended as their reference")
    return 1 if bad else 0


def quiet() -> None:
    """Faults make the operator say a lot, all of it expected."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    delivery.quieten()


if __name__ == "__main__":
    sys.exit(main())
