"""Plans: made from the reference of a scenario, played, judged."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crash.normal import State, differences, state
from crash.scenarios import PATIENCE, Scenario
from crash.stage import Stage, stage
from guildnet.kube.client import Client
from support.apiserver import ApiServer
from support.faultproxy import AT_WRITE, TO_WATCHES, Fault
from support.waiting import eventually

KINDS = (*AT_WRITE, *TO_WATCHES)
AT_ONCE = 6
"""Plans played at the same time: they wait for controllers most of the time."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a scenario leads to when nothing goes wrong."""

    scenario: Scenario
    writes: int
    state: State
    made: Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """One fault in one scenario."""

    reference: Reference
    fault: Fault

    def __str__(self) -> str:
        return f"{self.reference.scenario.name}: {self.fault}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a plan; no problems means that it ended as the reference did."""

    plan: Plan
    problems: Sequence[str]
    seconds: float
    fired: bool


async def reference(server: ApiServer, kube: Client, scenario: Scenario, directory: Path) -> Reference:
    """Play the scenario without a fault."""
    async with stage(server, kube, directory) as played:
        await scenario.before(played)
        await eventually(played.idle, within=PATIENCE)
        played.proxy.arm(None)
        before = len(played.proxy.seen.writes)
        await scenario.play(played)
        found = await _settled(played)
        return Reference(scenario, len(played.proxy.seen.writes) - before, found, played.proxy.seen.made)


def all_plans(found: Reference) -> list[Plan]:
    """Every write of the reference with every kind of fault."""
    return [Plan(found, Fault(kind, at)) for at in range(1, found.writes + 1) for kind in KINDS]


def selected(found: Reference, each: int = 2) -> list[Plan]:
    """For every write `each` kinds in turn, so that a scenario of a few writes meets every kind."""
    return [
        Plan(found, Fault(KINDS[(at * each + number) % len(KINDS)], at))
        for at in range(1, found.writes + 1)
        for number in range(each)
    ]


async def play(server: ApiServer, kube: Client, plans: Iterable[Plan], directory: Path) -> list[Result]:
    """All of them, some at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(plan: Plan) -> Result:
        async with places:
            return await _play(server, kube, plan, directory)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(plan)) for plan in plans]
    return [task.result() for task in tasks]


async def _play(server: ApiServer, kube: Client, plan: Plan, directory: Path) -> Result:
    began = time.monotonic()
    async with stage(server, kube, directory) as played:
        scenario, wanted = plan.reference.scenario, plan.reference
        problems: list[str] = []
        found: State = {}
        try:
            await scenario.before(played)
            await eventually(played.idle, within=PATIENCE)
            played.proxy.arm(plan.fault)
            await scenario.play(played)
            found = await _settled(played, wanted.state)
        except AssertionError as error:
            problems = [str(error)]
        found = found or await state(kube, played.world.namespace)
        problems += differences(wanted.state, found)
        if played.proxy.seen.made != wanted.made:
            problems.append(
                f"created and deleted: expected {_told(wanted.made)}, found {_told(played.proxy.seen.made)}"
            )
        return Result(plan, problems, time.monotonic() - began, played.proxy.fired)


async def _settled(played: Stage, wanted: State | None = None) -> State:
    """The state once it has stopped changing: at the wanted one, where one is wanted and reached in time."""
    last: State = {}

    async def same() -> bool:
        nonlocal last
        before, last = last, await state(played.world.kube, played.world.namespace)
        return played.idle() and before == last and wanted in (None, last)

    try:
        await eventually(same, within=PATIENCE, every=0.4)
    except AssertionError:
        if wanted is None:
            raise  # else the differences say it better
    return last


def _told(made: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{count}× {method} {resource}" for (method, resource), count in sorted(made.items())) or "nothing"
