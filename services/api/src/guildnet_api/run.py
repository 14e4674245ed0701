"""One api process: its connections, its listeners, its background tasks, and their orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import structlog
from redis.asyncio import Redis

from guildnet import process, tracing
from guildnet.errors import Unreachable
from guildnet.kube.client import connect
from guildnet.telemetry import serve_ops
from guildnet_api import app
from guildnet_api.aio import task_group
from guildnet_api.deps import Services
from guildnet_api.http import static
from guildnet_api.http.server import Server, server
from guildnet_api.logs.redis import client as redis_client
from guildnet_api.settings import Settings

log = structlog.get_logger(__name__)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises Unreachable where the address cannot be listened on."""
    release = version("guildnet-api")
    async with (
        tracing.tracer("api", release, settings.otel_exporter_otlp_endpoint) as tracer,
        _redis(settings.redis_url) as redis,
        connect(settings.kubeconfig, user_agent="guildnet-api") as client,
    ):
        services, registry = app.compose(settings, client, redis, release=release)
        files = static.load(settings.ui_dir)
        if not files.page:
            log.warning("no UI to serve", ui_dir=str(settings.ui_dir))
        listener = server(app.application(services, files, tracer), *settings.address)
        async with serve_ops(settings.ops_port, services.health, registry), background(services):
            process.collect_less()
            log.info("listening", address=settings.listen, version=services.version)
            stopping = asyncio.create_task(_stop(stop, services, listener))
            try:
                await listener.serve()
            finally:
                stopping.cancel()
            if not services.supervisor.closed:
                raise Unreachable(f"The address {settings.listen} cannot be listened on.")


@asynccontextmanager
async def background(services: Services) -> AsyncIterator[None]:
    """Watches, feeds and the watch over stalled readers run while the block does."""
    async with task_group() as tasks:
        running = [
            tasks.create_task(services.watches.run()),
            tasks.create_task(services.hub.run()),
            tasks.create_task(services.supervisor.watch()),
        ]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            services.worker.close()


async def _stop(stop: asyncio.Event, services: Services, listener: Server) -> None:
    """Streams end first, with a `retry`, so that the rest can finish."""
    await stop.wait()
    log.info("stopping")
    services.supervisor.close()
    listener.should_exit = True


@asynccontextmanager
async def _redis(url: str) -> AsyncIterator[Redis | None]:
    redis = redis_client.connect(url) if url else None
    try:
        yield redis
    finally:
        if redis:
            await redis.aclose()
