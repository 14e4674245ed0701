"""Many readers of one workspace on one process: what a delivery costs, how old lines are when they arrive."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from guildnet.kube.client import Client, connect
from guildnet_local.build import programs
from proofs.loglab import peers
from proofs.loglab.apis import ApiProcess, Lab, pod_of, running_workspace
from proofs.loglab.crowd import crowd
from proofs.loglab.node import LogNode, log_node
from proofs.loglab.readers import Task
from proofs.loglab.writing import Observed, next_window, observe, writing
from support.apiserver import PROGRAMS, Servers, make_namespace
from support.process import cpu_seconds
from support.redis import RedisServer

SETTLE = 2.0
"""Seconds between the last connection and the first measurement."""
ATTEMPTS = 3
"""Runs of a peer, of which one has to be whole."""
CUT = "guildnet_api_viewers_cut_total"
"""The api's count of readers that it dropped."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One measurement: what was delivered, and the CPU seconds of the processes that delivered it."""

    observed: Observed
    cpu: float
    seconds: float

    @property
    def micros(self) -> float:
        """CPU microseconds of a delivery."""
        return self.cpu / max(1, self.observed.measured.deliveries) * 1e6

    def __str__(self) -> str:
        share = self.cpu / self.seconds * 100
        return f"{self.micros:.2f} µs CPU each ({share:.0f} % of a core): {self.observed}"


class VoidError(Exception):
    """A peer did not do what it is measured for, as often as it was tried."""


@dataclass
class Bench:
    """What the measurements share: the laboratory, its node, and the two cores."""

    lab: Lab
    node: LogNode
    kube: Client
    servers: Servers
    redis: RedisServer
    server_core: int
    other_core: int
    workspace: str = ""
    _made: int = 0

    async def fresh(self) -> None:
        """Go on with a workspace that nobody has read yet."""
        self._made += 1
        self.workspace = f"ws{self._made}"
        await running_workspace(self.kube, self.lab.namespace, self.workspace, self.node.name)

    async def write(self, number: int) -> None:
        """A line of the workspace."""
        self.node.write(pod_of(self.workspace), peers.text(number, time.time_ns()))

    def follows(self) -> int:
        """Log streams of the api that the API server served, by its audit log."""
        found = set()
        for entry in map(json.loads, self.servers.audit_log.read_text().splitlines()):
            about = entry.get("objectRef") or {}
            if about.get("subresource") == "log" and "follow=true" in entry["requestURI"]:
                found.add(entry["auditID"])
        return len(found)


@asynccontextmanager
async def bench(directory: Path) -> AsyncIterator[Bench]:
    """A cluster without a kubelet but with its logs, a Redis, and workspaces whose pods run."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    servers = Servers(directory / "apiserver", programs.ensure(PROGRAMS, report=print), audit=True)
    redis = RedisServer(directory / "redis")
    try:
        server = await asyncio.to_thread(servers.start)
        redis.start()
        async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube, log_node(kube) as node:
            namespace = await make_namespace(kube)
            lab = Lab(directory, server.kubeconfig, namespace, redis.url)
            yield Bench(lab, node, kube, servers, redis, cores[0], cores[-1])
    finally:
        redis.stop(kill=True)
        servers.stop()
        os.sched_setaffinity(0, cores)


@dataclass(frozen=True, slots=True)
class Load:
    """So many readers, lines a second, and seconds of measuring."""

    readers: int
    rate: float
    seconds: float


@asynccontextmanager
async def one_api(made: Bench, **settings: str) -> AsyncIterator[ApiProcess]:
    """A replica on a core of its own, for a workspace that nobody has read yet."""
    await made.fresh()
    async with made.lab.started("api", core=made.server_core, **settings) as api:
        yield api


async def cost_of_ours(made: Bench, load: Load) -> Cost:
    """One api process and a workspace of its own. Redis, which carries the lines between replicas, counts as well."""
    async with one_api(made) as api:
        task = Task(api.port, api.target(made.workspace, "&tail=0"), api.headers(), load.readers)
        return await _cost(made, task, (api.process.pid, made.redis.process.pid), made.write, load)


async def cost_of_peer(made: Bench, peer: peers.Peer, load: Load) -> Cost:
    """A run that loses a reader, a line or the rate would be cheaper than its work: it is void, and made again.

    Raises VoidError when none of ATTEMPTS was whole.
    """
    for _ in range(ATTEMPTS):
        async with peer.publishing() as write:
            cost = await _cost(made, Task(peer.port, "/sub", [{}], load.readers), (peer.pid,), write, load)
        faults = cost.observed.faults
        if not faults:
            return cost
        print(f"  {peer.name}: void, {faults}", flush=True)
    raise VoidError(f"{peer.name} was void {ATTEMPTS} times, at last with {faults}")


async def _cost(
    made: Bench, task: Task, pids: tuple[int, ...], write: Callable[[int], Awaitable[None]], load: Load
) -> Cost:
    # Few lines while they connect: some servers answer a reader with the first one only.
    async with writing(2.0, write) as lines, crowd(task, core=made.other_core) as readers:
        lines.rate = load.rate
        await asyncio.sleep(SETTLE)
        window = next_window(lines, load.seconds)
        observing = asyncio.create_task(observe(lines, readers, window))
        await lines.reached(window.first - 1)
        began, before = time.monotonic(), sum(map(cpu_seconds, pids))
        observed = await observing
        return Cost(observed, sum(map(cpu_seconds, pids)) - before, time.monotonic() - began)
