"""`python -m proofs.crash [--all] [--only TEXT]`: run crash plans and say what became of each scenario's."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

import structlog

from guildnet_operator.watch import kopf_source
from proofs.crash import plans, running
from proofs.crash.places import Places
from proofs.crash.running import Bench, Result
from proofs.crash.scenarios import SCENARIOS
from support.apiserver import ApiServer
from support.shared import shared_apiserver

MAX_TOLD = 20
"""Plans that failed, told once more at the end: all that each says of itself is in the lines above."""


async def run(server: ApiServer, directory: Path, *, everything: bool, only: str = "") -> list[Result]:
    """Reference runs, then the plans whose description holds `only`; prints as it goes."""
    began = time.monotonic()
    async with running.bench(server, directory) as bench:
        found = await _references(bench, only)
        all_plans = [plan for item in found for plan in plans.every(item)]
        chosen = all_plans if everything else plans.selected(found)
        chosen = [plan for plan in chosen if only in str(plan)]
        print(f"  {len(chosen)} of {len(all_plans)} plans; the reference runs took {_since(began)}", flush=True)
        results = await running.run_all(bench, chosen, {item.scenario: item for item in found})
    for item in found:
        _tell(item, [result for result in results if result.plan.scenario == item.scenario])
    starts = sum(result.starts for result in results)
    print(f"  {len(results)} plans, {starts} operator processes, {_since(began)} in all", flush=True)
    return results


async def _references(bench: Bench, only: str) -> list[plans.Reference]:
    scenario, colon, _ = only.partition(":")
    names = [name for name in SCENARIOS if not colon or name == scenario]
    places = Places(running.AT_ONCE)

    async def one(name: str) -> plans.Reference:
        async with places.place():
            return await running.reference(bench, name)

    return list(await asyncio.gather(*(one(name) for name in names)))


def _tell(found: plans.Reference, results: list[Result]) -> None:
    good = sum(not result.problems for result in results)
    unmet = sum(not result.met for result in results)
    slowest = max((result.seconds for result in results), default=0.0)
    print(
        f"  {found.scenario}: {len(found.certain)} writes, {len(results)} plans, {good} ended as the reference, "
        f"{f'{unmet} without their fault, ' if unmet else ''}slowest {slowest:.1f} s",
        flush=True,
    )


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every write with every kind of fault")
    parser.add_argument("--only", default="", help="plans whose description holds this; `SCENARIO: …` for one scenario")
    chosen = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        results = asyncio.run(run(server, Path(directory), everything=chosen.all, only=chosen.only))
    bad = [result for result in results if result.problems]
    for result in bad[:MAX_TOLD]:
        print(f"  NOT {result.plan}: {result.problems[0]}")
    print(f"{len(results)} plans, {len(results) - len(bad)} ended as their reference")
    return 1 if bad else 0


def quiet() -> None:
    """Faults make an operator in this process say a lot, all of it expected."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    kopf_source.quieten()


if __name__ == "__main__":
    sys.exit(main())
