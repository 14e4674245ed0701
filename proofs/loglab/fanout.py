"""Many readers of one workspace on one process: what a delivery costs, how old lines are when they arrive."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from guildnet.kube.client import Client, connect
from guildnet_local.build import programs
from proofs.loglab import peers
from proofs.loglab.apis import ApiProcess, Lab, pod_of, running_workspace
from proofs.loglab.crowd import crowd
from proofs.loglab.node import LogNode, log_node
from proofs.loglab.readers import Measured, Task
from support.apiserver import PROGRAMS, Servers, make_namespace
from support.process import cpu_seconds
from support.redis import RedisServer

SETTLE = 2.0
"""Seconds between the last connection and the first measurement."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One measurement: what was delivered, and the CPU seconds of the process that delivered it."""

    measured: Measured
    cpu: float

    @property
    def micros(self) -> float:
        """CPU microseconds of a delivery."""
        return self.cpu / max(1, self.measured.deliveries) * 1e6

    def __str__(self) -> str:
        m = self.measured
        share = self.cpu / m.seconds * 100
        return (
            f"{m.readers} readers, {m.deliveries / m.seconds:,.0f} deliveries/s, {self.micros:.2f} µs CPU each "
            f"({share:.0f} % of a core), age p50 {m.p50:.0f} ms, p99 {m.p99:.0f} ms, most {m.most:.0f} ms"
        )


@dataclass
class Bench:
    """What the measurements share: the laboratory, its node, and the two cores."""

    lab: Lab
    node: LogNode
    kube: Client
    servers: Servers
    server_core: int
    other_core: int
    workspace: str = ""
    _made: int = 0

    async def fresh(self) -> None:
        """Go on with a workspace that nobody has read yet."""
        self._made += 1
        self.workspace = f"ws{self._made}"
        await running_workspace(self.kube, self.lab.namespace, self.workspace)

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
            yield Bench(lab, node, kube, servers, cores[0], cores[-1])
    finally:
        redis.stop(kill=True)
        servers.stop()
        os.sched_setaffinity(0, cores)


@dataclass
class Writing:
    """Lines with rising numbers, `rate` a second at even distances; the rate may be changed while it runs."""

    rate: float


@asynccontextmanager
async def writing(rate: float, write: Callable[[int], Awaitable[None]]) -> AsyncIterator[Writing]:
    """Write until the block ends."""
    made = Writing(rate)

    async def go() -> None:
        due, number = time.monotonic(), 0
        while True:
            number += 1
            await write(number)
            due = max(due + 1 / made.rate, time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    task = asyncio.create_task(go())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True, slots=True)
class Load:
    """So many readers, lines a second, and seconds of measuring."""

    readers: int
    rate: float
    seconds: float


@asynccontextmanager
async def one_api(made: Bench, **settings: str) -> AsyncIterator[ApiProcess]:
    await made.fresh()
    api = await made.lab.start("api", core=made.server_core, **settings)
    try:
        yield api
    finally:
        api.process.stop(kill=True)


async def cost_of_ours(made: Bench, load: Load, *, stalled: int = 0, **settings: str) -> Cost:
    """One api process and a workspace of its own, with so many readers besides that take nothing."""
    async with one_api(made, **settings) as api:
        task = Task(api.port, api.target(made.workspace, "&tail=0"), api.headers(), load.readers, stalled)
        cost = await _cost(made, task, api.process.pid, made.write, load)
        if stalled:
            cut = await api.metric("guildnet_api_viewers_cut_total")
            assert cut >= stalled, f"only {cut:g} of {stalled} stalled readers were noticed: nothing was measured"
        return cost


async def cost_of_peer(made: Bench, peer: peers.Peer, load: Load) -> Cost:
    async with httpx2.AsyncClient(trust_env=False) as client:

        async def write(number: int) -> None:
            await peer.publish(client, number)

        return await _cost(made, Task(peer.port, "/sub", {}, load.readers), peer.pid, write, load)


async def _cost(made: Bench, task: Task, pid: int, write: Callable[[int], Awaitable[None]], load: Load) -> Cost:
    # Few lines while they connect: some servers answer a reader with the first one only.
    async with writing(2.0, write) as lines, crowd(task, core=made.other_core) as readers:
        lines.rate = load.rate
        await asyncio.sleep(SETTLE)
        before = cpu_seconds(pid)
        measured = await readers.measure(load.seconds)
        return Cost(measured, cpu_seconds(pid) - before)
