"""Three api processes and an operator on one real API server, and people who ask one replica after another."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from guildnet.identity import HEADER, Identity, sign
from guildnet.kube.client import Client
from guildnet.kube.resources import CAPABILITIES, NAMESPACES
from guildnet.names import API_VERSION
from guildnet.web.entries import Entry
from guildnet_operator.app import operator
from guildnet_operator.settings import Settings
from proofs.loglab.apis import KEY, Lab
from support.apiserver import ApiServer, make_namespace
from support.waiting import eventually

LIMIT: Final = 3
REPLICAS: Final = 3
_ENTRY: Final = Entry("local", "http://guildnet.localhost:8080", "host")
ADA: Final = Identity("user", "ada@example.com", "Ada", source="tailnet", entry=_ENTRY)
"""May run LIMIT workspaces at a time."""
BOB: Final = Identity("user", "bob@example.com", "Bob", source="tailnet", entry=_ENTRY)
"""May run as many as he likes."""
RIGHTS: Final = ["launch", "list", "start", "stop", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Install:
    """What is played on. Requests go to the replicas in turn."""

    kube: Client
    namespace: str
    http: httpx2.AsyncClient
    ports: list[int]
    _turns: Iterator[int] = field(default_factory=itertools.count)

    async def ask(self, who: Identity, method: str, path: str, body: Any = None) -> httpx2.Response:
        port = self.ports[next(self._turns) % len(self.ports)]
        headers = {HEADER: sign(who, KEY, method=method, path=path, now=time.time())}
        given = {} if body is None else {"json": body}
        return await self.http.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, **given)


async def _capability(kube: Client, namespace: str, name: str, who: Identity, **spec: Any) -> None:
    body = {
        "apiVersion": API_VERSION, "kind": "Capability", "metadata": {"name": name},
        "spec": {"actions": RIGHTS, "subjects": [{"kind": "User", "name": who.login}], **spec},
    }  # fmt: skip
    await kube.create(CAPABILITIES, namespace, body)


@asynccontextmanager
async def install(server: ApiServer, kube: Client, directory: Path) -> AsyncIterator[Install]:
    """An install in a namespace of its own, with its rules; everything ends with the block."""
    namespace = await make_namespace(kube)
    release = f"{namespace}-release"
    await kube.create(NAMESPACES, None, {"metadata": {"name": release}})
    await _capability(kube, namespace, "few", ADA, constraints={"maxConcurrent": LIMIT})
    await _capability(kube, namespace, "free", BOB)
    settings = Settings(
        kubeconfig=str(server.kubeconfig), k8s_namespace=namespace, release_namespace=release, ops_port=0,
        lease_identity="the-pod", local_origin=_ENTRY.origin,
    )  # fmt: skip
    lab = Lab(directory, server.kubeconfig, namespace, "")
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(operator(settings))
        await eventually(lambda: running.lease.held, within=30)
        started = [await stack.enter_async_context(lab.started(f"api-{number}")) for number in range(REPLICAS)]
        limits = httpx2.Limits(max_connections=100)
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=60, trust_env=False, limits=limits))
        yield Install(kube, namespace, http, [each.port for each in started])
    await kube.delete(NAMESPACES, None, namespace)
    await kube.delete(NAMESPACES, None, release)
