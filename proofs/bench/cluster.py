"""A Kubernetes API with running workspaces and nothing else: lists and watches, enough for the proxy to start as it
does in a cluster. It refuses every write."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from guildnet.kube.resources import CAPABILITIES, ENDPOINTSLICES, NODES, SERVICES, WORKSPACES, Resource, path
from guildnet.names import origin_label

NAMESPACE = "guildnet-workspaces"
_BOOKMARK_SECONDS = 20.0
_EMPTY = (
    path(SERVICES, "guildnet"), path(ENDPOINTSLICES, "guildnet"), path(ENDPOINTSLICES, "default"), path(NODES),
)  # fmt: skip
"""What the proxy asks for beside the workspaces: nothing of it is there."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One workspace whose pod is at `port` of loopback; no other has its `number`, from 1 to 999."""

    name: str
    port: int
    number: int = 1

    def _id(self, kind: int) -> str:
        return f"0be9c500-0000-4000-8000-{kind:09d}{self.number:03d}"

    @property
    def uid(self) -> str:
        return self._id(1)

    @property
    def label(self) -> str:
        """The first label of its own origin."""
        return origin_label(self.name, self.uid)

    def workspace(self) -> dict[str, Any]:
        return {
            "metadata": {"name": self.name, "namespace": NAMESPACE, "uid": self.uid, "resourceVersion": "1"},
            "spec": {"image": "bench", "ports": [{"containerPort": self.port, "pathMode": "Strip"}]},
            "status": {
                "phase": "Running",
                "serviceUID": self._id(2),
                "origin": {"port": 20000 + self.number, "host": self.label},
            },
        }

    def endpoint_slice(self) -> dict[str, Any]:
        owner = {"apiVersion": "v1", "kind": "Service", "name": self.name, "uid": self._id(2)}
        pod = {"kind": "Pod", "name": f"{self.name}-pod", "namespace": NAMESPACE}
        return {
            "metadata": {
                "name": f"{self.name}-slice",
                "namespace": NAMESPACE,
                "uid": self._id(3),
                "resourceVersion": "1",
                "ownerReferences": [owner],
            },
            "ports": [{"name": "http", "port": self.port, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}, "targetRef": pod}],
        }


def bench(port: int) -> Placed:
    """The workspace that the bench asks."""
    return Placed("bench", port)


UID, LABEL = bench(0).uid, bench(0).label


@asynccontextmanager
async def serving(directory: Path, upstream_port: int) -> AsyncIterator[Path]:
    """The path of a kubeconfig while the block runs; the workspace's pod is at `upstream_port`."""
    async with hosting(directory, [bench(upstream_port)]) as kubeconfig:
        yield kubeconfig


@asynccontextmanager
async def hosting(
    directory: Path, placed: Sequence[Placed], routes: Sequence[web.AbstractRouteDef] = ()
) -> AsyncIterator[Path]:
    """The path of a kubeconfig while the block runs; these workspaces are there, and what `routes` answer."""
    held: dict[Resource, list[dict[str, Any]]] = {
        WORKSPACES: [one.workspace() for one in placed],
        ENDPOINTSLICES: [one.endpoint_slice() for one in placed],
        CAPABILITIES: [],
    }
    async with listing(directory, held, routes=routes) as kubeconfig:
        yield kubeconfig


@asynccontextmanager
async def listing(
    directory: Path,
    objects: Mapping[Resource, Sequence[Mapping[str, Any]]],
    elsewhere: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    routes: Sequence[web.AbstractRouteDef] = (),
) -> AsyncIterator[Path]:
    """The path of a kubeconfig while the block runs; these objects are there, those of `elsewhere` by the path of their
    list, and what `routes` answer. Lists are made once: whoever asks for one again and again measures itself."""
    lists: dict[str, Sequence[Mapping[str, Any]]] = dict.fromkeys(_EMPTY, ())
    lists |= {path(kind, NAMESPACE): items for kind, items in objects.items()} | dict(elsewhere or {})
    held = {
        where: json.dumps({"metadata": {"resourceVersion": "1"}, "items": items}).encode()
        for where, items in lists.items()
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path not in held:
            raise web.HTTPNotFound
        if "watch" not in request.query:
            return web.Response(body=held[request.path], content_type="application/json")
        return await _watched(request)

    app = web.Application()
    app.add_routes(routes)
    app.router.add_get("/{rest:.*}", answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        kubeconfig = directory / "kubeconfig.json"
        kubeconfig.write_text(json.dumps(_kubeconfig(int(runner.addresses[0][1]))))
        yield kubeconfig
    finally:
        await runner.cleanup()


async def _watched(request: web.Request) -> web.StreamResponse:
    """Bookmarks and nothing else: the proxy takes a silent watch for dead."""
    response = web.StreamResponse()
    response.content_type = "application/json"
    await response.prepare(request)
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}
    with contextlib.suppress(ConnectionError):  # guildnet has ended
        while True:
            await response.write(json.dumps(bookmark).encode() + b"\n")
            await asyncio.sleep(_BOOKMARK_SECONDS)
    return response


def _kubeconfig(port: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "bench", "user": {}}],
    }
