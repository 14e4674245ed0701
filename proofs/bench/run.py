"""A run: every proxy started and checked, then turns in which each has one round of each scenario."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import uvloop

from proofs.bench import cluster, lists, still
from proofs.bench.accounting import Core
from proofs.bench.gates import OURS, STRAIGHT
from proofs.bench.load.loop import Load, answers, measure, warmed
from proofs.bench.peers import registry
from proofs.bench.peers.room import Room, Running
from proofs.bench.results import Sample
from proofs.bench.scenarios import MIXES, SCENARIOS, Ask, Scenario
from proofs.bench.upstream import Upstream
from support.waiting import eventually

WARM_SECONDS: Final = 2.5
"""Of work before the first turn, or so many requests: Node needs that until it has compiled."""
WARM_REQUESTS: Final = 10_000
WATCHED: Final = (OURS, "nginx")
"""Those of which the short form measures delay and idle memory."""
_MEMO: Final = re.compile(r'^guildnet_proxy_head_memo_total\{[^}]*result="(hit|miss)"[^}]*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Plan:
    """Turns of rounds of `seconds` each; no turn begins after `budget` seconds. `everybody`: all peers in all."""

    kind: str
    turns: int
    seconds: float
    budget: float
    sockets: int
    everybody: bool = False

    def proxies(self, scenario: Scenario) -> set[str]:
        if self.everybody and scenario.others:
            return {proxy.name for proxy in registry.PROXIES}
        return {OURS, *scenario.peers}

    @property
    def names(self) -> set[str]:
        return set().union(*(self.proxies(scenario) for scenario in SCENARIOS))


QUICK: Final = Plan("quick", 5, 0.6, 150.0, 1_100)
FULL: Final = Plan("full", 5, 2.0, 780.0, 5_100, everybody=True)


@dataclass
class Found:
    """What a run has seen so far. `hits` is by scenario the share of requests whose header block the memo knew."""

    versions: dict[str, str | None]
    samples: list[Sample] = field(default_factory=list)
    hits: dict[str, list[float]] = field(default_factory=dict)


class NotHereError(Exception):
    """Nothing can be measured on this machine, or a proxy does not run; the text says why."""


def run(plan: Plan) -> Found:
    """Raises NotHereError."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise NotHereError("two cores are needed: one for the proxy, one for load and upstream")
    found = Found(registry.versions(plan.names))
    os.sched_setaffinity(0, {cores[1]})
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(plan, cores[0], found))
    finally:
        os.sched_setaffinity(0, set(cores))
    return found


async def _run(plan: Plan, core: int, found: Found) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    names = [name for name, version in found.versions.items() if version is not None]
    async with _everything(core, names) as stage:
        for name in {*names} - {proxy.name for proxy in stage.running}:
            found.versions[name] = None
        await stage.check(plan, found)
        began = loop.time()
        for turn in range(plan.turns):
            if loop.time() - began > plan.budget:
                print(f"the time is up after {turn} of {plan.turns} turns", file=sys.stderr)
                break
            for scenario in SCENARIOS:
                for proxy in stage.of(plan.proxies(scenario)):
                    await stage.round(scenario, proxy, turn, plan.seconds, found)
            await stage.delays(plan, turn, found)
            print(f"turn {turn + 1} of {plan.turns}: {loop.time() - began:.0f} s", file=sys.stderr, flush=True)
        await stage.idle(plan, found)
    with tempfile.TemporaryDirectory(prefix="guildnet-bench-") as directory:
        found.versions[lists.OFFICIAL] = lists.official()
        found.samples += await lists.lists(Path(directory), Core(core), plan.turns, plan.seconds)


@dataclass
class _Stage:
    room: Room
    upstream: Upstream
    running: list[Running]
    core: Core
    broken: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, names: Iterable[str]) -> list[Running]:
        wanted = set(names)
        return [proxy for proxy in self.running if proxy.name in wanted]

    async def check(self, plan: Plan, found: Found) -> None:
        """Every answer once, hashed. What a proxy does not do as it should has no round; all others are warmed up."""
        for scenario in SCENARIOS:
            client = scenario.client(Ask(self.room, checked=True))
            for proxy in self.of(plan.proxies(scenario)):
                self.upstream.digest = ""
                fault = await answers(proxy.port, client)
                if not fault and scenario.upload and self.upstream.digest != scenario.upload:
                    fault = "another body arrived"
                if fault:
                    self.broken[scenario.name, proxy.name] = fault
                    print(f"{proxy.name} is not measured in {scenario.name}: {fault}", file=sys.stderr)
                    found.samples.append(Sample(scenario.name, proxy.name, 0, 0.0, fault=fault))
        self.upstream.checking = False
        for proxy in self.running:
            await warmed(proxy.port, SCENARIOS[0].client(Ask(self.room)), WARM_SECONDS, WARM_REQUESTS)

    async def round(self, scenario: Scenario, proxy: Running, turn: int, seconds: float, found: Found) -> None:
        if (scenario.name, proxy.name) in self.broken:
            return
        os.truncate(proxy.process.log, 0)
        counted = proxy.name == OURS and scenario.name in MIXES
        before = await self._memo() if counted else (0.0, 0.0)
        load = Load(scenario.client(Ask(self.room)))
        at = await measure(load, scenario.connections, proxy.port, proxy.process.pid, self.core, self.upstream, seconds)
        found.samples.append(Sample.of(scenario.name, proxy.name, turn, at, scenario.units))
        if at.fault:
            print(f"void: {scenario.name} of {proxy.name}: {at.fault}", file=sys.stderr)
        if counted:
            hits, all_of_it = (now - then for now, then in zip(await self._memo(), before, strict=True))
            if all_of_it:
                found.hits.setdefault(scenario.name, []).append(hits / all_of_it)

    async def delays(self, plan: Plan, turn: int, found: Found) -> None:
        """Several rounds in a turn: the machine's own work takes the core for some 3 ms about once a second.

        A round that it falls into is late whichever proxy is measured; the median of many is of rounds without.
        """
        ask = Ask(self.room)
        for number in range(turn * still.ROUNDS, (turn + 1) * still.ROUNDS):
            found.samples.append(await still.delay(STRAIGHT, number, self.upstream.port, ask, plan.seconds))
            for proxy in self.running if plan.everybody else self.of(WATCHED):
                found.samples.append(await still.delay(proxy.name, number, proxy.port, ask, plan.seconds))

    async def idle(self, plan: Plan, found: Found) -> None:
        """Each of these anew: a process that has worked has memory to give away."""
        names = [used.name for used in (self.running if plan.everybody else self.of(WATCHED))]
        for used in self.running:
            await asyncio.to_thread(used.process.stop)
        for proxy in registry.PROXIES:
            if proxy.name in names:
                fresh = proxy.start(self.room)
                try:
                    await _ready(fresh, self.room)
                    found.samples += await still.idle(fresh, Ask(self.room), plan.sockets)
                finally:
                    await asyncio.to_thread(fresh.process.stop)

    async def _memo(self) -> tuple[float, float]:
        """Hits of guildnet's memo of header blocks, and its look-ups; both 0 while it counts none."""
        url = f"http://127.0.0.1:{self.room.ops_port}/metrics"
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            counts = {result: float(count) for result, count in _MEMO.findall(await answer.text())}
        return counts.get("hit", 0.0), sum(counts.values())


@asynccontextmanager
async def _everything(core: int, names: Iterable[str]) -> AsyncIterator[_Stage]:
    """Upstream, API and every proxy, each of which has answered; all stopped on the way out."""
    wanted = set(names)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="guildnet-bench-")))
        upstream = await stack.enter_async_context(Upstream().listening())
        kubeconfig = await stack.enter_async_context(cluster.serving(directory, upstream.port))
        room = Room.made(directory, core, upstream.port, kubeconfig)
        stage = _Stage(room, upstream, [], Core(core))
        for proxy in registry.PROXIES:
            if proxy.name in wanted:
                running = proxy.start(room)
                stack.push_async_callback(asyncio.to_thread, running.process.stop)
                await _ready(running, room)
                if running.process.running:
                    stage.running.append(running)
        yield stage


async def _ready(proxy: Running, room: Room) -> None:
    """guildnet that does not become ready ends the run; a peer is ended, and what it said is told."""

    async def checked() -> bool:
        return not proxy.process.running or not await answers(proxy.port, SCENARIOS[0].client(Ask(room)))

    try:
        await eventually(checked, within=20.0, every=0.05)
    except AssertionError:
        await asyncio.to_thread(proxy.process.stop)
    if not proxy.process.running:
        said = f"{proxy.name} does not run as it should\n{proxy.process.tail()}"
        if proxy.name == OURS:
            raise NotHereError(said)
        print(said, file=sys.stderr)
