"""Real api processes before a real API server, and the objects they serve: a Workspace with a running pod."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from guildnet.identity import HEADER, Identity, sign
from guildnet.kube.client import Client
from guildnet.kube.resources import PODS, WORKSPACES
from guildnet.names import LABEL_WORKSPACE, LABEL_WORKSPACE_UID
from guildnet.web.entries import Entry
from support.kubelet import ready_status
from support.process import Process, free_port
from support.waiting import eventually

KEY = b"k" * 32
WHO = Identity("token", "lab", roles=("admin",), source="bearer", entry=Entry("local", "http://lab.localhost", "host"))
STREAM = "/sse/logs"


@dataclass(frozen=True, slots=True)
class ApiProcess:
    """One replica."""

    process: Process
    port: int
    ops: int

    def target(self, workspace: str, query: str = "") -> str:
        return f"{STREAM}?target={workspace}{query}"

    @staticmethod
    def headers(identities: int = 1) -> list[dict[str, str]]:
        """Of so many identities, each signed for the stream's path and good for a minute."""
        now, whose = time.time(), (replace(WHO, login=f"lab-{number}") for number in range(identities))
        return [{HEADER: sign(who, KEY, method="GET", path=STREAM, now=now)} for who in whose]

    async def metric(self, name: str) -> float:
        async with httpx2.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"http://127.0.0.1:{self.ops}/metrics")).text
        found = [line.split()[-1] for line in text.splitlines() if line.startswith(name)]
        return sum(map(float, found))


@dataclass(frozen=True, slots=True)
class Lab:
    """Where replicas run: their directory, cluster and Redis."""

    directory: Path
    kubeconfig: Path
    namespace: str
    redis_url: str

    async def start(self, name: str, *, core: int | None = None, **settings: str) -> ApiProcess:
        """A replica that is ready; with `core` it runs on that one alone."""
        key = self.directory / "key"
        key.write_bytes(KEY)
        port, ops = free_port(), free_port()
        environment: Mapping[str, str] = {
            "LISTEN": f"127.0.0.1:{port}",
            "OPS_PORT": str(ops),
            "KUBECONFIG": str(self.kubeconfig),
            "K8S_NAMESPACE": self.namespace,
            "REDIS_URL": self.redis_url,
            "IDENTITY_KEY_FILE": str(key),
            # The readers of a crowd are few identities.
            "LIMIT_STREAMS": "100000",
            "LIMIT_REQUESTS": "100000",
            "LIMIT_REQUEST_RATE": "100000",
            "LIMIT_REQUEST_BURST": "100000",
            **settings,
        }
        pinned = ["taskset", "--cpu-list", str(core)] if core is not None else []
        argv = [*pinned, sys.executable, "-m", "guildnet_api"]
        process = Process(argv, self.directory / f"{name}.log", env=environment)
        made = ApiProcess(process, port, ops)
        async with httpx2.AsyncClient(trust_env=False) as client:

            async def ready() -> bool:
                assert process.running, process.tail()
                try:
                    return (await client.get(f"http://127.0.0.1:{ops}/readyz")).status_code == 200
                except httpx2.HTTPError:
                    return False

            await eventually(ready, within=60, every=0.1)
        return made

    @asynccontextmanager
    async def started(self, name: str, *, core: int | None = None, **settings: str) -> AsyncIterator[ApiProcess]:
        """A replica that is ready, killed when the block ends."""
        made = await self.start(name, core=core, **settings)
        try:
            yield made
        finally:
            made.process.stop(kill=True)


def pod_of(workspace: str) -> str:
    return f"{workspace}-1"


async def running_workspace(kube: Client, namespace: str, name: str, node: str) -> None:
    """A Workspace with a pod that runs on this node."""
    body = {"metadata": {"name": name}, "spec": {"image": "example.com/app:1"}}
    made = await kube.create(WORKSPACES, namespace, body)
    pod_name = pod_of(name)
    labels = {LABEL_WORKSPACE: name, LABEL_WORKSPACE_UID: made["metadata"]["uid"]}
    container = {"name": "workspace", "image": "example.com/app:1"}
    pod = {"metadata": {"name": pod_name, "labels": labels}, "spec": {"nodeName": node, "containers": [container]}}
    created = await kube.create(PODS, namespace, pod)
    await kube.merge_patch(PODS, namespace, pod_name, {"status": ready_status(created)}, subresource="status")
