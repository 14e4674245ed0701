"""A Kubernetes API with one running workspace and nothing else: lists and watches, enough for the proxy to start as it
does in a cluster. It refuses every write."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from guildnet.kube.resources import CAPABILITIES, ENDPOINTSLICES, WORKSPACES, path
from guildnet.names import origin_label

NAMESPACE = "guildnet-workspaces"
NAME = "bench"
UID = "0be9c500-0000-4000-8000-000000000001"
LABEL = origin_label(NAME, UID)
_SERVICE = "0be9c500-0000-4000-8000-000000000002"
_BOOKMARK_SECONDS = 20.0


def workspace(port: int) -> dict[str, Any]:
    return {
        "metadata": {"name": NAME, "namespace": NAMESPACE, "uid": UID, "resourceVersion": "1"},
        "spec": {"image": "bench", "ports": [{"containerPort": port, "pathMode": "Strip"}]},
        "status": {"phase": "Running", "serviceUID": _SERVICE, "origin": {"port": 20001, "host": LABEL}},
    }


def endpoint_slice(port: int) -> dict[str, Any]:
    owner = {"apiVersion": "v1", "kind": "Service", "name": NAME, "uid": _SERVICE}
    pod = {"kind": "Pod", "name": f"{NAME}-pod", "namespace": NAMESPACE}
    return {
        "metadata": {
            "name": f"{NAME}-slice",
            "namespace": NAMESPACE,
            "uid": "0be9c500-0000-4000-8000-000000000003",
            "resourceVersion": "1",
            "ownerReferences": [owner],
        },
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}, "targetRef": pod}],
    }


@asynccontextmanager
async def serving(directory: Path, upstream_port: int) -> AsyncIterator[Path]:
    """The path of a kubeconfig while the block runs; the workspace's pod is at `upstream_port`."""
    held: dict[str, list[dict[str, Any]]] = {
        path(WORKSPACES, NAMESPACE): [workspace(upstream_port)],
        path(ENDPOINTSLICES, NAMESPACE): [endpoint_slice(upstream_port)],
        path(CAPABILITIES, NAMESPACE): [],
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path not in held:
            raise web.HTTPNotFound
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": held[request.path]})
        return await _watched(request)

    app = web.Application()
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
