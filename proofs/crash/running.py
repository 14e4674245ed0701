"""Runs reference runs and plans: a namespace, a proxy and an operator process each, some at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

from guildnet.kube.client import Client, connect
from guildnet.kube.resources import CONFIGMAPS, WORKSPACES
from proofs.crash.hands import Hands
from proofs.crash.node import node
from proofs.crash.normal import State, differences, state
from proofs.crash.places import Places
from proofs.crash.plans import WATCHED, Plan, Reference
from proofs.crash.processes import OperatorProcess, fork_server
from proofs.crash.scenarios import SCENARIOS
from support.apiserver import ApiServer, make_namespace
from support.faultproxy import FaultProxy
from support.faults import AtEvent, AtWrite, WatchFault
from support.namespace import Namespace
from support.waiting import eventually

CONVERGE = 60.0
"""Seconds from the last step of a scenario to the state of the reference run."""
QUIET = 1.6
"""Seconds without a write that count as the end: longer than a status may wait and than the first retries take."""
RELIST = 6.0
"""Seconds a watch lasts where an event is to be missed; minutes in life. On a machine that is busy the event comes some
seconds after all watches are open, and one that comes between two of them is in a list and cannot be missed."""
AT_ONCE = 16
"""Plans at the same time, at most: they wait for controllers most of the time."""
ATTEMPTS = 3
NOT_MET = "the fault did not happen: nothing was proved"
PORTS = "guildnet-ports"


@dataclass(frozen=True, slots=True)
class Result:
    """How a plan ended: no problems means that it ended as the reference did; `met` whether its fault happened."""

    plan: Plan
    problems: Sequence[str]
    seconds: float
    starts: int
    met: bool = True


@dataclass(frozen=True, slots=True)
class Bench:
    """What all plans of a run share."""

    server: ApiServer
    kube: Client
    context: ForkServerContext
    directory: Path

    @contextlib.asynccontextmanager
    async def stage(self) -> AsyncIterator[tuple[Hands, FaultProxy]]:
        """A fresh namespace and a proxy; its operator is not started yet, and dead when the block ends."""
        namespace = await make_namespace(self.kube)
        # With a name on a tailnet each takes a port from the counter.
        entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "g.ts.example"}}
        await self.kube.create(CONFIGMAPS, namespace, entries)
        proxy = FaultProxy(self.server)
        kubeconfig = self.directory / f"{namespace}.kubeconfig"
        async with proxy.serve(kubeconfig):
            environment = {
                "KUBECONFIG": str(kubeconfig),
                "K8S_NAMESPACE": namespace,
                "RELEASE_NAMESPACE": namespace,
                "OPS_PORT": "0",
                "LEASE_IDENTITY": "the-pod",
                "LOCAL_ORIGIN": "http://guildnet.localhost:8080",
                "DIRECT_EXPOSURE": "true",
                "WORKSPACE_NETWORK_POLICY": "true",
            }
            process = OperatorProcess(self.context, environment, self.directory / f"{namespace}.log")
            proxy.kill = process.kill
            try:
                yield Hands(self.kube, namespace, process), proxy
            finally:
                await process.stop(kill=True)


@contextlib.asynccontextmanager
async def bench(server: ApiServer, directory: Path) -> AsyncIterator[Bench]:
    """The client, the node and the fork server that plans share, until the block ends."""
    context = fork_server()
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube, node(kube):
        yield Bench(server, kube, context, directory)


async def reference(bench: Bench, scenario: str) -> Reference:
    """Run a scenario without a fault."""
    async with bench.stage() as (hands, proxy):
        await _begin(hands, proxy)
        await SCENARIOS[scenario](hands)
        await _until_quiet(proxy, 2 * QUIET)
        ended = await _settled(hands)
        return Reference(
            scenario,
            tuple(proxy.seen.answered),
            frozenset(proxy.streams.events),
            ended,
            proxy.seen.made,
            hands.operator.starts,
        )


async def run(bench: Bench, plan: Plan, expected: Reference) -> Result:
    """Run one plan; what is wrong with its end is in the result, never an exception of it."""
    began = time.monotonic()
    async with bench.stage() as (hands, proxy):
        proxy.arm(plan.fault)
        if isinstance(plan.fault, AtEvent) and plan.fault.fault is WatchFault.SKIP:
            hands.operator.relist_seconds = RELIST
        await _begin(hands, proxy)
        try:
            await SCENARIOS[plan.scenario](hands)
            problems = await _problems(hands, proxy, expected)
        except Exception as error:  # noqa: BLE001  one plan that breaks must not hide the others
            problems = [f"{type(error).__name__}: {error}"]
        met = plan.fault is None or proxy.fired
        if not met and not _of_a_moment(plan):
            problems.append(NOT_MET)
        if problems:
            problems += [f"  {write.request} #{write.nth}: {write.code}" for write in proxy.seen.answered]
            problems += hands.operator.tail()
        return Result(plan, problems, time.monotonic() - began, hands.operator.starts, met)


def _of_a_moment(plan: Plan) -> bool:
    """Whether a status takes one write more or less is a matter of moments; everything else has to come."""
    return isinstance(plan.fault, AtWrite) and "/status " in plan.fault.write


async def _begin(hands: Hands, proxy: FaultProxy) -> None:
    """Start the operator and wait until it hears of everything: else what is to be told of is in its first lists."""
    hands.operator.start()
    wanted = Counter(dict.fromkeys(WATCHED, 1))
    await eventually(lambda: proxy.streams.open >= wanted, within=CONVERGE, every=0.05)


async def _problems(hands: Hands, proxy: FaultProxy, expected: Reference) -> list[str]:
    found: State = {}

    async def same() -> bool:
        nonlocal found
        found = await state(hands.kube, hands.namespace)
        return found == expected.state

    try:
        await eventually(same, within=CONVERGE, every=0.5)
        await _until_quiet(proxy, QUIET)
        await eventually(same, within=5.0, every=0.5)
    except AssertionError:
        return differences(expected.state, found)[:12] or ["it does not come to rest"]
    problems = await ports(hands)
    if proxy.seen.made != expected.made:
        problems.append(f"made and deleted {dict(proxy.seen.made)}, the reference {dict(expected.made)}")
    return problems


async def ports(namespace: Namespace) -> list[str]:
    """What must be so in every end, although the numbers differ: ports are unique and below the counter.

    The operator makes the counter with the first port that it gives, which it may not have come to.
    """
    items = (await namespace.kube.list(WORKSPACES, namespace.namespace))["items"]
    given = [item["status"]["origin"]["port"] for item in items]
    found = await namespace.find(CONFIGMAPS, PORTS)
    counter = int(found["data"]["next"]) if found else 0
    twice = [f"a port was given twice: {given}"] if len(set(given)) != len(given) else []
    return twice + [f"port {port} is not below the counter {counter}" for port in given if port >= counter]


async def _until_quiet(proxy: FaultProxy, seconds: float) -> None:
    clock = asyncio.get_running_loop().time
    await eventually(lambda: clock() - proxy.seen.last_write > seconds, within=CONVERGE, every=0.1)


async def _settled(hands: Hands) -> State:
    """The state as soon as it stays the same: controllers write their part of it later than the operator."""
    before: State = {}

    async def stays() -> bool:
        nonlocal before
        now = await state(hands.kube, hands.namespace)
        before, same = now, now == before
        return same

    await eventually(stays, within=20.0, every=1.0)
    return before


async def run_all(bench: Bench, plans: Sequence[Plan], references: Mapping[str, Reference]) -> list[Result]:
    """All of them, up to `AT_ONCE` at the same time; one that failed is told of as it ends."""
    places = Places(AT_ONCE)

    async def one(plan: Plan) -> Result:
        async with places.place():
            for _ in range(ATTEMPTS):
                result = await run(bench, plan, references[plan.scenario])
                if result.met or result.problems[:1] not in ([], [NOT_MET]):
                    break
        if result.problems:
            print(f"    NOT {plan}:\n      " + "\n      ".join(result.problems), flush=True)
        return result

    return list(await asyncio.gather(*(one(plan) for plan in plans)))
