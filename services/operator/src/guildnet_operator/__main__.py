"""The operator's process: settings once, then watches, queue, event delivery and the ops listener until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from guildnet import settings as shared
from guildnet import telemetry
from guildnet.kube.client import connect
from guildnet_operator import metrics
from guildnet_operator.leader_election import LeaderElection
from guildnet_operator.port_allocator import PortAllocator
from guildnet_operator.reconcile import Install, Reconciler
from guildnet_operator.settings import Settings
from guildnet_operator.watch import kopf_source
from guildnet_operator.watch.caches import Cluster
from guildnet_operator.watch.kopf_source import KopfSource
from guildnet_operator.workqueue import WorkQueue

log = structlog.get_logger(__name__)

STALE: float = 150.0
"""Seconds without a word from the API server (it sends a bookmark every minute) after which a watch is not healthy."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts of a running operator."""

    cluster: Cluster
    queue: WorkQueue
    delivery: KopfSource
    lease: LeaderElection
    ops_port: int
    task: asyncio.Task[None]
    """Runs for ever; when it ends, the operator is broken."""


def main() -> None:
    """Entry point of the container."""
    settings = shared.load(Settings)
    telemetry.configure_logging("operator", settings.log_level, settings.log_format)
    kopf_source.quieten()
    _collect_less()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(settings))


def _collect_less() -> None:
    """Thousands of Workspaces are a large graph without cycles, which the collector would walk again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _main(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with operator(settings) as running:
        stopped = asyncio.create_task(stop.wait(), name="stop signal")
        await asyncio.wait((stopped, running.task), return_when=asyncio.FIRST_COMPLETED)
        if not stopped.done():
            stopped.cancel()
            running.task.result()
        log.info("operator stops")


@contextlib.asynccontextmanager
async def operator(settings: Settings) -> AsyncIterator[Operator]:
    """A running operator; everything it started has ended when the block ends."""
    async with connect(settings.kubeconfig, user_agent="guildnet-operator", answered=metrics.requested) as client:
        queue = WorkQueue(workers=settings.reconcile_workers)

        def look(name: str) -> None:
            # An operator that stands by would only collect keys: it begins with all of them anyway.
            if queue.running:
                queue.add(name)

        cluster = Cluster(
            client, settings.k8s_namespace, (settings.release_namespace, settings.entries_configmap), look
        )
        target = (settings.release_namespace, settings.lease_name)
        lease = LeaderElection(client, target, settings.lease_identity, seconds=settings.lease_seconds)
        writer = client.guarded(lease.check)
        ports = PortAllocator(writer, settings.release_namespace, settings.ports_configmap, base=settings.port_base)
        install = Install(settings.k8s_namespace, settings.policy(), settings.entries, settings.password())
        reconciler = Reconciler(writer, cluster, ports, install)
        events = KopfSource(settings.k8s_namespace, settings.kubeconfig, look)
        async with telemetry.serve_ops(settings.ops_port, _health(cluster), _metrics(cluster, queue, lease)) as port:
            log.info("operator starts", namespace=settings.k8s_namespace, ops_port=port)
            lead = functools.partial(_lead, cluster, queue, ports, reconciler)
            task = asyncio.create_task(_run(cluster, events, lease, lead), name="operator")
            try:
                yield Operator(cluster, queue, events, lease, port, task)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def _run(
    cluster: Cluster, events: KopfSource, lease: LeaderElection, lead: Callable[[], Awaitable[None]]
) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(cluster.run(), name="watches")
        group.create_task(events.run(), name="delivery")
        # Before everything is listed a child that is not in a cache may well exist.
        await cluster.synced()
        log.info("operator ready", workspaces=len(cluster.workspaces.reflector.store))
        group.create_task(lease.run(lead), name="lease")


async def _lead(cluster: Cluster, queue: WorkQueue, ports: PortAllocator, reconciler: Reconciler) -> None:
    """Work off the queue, beginning with everything: another one may have been at work since."""
    workspaces = cluster.workspaces.reflector.store
    origins = (item.status.origin for item in workspaces.values())
    ports.seen(origin.port for origin in origins if origin is not None and origin.port is not None)
    for name in workspaces:
        queue.add(name)
    await queue.run(reconciler)


def _health(cluster: Cluster) -> telemetry.Health:
    health = telemetry.Health()

    async def check(kind: str) -> str | None:
        reflector = cluster.reflectors[kind]
        if not reflector.synced.is_set():
            return f"{kind} are not listed yet: {reflector.last_error or 'waiting for the API server'}"
        age = reflector.age()
        if age < STALE:
            return None
        if reflector.last_error is not None:
            return f"no word about {kind} for {age:.0f} s: {reflector.last_error}"
        newer = await reflector.missed()
        return newer and f"the watch of {kind} is silent for {age:.0f} s, and the API server is at version {newer}"

    for kind in cluster.reflectors:
        health.add(kind, functools.partial(check, kind))
    return health


def _metrics(cluster: Cluster, queue: WorkQueue, lease: LeaderElection) -> CollectorRegistry:
    ages = {kind: reflector.age for kind, reflector in cluster.reflectors.items()}
    metrics.follow(queue, ages, lambda: lease.held)
    return metrics.REGISTRY


if __name__ == "__main__":
    main()
