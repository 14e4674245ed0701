"""An install with the first generation's UI in the place of ours, and a workspace that runs, logs and serves an app."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web

from guildnet.kube.client import connect
from guildnet.kube.resources import ENDPOINTSLICES, WORKSPACES
from guildnet.names import origin_label
from proofs.forged.install import Install, install
from proofs.loglab.apis import pod_of, running_workspace
from proofs.loglab.node import LogNode, log_node
from support.apiserver import ApiServer
from support.waiting import eventually

UI: Final = Path(__file__).parent / "ui"
LAB: Final = "lab-00001"
TITLE: Final = "the app works"
PRESETS: Final = [{"label": "VS Code", "image": "codercom/code-server:4.99.0", "ports": [{"port": 8080}]}]
_ADDRESS: Final = "10.9.9.9"
"""The API server takes no loopback address for an endpoint; connections to this one go there."""
_PAGE: Final = f"""<!doctype html><title>the app</title><script>
const socket = new WebSocket(location.href.replace("http", "ws") + "socket");
socket.onmessage = async () => {{
  const saved = await fetch("save", {{method: "POST", body: "x"}});
  localStorage.kept = "1";
  if (saved.ok && localStorage.kept) document.title = "{TITLE}";
}};
</script>"""


@dataclass(frozen=True, slots=True)
class Stage:
    """`uid` is the workspace's."""

    made: Install
    node: LogNode
    uid: str

    @property
    def own(self) -> str:
        """The workspace's own origin, without a slash."""
        return self.made.control.replace("://", f"://{origin_label(LAB, self.uid)}.")

    def log(self, *texts: str) -> None:
        self.node.write(pod_of(LAB), *texts)


async def _app(_: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


async def _socket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("hello")
    async for message in socket:
        if message.type is WSMsgType.CLOSE:
            break
    return socket


async def _saved(_: web.Request) -> web.Response:
    return web.json_response({"saved": True})


@asynccontextmanager
async def _served(*routes: web.RouteDef) -> AsyncIterator[int]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _ui() -> tuple[web.RouteDef, ...]:
    async def script(_: web.Request) -> web.FileResponse:
        return web.FileResponse(UI / "app.js", headers={"Content-Type": "text/javascript"})

    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(UI / "index.html")

    return web.get("/assets/app.js", script), web.get("/{rest:.*}", page)


async def _exposed(made: Install, port: int) -> str:
    """Gives the workspace an endpoint, as the operator and the cluster do; its uid."""
    found = await made.kube.get(WORKSPACES, made.namespace, LAB)
    uid = str(found["metadata"]["uid"])
    status = {"phase": "Running", "serviceUID": "its-service", "origin": {"host": origin_label(LAB, uid)}}
    await made.kube.merge_patch(WORKSPACES, made.namespace, LAB, {"status": status}, subresource="status")
    owner = {"apiVersion": "v1", "kind": "Service", "name": LAB, "uid": "its-service"}
    target = {"kind": "Pod", "name": pod_of(LAB), "namespace": made.namespace}
    body: dict[str, Any] = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": LAB, "ownerReferences": [owner]},
        "endpoints": [{"addresses": [_ADDRESS], "conditions": {"ready": True}, "targetRef": target}],
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }  # fmt: skip
    await made.kube.create(ENDPOINTSLICES, made.namespace, body)
    proxy = made.proxy
    assert proxy is not None
    opened = proxy.server.pool.open

    async def at_home(pool: Any, place: Any) -> Any:
        return await opened(pool, place._replace(address="127.0.0.1") if place.address == _ADDRESS else place)

    proxy.server.pool.open = at_home
    await eventually(lambda: proxy.index.endpoints(proxy.index.workspaces[LAB]), within=30)
    return uid


@asynccontextmanager
async def staged(server: ApiServer, directory: Path) -> AsyncIterator[Stage]:
    presets = directory / "presets.json"
    presets.write_text(json.dumps(PRESETS))
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(
            _served(web.get("/", _app), web.get("/socket", _socket), web.post("/save", _saved))
        )
        ui = await stack.enter_async_context(_served(*_ui()))
        kube = await stack.enter_async_context(connect(str(server.kubeconfig), user_agent="guildnet-tests"))
        node = await stack.enter_async_context(log_node(kube))
        made = await stack.enter_async_context(
            install(server, kube, directory, ui=f"http://127.0.0.1:{ui}", presets=str(presets))
        )
        await running_workspace(kube, made.namespace, LAB, node.name)
        await asyncio.sleep(0.5)  # until the watches have told of it
        yield Stage(made, node, await _exposed(made, app))
