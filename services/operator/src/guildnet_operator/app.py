"""The operator put together: client, watches, queue, lease and the ops listener, from settings."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry

from guildnet import process, telemetry, tracing
from guildnet.errors import GuildNetError
from guildnet.kube.client import Client, connect
from guildnet.pace import Retry
from guildnet.telemetry import OperatorReport
from guildnet.tracing import Tracer
from guildnet_operator import metrics
from guildnet_operator.admission import Admissions
from guildnet_operator.capability_status import CapabilityStatus
from guildnet_operator.leader_election import LeaderElection
from guildnet_operator.port_allocator import PortAllocator
from guildnet_operator.reconcile import Install, Reconciler
from guildnet_operator.reconcile_spans import ReconcileSpans
from guildnet_operator.settings import Settings
from guildnet_operator.watch import kopf_source
from guildnet_operator.watch.caches import Cluster, Watch
from guildnet_operator.workqueue import WorkQueue

log = structlog.get_logger(__name__)

STALE_SECONDS: float = 150.0
"""Without a word from the API server, which sends a bookmark every minute, for longer a watch is not healthy."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts of a running operator."""

    cluster: Cluster
    queue: WorkQueue
    lease: LeaderElection
    ops_port: int
    task: asyncio.Task[None]
    """Runs for ever; when it ends, the operator is broken."""


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run the operator until the event is set. Raises what ended it otherwise."""
    kopf_source.quieten()
    # Thousands of Workspaces are a large graph without cycles, which the collector would walk again and again.
    process.collect_less(20_000)
    async with operator(settings) as running:
        await process.first_to_end(stop, running.task)
        log.info("operator stops")


@contextlib.asynccontextmanager
async def operator(settings: Settings) -> AsyncIterator[Operator]:
    """A running operator; everything it started has ended when the block ends."""
    async with (
        tracing.tracer("operator", version("guildnet-operator"), settings.otel_exporter_otlp_endpoint) as tracer,
        connect(settings.kubeconfig, user_agent="guildnet-operator", answered=metrics.requested) as client,
    ):
        queue = WorkQueue(workers=settings.reconcile_workers)
        # An operator that stands by would only collect keys: when it leads it begins with all of them anyway.
        cluster = Cluster(client, settings.watched(), queue.add_while_running)
        target = (settings.release_namespace, settings.lease_name)
        lease = LeaderElection(client, target, settings.lease_identity, seconds=settings.lease_seconds)
        writer = client.guarded(lease.check)
        ports = PortAllocator(writer, settings.release_namespace, settings.ports_configmap, base=settings.port_base)
        lease.report = lambda: _report(cluster, queue, ports).annotations()
        lead = _leader(writer, settings, cluster, queue, ports, tracer)
        health, registry = _health(cluster.watches), _metrics(cluster, queue, lease)
        async with telemetry.serve_ops(settings.ops_port, health, registry) as port:
            log.info("operator starts", namespace=settings.k8s_namespace, ops_port=port)
            task = asyncio.create_task(_run(cluster, lease, lead), name="operator")
            try:
                yield Operator(cluster, queue, lease, port, task)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def _run(cluster: Cluster, lease: LeaderElection, lead: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(cluster.run(), name="watches")
        # Before everything is listed a child that is not in a cache may well exist.
        await cluster.synced()
        log.info("operator ready", workspaces=len(cluster.workspaces.store))
        group.create_task(lease.run(lead), name="lease")


def _leader(
    writer: Client,
    settings: Settings,
    cluster: Cluster,
    queue: WorkQueue,
    ports: PortAllocator,
    tracer: Tracer | None,
) -> Callable[[], Awaitable[None]]:
    """What the operator that holds the lease does, for as long as it does; `writer` is guarded by the lease."""
    install = Install(settings.k8s_namespace, settings.policy(), settings.entries, settings.login())
    admissions = Admissions(writer, cluster, settings.k8s_namespace, queue.add)
    reconciler = Reconciler(writer, cluster, ports, install, admissions)
    metrics.follow_workspaces(cluster.workspaces.store.values, lambda: ports.left)
    work = ReconcileSpans(reconciler, cluster.workspaces.get, tracer) if tracer else reconciler

    def everything() -> tuple[str, ...]:
        workspaces = cluster.workspaces.store
        origins = (item.status.origin for item in workspaces.values())
        ports.seen(port for origin in origins if origin is not None for port in origin.all_ports)
        return (*workspaces, *cluster.workspaces.broken)

    async def lead() -> None:
        """Work off the queue, beginning with everything: another one may have been at work since."""
        await _begun(admissions)
        async with asyncio.TaskGroup() as group:
            group.create_task(CapabilityStatus(writer, cluster, settings.k8s_namespace).run(), name="capabilities")
            group.create_task(queue.run(work, everything), name="workspaces")

    return lead


def _report(cluster: Cluster, queue: WorkQueue, ports: PortAllocator) -> OperatorReport:
    silence = max((watch.age() for watch in cluster.watches.values()), default=0.0)
    return OperatorReport(version("guildnet-operator"), round(queue.age, 2), round(silence, 1), ports.left)


async def _begun(admissions: Admissions) -> None:
    """Whoever leads has to know first what the one before it has written."""
    retry = Retry()
    while True:
        try:
            return await admissions.begin()
        except GuildNetError as error:
            pause = retry.failed(error)
            log.warning("places not known", error=error.message, attempt=retry.failures, pause=round(pause, 2))
            await retry.wait(pause)


def _health(watches: dict[str, Watch]) -> telemetry.Health:
    health = telemetry.Health()

    async def check(kind: str) -> str | None:
        watch = watches[kind]
        if not watch.synced.is_set():
            return f"{kind} are not listed yet: {watch.last_error or 'waiting for the API server'}"
        age = watch.age()
        if age < STALE_SECONDS:
            return None
        if watch.last_error is not None:
            return f"no word about {kind} for {age:.0f} s: {watch.last_error}"
        newer = await watch.missed()
        return newer and f"the watch of {kind} is silent for {age:.0f} s, and the API server is at version {newer}"

    for kind in watches:
        health.add(kind, functools.partial(check, kind))
    return health


def _metrics(cluster: Cluster, queue: WorkQueue, lease: LeaderElection) -> CollectorRegistry:
    metrics.follow(queue, {kind: watch.age for kind, watch in cluster.watches.items()}, lambda: lease.held)
    return metrics.REGISTRY
