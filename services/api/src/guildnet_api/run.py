"""One api process: its parts put together, its tasks owned, its end an orderly one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from secrets import token_hex
from typing import Any, Final

import structlog
import uvicorn
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from guildnet import identity
from guildnet.errors import Unreachable
from guildnet.kube.client import Client, connect
from guildnet.telemetry import make_registry, serve_ops
from guildnet_api import app
from guildnet_api.access.audit import Audit
from guildnet_api.access.authorize import Rights
from guildnet_api.access.quota import Quota
from guildnet_api.cluster.index import Roster
from guildnet_api.cluster.watches import Cache
from guildnet_api.deps import Services
from guildnet_api.health import ApiHealth
from guildnet_api.http import static
from guildnet_api.http.event_stream import CONNECTION, Closing, Streaming
from guildnet_api.logs.hub import Hub, Limits
from guildnet_api.logs.records import Run
from guildnet_api.logs.redis.replica import Shared
from guildnet_api.logs.source.follower import Follow
from guildnet_api.logs.source.kubelet import KubeLogs, LogSource
from guildnet_api.metrics import Metrics
from guildnet_api.settings import Settings
from guildnet_api.tasks import together
from guildnet_api.workspaces import presets

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS: Final = 75  # longer than the proxy keeps its side, so that it is never we who close under a request
GRACE_SECONDS: Final = 8
SETTLE_SECONDS: Final = 1.0
UNSENT_BYTES: Final = 128 * 1024
"""What the kernel may hold of an answer beyond what is on its way."""


def assemble(
    settings: Settings,
    client: Client,
    redis: Redis | None,
    *,
    source: LogSource | None = None,
    audit: Audit | None = None,
) -> tuple[Services, Any]:
    """The parts and their metrics registry. `source` and `audit` are the cluster's and stdout's unless given.

    Raises Invalid for a key that is none, ValueError for presets that are none.
    """
    registry = make_registry()
    metrics = Metrics(registry)
    cache = Cache(client, settings.k8s_namespace)
    lines = source or KubeLogs(client, settings.k8s_namespace, settings.log_line_bytes * 2, settings.log_rate_bytes)
    trail = audit or Audit()
    closing = Closing(metrics, settings.slow_viewer_seconds)
    shared = Shared(redis, _owner(), settings.log_lines, metrics) if redis else None
    limits = Limits(settings.log_lines, settings.log_bytes, settings.log_linger_seconds, settings.log_direct_follows)
    hub = Hub(_follow(settings, cache.roster, lines), shared, limits, metrics)
    closing.wakes(hub.wake)
    closing.wakes(cache.roster.signal.notify)
    services = Services(
        settings=settings,
        client=client,
        cache=cache,
        rights=Rights(cache, settings.access_default, trail),
        audit=trail,
        quota=Quota(cache),
        presets=presets.load(settings.presets_file),
        hub=hub,
        source=lines,
        closing=closing,
        health=ApiHealth(client, cache, shared),
        metrics=metrics,
        key=identity.read_key(settings.identity_key_file),
        now=time.time,
        version=version("guildnet-api"),
    )
    return services, registry


def _owner() -> str:
    return f"{os.environ.get('HOSTNAME', 'api')}-{token_hex(4)}"


def _follow(settings: Settings, roster: Roster, source: LogSource) -> Follow:
    def over(run: Run) -> bool:
        pod = roster.pod_by_uid(run.pod_uid)
        found = pod.container(run.container) if pod else None
        return found is None or found.restart != run.restart or found.state != "running"

    def behind(run: Run) -> int:
        pod = roster.pod_by_uid(run.pod_uid)
        found = pod.container(run.container) if pod else None
        if found is None or found.restart <= run.restart:
            return 0
        # While a container waits to be started again, the kubelet's previous run is the current one itself.
        return found.restart - run.restart + (found.state == "waiting")

    async def settle(run: Run) -> None:
        """The cluster says a moment after the stream's end that the container ended; till then it is reopened."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while not over(run):
                    await roster.signal.wait()
        except TimeoutError:
            return

    return Follow(source, over, behind, settle, settings.log_lines, settings.log_line_bytes, lambda _: None)


def connect_redis(url: str) -> Redis:
    """No retries and no deadlines of its own: whoever asks has both (`stream.answered` says why)."""
    return Redis.from_url(
        url,
        socket_connect_timeout=2.0,
        socket_timeout=None,
        health_check_interval=5,
        retry=Retry(NoBackoff(), 0),
        client_name="guildnet-api",
    )


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """The background of a process: watches, feeds, the watch over slow viewers. Ends all of it."""
    async with together() as tasks:
        background = [
            tasks.create_task(services.cache.run()),
            tasks.create_task(services.hub.run()),
            tasks.create_task(services.closing.watch()),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()


class Protocol(HttpToolsProtocol):
    """uvicorn's, which is the `Connection` of its streams too (uvicorn is pinned: `write` relies on what it keeps)."""

    _lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Linux would hold megabytes for a reader that takes nothing, before anybody here noticed (tcp(7)).
        made = transport.get_extra_info("socket")
        if made is not None and made.family in (socket.AF_INET, socket.AF_INET6):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[typeddict-unknown-key]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._lost is not None:
            self._lost()

    def when_lost(self, call: Callable[[], None] | None) -> None:
        """At once where it is lost already."""
        self._lost = call
        if call is not None and self.cycle.disconnected:
            call()

    def abort(self) -> None:
        """Drop the connection: closing would wait for a reader that never reads."""
        self.transport.abort()

    def write(self, chunk: bytes) -> bool:
        """A whole chunk of the answer under way, between those that the application sends."""
        if self.flow.write_paused:
            return False
        if not self.cycle.disconnected:
            self.transport.write(chunk)
        return True


class Server(uvicorn.Server):
    """uvicorn's, without its own signals: it raises them again afterwards and so would end the process half-closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(application: ASGIApp, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            Streaming(application),
            host=host,
            port=port,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


async def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Streams end first, with a `retry`, so that the rest can finish."""
    redis = connect_redis(settings.redis_url) if settings.redis_url else None
    try:
        async with connect(settings.kubeconfig, user_agent="guildnet-api") as client:
            services, registry = assemble(settings, client, redis)
            files = static.load(settings.ui_dir)
            if not files.page:
                log.warning("no UI to serve", ui_dir=str(settings.ui_dir))
            listener = server(app.build(services, files), *settings.address)

            def stop() -> None:
                log.info("stopping")
                services.closing.close()
                listener.should_exit = True

            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop)
            async with serve_ops(settings.ops_port, services.health, registry), running(services):
                log.info("listening", address=settings.listen, version=services.version)
                await listener.serve()
                if not services.closing.closed:
                    raise Unreachable(f"The address {settings.listen} cannot be listened on.")
    finally:
        if redis:
            await redis.aclose()
