"""One api process: its parts put together, its tasks owned, its end an orderly one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from secrets import token_hex

import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from guildnet.errors import Unreachable
from guildnet.kube.client import Client, connect
from guildnet.signed import read_key
from guildnet.telemetry import make_registry, serve_ops
from guildnet_api import app
from guildnet_api.access.audit import Audit
from guildnet_api.access.authorize import Authorizer
from guildnet_api.access.quota import Quota
from guildnet_api.aio import task_group
from guildnet_api.cluster.watches import Watches
from guildnet_api.deps import Services
from guildnet_api.health import ApiHealth
from guildnet_api.http import static
from guildnet_api.http.event_stream import StreamSupervisor
from guildnet_api.http.server import server
from guildnet_api.logs.filtered import RingLimits
from guildnet_api.logs.hub import Hub, HubLimits
from guildnet_api.logs.redis import client as redis_client
from guildnet_api.logs.redis.replica import Replica
from guildnet_api.logs.source.follower import Follower
from guildnet_api.logs.source.kubelet import KubeletLogs, LogSource
from guildnet_api.logs.source.run_state import RunState
from guildnet_api.metrics import Metrics
from guildnet_api.settings import Settings
from guildnet_api.workspaces import presets

log = structlog.get_logger(__name__)


def assemble(
    settings: Settings,
    client: Client,
    redis: Redis | None,
    *,
    source: LogSource | None = None,
    audit: Audit | None = None,
) -> tuple[Services, CollectorRegistry]:
    """The parts and their metrics registry. `source` and `audit` are the cluster's and stdout's unless given.

    Raises Invalid for a key or presets that cannot be used.
    """
    registry = make_registry()
    metrics = Metrics(registry)
    watches = Watches(client, settings.k8s_namespace)
    # Twice the limit, so that a line that is cut there is known to be longer.
    lines = source or KubeletLogs(client, settings.k8s_namespace, settings.log_line_bytes * 2, settings.log_rate_bytes)
    trail = audit or Audit()
    supervisor = StreamSupervisor(metrics, settings.slow_viewer_seconds)
    replica = Replica(redis, _owner(settings), settings.log_lines, metrics) if redis else None
    state = RunState(watches.index)
    follower = Follower(lines, state, settings.log_lines, settings.log_line_bytes, lambda _: None)
    hub = Hub(follower, replica, _limits(settings), metrics)
    supervisor.on_close(hub.wake)
    supervisor.on_close(watches.index.signal.notify)
    services = Services(
        settings=settings,
        client=client,
        watches=watches,
        authorizer=Authorizer(watches, settings.access_default, trail),
        audit=trail,
        quota=Quota(watches),
        presets=presets.load(settings.presets_file),
        hub=hub,
        source=lines,
        supervisor=supervisor,
        health=ApiHealth(client, watches, replica),
        metrics=metrics,
        key=read_key(settings.identity_key_file),
        now=time.time,
        version=version("guildnet-api"),
    )
    return services, registry


def _limits(settings: Settings) -> HubLimits:
    rings = RingLimits(settings.log_lines, settings.log_bytes)
    return HubLimits(rings, settings.log_linger_seconds, settings.log_direct_follows)


def _owner(settings: Settings) -> str:
    """The name of this process in the leases of logs: another one after every start."""
    return f"{settings.hostname or 'api'}-{token_hex(4)}"


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """The background of a process: watches, feeds, the watch over slow viewers. Ends all of it."""
    async with task_group() as tasks:
        background = [
            tasks.create_task(services.watches.run()),
            tasks.create_task(services.hub.run()),
            tasks.create_task(services.supervisor.watch()),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Streams end first, with a `retry`, so that the rest can finish.

    Raises Invalid for a key or presets that cannot be used, Unreachable where the address cannot be listened on.
    """
    redis = redis_client.connect(settings.redis_url) if settings.redis_url else None
    try:
        async with connect(settings.kubeconfig, user_agent="guildnet-api") as client:
            services, registry = assemble(settings, client, redis)
            files = static.load(settings.ui_dir)
            if not files.page:
                log.warning("no UI to serve", ui_dir=str(settings.ui_dir))
            listener = server(app.build(services, files), *settings.address)

            async def end() -> None:
                await stop.wait()
                log.info("stopping")
                services.supervisor.close()
                listener.should_exit = True

            async with serve_ops(settings.ops_port, services.health, registry), running(services):
                log.info("listening", address=settings.listen, version=services.version)
                ending = asyncio.create_task(end(), name="end")
                await listener.serve()
                ending.cancel()
                if not stop.is_set():
                    raise Unreachable(f"The address {settings.listen} cannot be listened on.")
    finally:
        if redis:
            await redis.aclose()
