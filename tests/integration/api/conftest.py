"""A whole api process on a loopback port, before a real API server and (where asked) a real Redis.

Only the kubelet is missing in this ring: `Kubelet` stands in for its log streams, behind the same `LogSource`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from redis.asyncio import Redis

from guildnet.audit import Writer
from guildnet.errors import Invalid, NotFound
from guildnet.identity import HEADER, Identity, sign
from guildnet.kube.client import Client, connect
from guildnet.kube.resources import PODS, WORKSPACES
from guildnet.names import LABEL_WORKSPACE, LABEL_WORKSPACE_UID
from guildnet.web.entries import Entry
from guildnet_api import app
from guildnet_api.access.audit import AuditTrail
from guildnet_api.deps import Services
from guildnet_api.http import static
from guildnet_api.http.server import server
from guildnet_api.logs.model import Run
from guildnet_api.logs.redis.client import connect as connect_redis
from guildnet_api.logs.source.kubelet import Options
from guildnet_api.run import background
from guildnet_api.settings import Settings
from support.openapi import require
from support.waiting import eventually

from .events import Events

KEY = b"k" * 32
LOCAL = Entry("local", "http://guildnet.localhost:8080", "host")
ALICE = Identity("user", "alice@example.com", "Alice", source="tailnet", entry=LOCAL)
BOB = Identity("user", "bob@example.com", "Bob", source="tailnet", entry=LOCAL)
ADMIN = Identity("token", "guildnet-admin", roles=("admin",), source="bearer", entry=LOCAL)
STATES: Final = {
    "running": {"startedAt": "2026-01-01T00:00:00Z"},
    "terminated": {"exitCode": 3, "reason": "Error"},
    "waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"},
}
NOBODY = Identity("anonymous", source="none", entry=LOCAL)


@dataclass
class Kubelet:
    """Logs of containers by pod (`POD/CONTAINER` for another than `main`) and restart.

    `drop` cuts every open stream; `finish` ends a run's log for good.
    """

    files: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    done: set[tuple[str, int]] = field(default_factory=set)
    removed: set[tuple[str, int]] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    """Pods whose container waits to be started again: its last run is the previous one then, too."""
    opened: list[tuple[Run, Options]] = field(default_factory=list)
    following: int = 0
    """Streams that follow right now."""
    generation: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    clock_ns: int = field(default_factory=time.time_ns)

    @property
    def follows(self) -> int:
        return sum(options.follow for _, options in self.opened)

    def write(self, pod: str, *texts: str, restart: int = 0) -> None:
        for text in texts:
            self.clock_ns = max(self.clock_ns + 1, time.time_ns())
            stamp = datetime.fromtimestamp(self.clock_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            line = f"{stamp}.{self.clock_ns % 10**9:09d}Z {text}".encode()
            self.files.setdefault((pod, restart), []).append(line)
        self._wake()

    def drop(self) -> None:
        self.generation += 1
        self._wake()

    def finish(self, pod: str, restart: int = 0) -> None:
        self.done.add((pod, restart))
        self._wake()

    def _wake(self) -> None:
        event, self.changed = self.changed, asyncio.Event()
        event.set()

    async def open(self, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
        self.opened.append((run, options))
        log = run.pod if run.container == "main" else f"{run.pod}/{run.container}"
        runs = [restart for pod, restart in self.files if pod == log]
        if not runs:
            raise NotFound(f"pod {run.pod} not found")
        # A kubelet is not asked for a run by its number: it has the last one, and the one before that as `previous`.
        back = options.previous and run.pod not in self.waiting
        key, generation = (log, max(runs) - back), self.generation
        if key in self.removed:
            yield b"unable to retrieve container logs for containerd://0123"
            return
        if key not in self.files:
            raise Invalid(f'previous terminated container "{run.container}" in pod "{run.pod}" not found')
        since = options.since_ns // 10**9
        first = len(self.files[key]) - options.tail if options.tail is not None else 0
        at = max(first, 0)
        self.following += options.follow
        try:
            while True:
                lines = self.files[key]
                while at < len(lines):
                    line = lines[at]
                    at += 1
                    if datetime.fromisoformat(line[:19].decode() + "+00:00").timestamp() >= since:
                        yield line
                if not options.follow or key in self.done or generation != self.generation:
                    return
                await self.changed.wait()
        finally:
            self.following -= options.follow


@dataclass
class Api:
    """One running api."""

    services: Services
    url: str
    audit: list[dict[str, Any]]
    namespace: str
    kube: Client
    identity: Identity = ALICE

    def as_(self, identity: Identity) -> Api:
        return replace(self, identity=identity)

    def headers(self, method: str, path: str) -> dict[str, str]:
        return {HEADER: sign(self.identity, KEY, method=method, path=path, now=time.time())}

    async def ask(self, method: str, target: str, **options: Any) -> httpx2.Response:
        headers = {**self.headers(method, target.partition("?")[0]), **options.pop("headers", {})}
        async with httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False) as client:
            return require(method, target, await client.request(method, target, headers=headers, **options))

    @asynccontextmanager
    async def stream(self, target: str, **headers: str) -> AsyncIterator[Events]:
        """The events of an event stream, as they come."""
        given = {**self.headers("GET", target.partition("?")[0]), **headers}
        async with (
            httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False) as client,
            client.stream("GET", target, headers=given) as answer,
        ):
            events = Events(answer, target.partition("?")[0])
            reading = asyncio.ensure_future(events.read())
            try:
                yield events
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def workspace(self, name: str, **spec: Any) -> dict[str, Any]:
        labels = spec.pop("labels", {})
        owner = spec.pop("owner", "")
        body = {
            "apiVersion": "guildnet.io/v1alpha1",
            "kind": "Workspace",
            "metadata": {"name": name, "labels": labels, "annotations": {"guildnet.io/owner": owner}},
            "spec": {"image": "example.com/team/app:1", **spec},
        }
        made = await self.kube.create(WORKSPACES, self.namespace, body)
        await eventually(lambda: self.services.watches.index.get(name))
        return made

    async def pod(
        self, workspace: str, name: str, *, restart: int = 0, state: str = "running", others: Sequence[str] = ()
    ) -> dict[str, Any]:
        """A pod as the kubelet would have reported it; `others` are containers beside `main`."""
        uid = (await self.kube.get(WORKSPACES, self.namespace, workspace))["metadata"]["uid"]
        body = {
            "metadata": {"name": name, "labels": {LABEL_WORKSPACE: workspace, LABEL_WORKSPACE_UID: uid}},
            "spec": {"containers": [{"name": each, "image": "example.com/team/app:1"} for each in ("main", *others)]},
        }
        made = await self.kube.create(PODS, self.namespace, body)
        await self.pod_status(name, restart=restart, state=state, others=others)
        return made

    async def pod_status(
        self, name: str, *, restart: int = 0, state: str = "running", others: Sequence[str] = ()
    ) -> None:
        status = {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": each,
                    "ready": state == "running",
                    "restartCount": restart,
                    "image": "x",
                    "imageID": "x",
                    "state": {state: STATES[state]},
                }
                for each in ("main", *others)
            ],
        }
        await self.kube.merge_patch(PODS, self.namespace, name, {"status": status}, subresource="status")


Starter = Callable[..., Any]


@pytest.fixture
def kubelet() -> Kubelet:
    return Kubelet()


@pytest.fixture
async def start_api(
    kubeconfig: str, namespace: str, kube: Client, kubelet: Kubelet, tmp_path: Path
) -> AsyncIterator[Starter]:
    """Starts an api: `await start_api(redis_url=…, access_default=…)`. Each is a replica of the same install.

    `write` takes its audit lines, `Api.audit` unless given.
    """
    key = tmp_path / "identity"
    key.write_bytes(KEY)
    async with AsyncExitStack() as stack:

        async def start(
            *,
            redis_url: str = "",
            ui_dir: Path | None = None,
            write: Callable[[str], None] | None = None,
            **settings: Any,
        ) -> Api:
            defaults = {"kubeconfig": kubeconfig, "log_linger_seconds": 0.2}
            given = Settings(
                k8s_namespace=namespace,
                identity_key_file=key,
                redis_url=redis_url,
                ui_dir=ui_dir,
                **{**defaults, **settings},
            )
            redis: Redis | None = connect_redis(redis_url) if redis_url else None
            if redis:
                stack.push_async_callback(redis.aclose)
            client = await stack.enter_async_context(connect(given.kubeconfig, user_agent="guildnet-api-test"))
            audit: list[dict[str, Any]] = []
            trail = AuditTrail(Writer("api", write or (lambda line: audit.append(json.loads(line)))))
            services, _ = app.compose(given, client, redis, release="1.2.3", source=kubelet, audit=trail)
            listening = socket.create_server(("127.0.0.1", 0))
            # asyncio sees to it for sockets of its own alone: an answer in two pieces would take 40 ms.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener = server(app.application(services, static.load(given.ui_dir)), "127.0.0.1", 0)
            await stack.enter_async_context(background(services))
            serving = asyncio.ensure_future(listener.serve(sockets=[listening]))

            async def stop() -> None:
                services.supervisor.close()
                listener.should_exit = True
                await serving

            stack.push_async_callback(stop)
            await services.watches.wait_synced()
            await eventually(lambda: listener.started)
            if redis:
                await eventually(lambda: services.hub.shared)
            return Api(services, f"http://127.0.0.1:{listening.getsockname()[1]}", audit, namespace, kube)

        yield start


@pytest.fixture
async def api(start_api: Starter) -> Api:
    started: Api = await start_api()
    return started


@pytest.fixture(params=["redis", "no redis"])
async def any_api(request: pytest.FixtureRequest, start_api: Starter) -> Api:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    api: Api = await start_api(redis_url=url)
    await api.workspace("ws", owner="alice@example.com")
    await api.pod("ws", "ws-1")
    return api
