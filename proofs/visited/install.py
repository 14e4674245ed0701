"""A real API server, a real api process and the proxy with three entries; the sidecar and the pods are played.

The API server takes no loopback address for an endpoint, so each pod has an address of its own there, which the proxy's
pool is told to find at home.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from guildnet.kube.client import Client
from guildnet.kube.resources import CONFIGMAPS, ENDPOINTSLICES, SERVICEACCOUNTS, WORKSPACES
from guildnet.names import API_VERSION, origin_label
from guildnet_proxy.app import Running, running
from guildnet_proxy.http.forward import Place
from guildnet_proxy.http.upstream import Pool, UpstreamConnection
from guildnet_proxy.settings import Settings
from proofs.loglab.apis import KEY, Lab
from support.apiserver import ApiServer, make_namespace, service_account_token
from support.process import free_port
from support.waiting import eventually

ADMIN: Final = "guildnet-admin"
TAILNET: Final = "guildnet.tailtest.example"
DOMAIN: Final = "guildnet.example"
DEVICE: Final = "100.64.0.7"
LOGIN: Final = "ann@example.com"


@dataclass
class Sidecar:
    """The LocalAPI of a sidecar that is logged in, and what it says of devices by address."""

    devices: dict[str, dict[str, Any]] = field(default_factory=dict)

    def knows(self, address: str, login: str, *roles: str) -> None:
        granted = {"guildnet.io/cap/role": [{"roles": list(roles)}]} if roles else {}
        user = {"LoginName": login, "DisplayName": login}
        self.devices[address] = {"Node": {"Name": f"{login}.x."}, "UserProfile": user, "CapMap": granted}

    def app(self) -> web.Application:
        async def status(_: web.Request) -> web.Response:
            return web.json_response({"BackendState": "Running", "Self": {"DNSName": f"{TAILNET}."}})

        async def whois(request: web.Request) -> web.Response:
            known = self.devices.get(request.query["addr"])
            return web.Response(status=404, text="no match") if known is None else web.json_response(known)

        app = web.Application()
        app.add_routes([web.get("/localapi/v0/status", status), web.get("/localapi/v0/whois", whois)])
        return app


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that answers: its host label, and its port on the tailnet's name."""

    name: str
    label: str
    port: int


@dataclass
class Install:
    """Where everything is. `pods` are the real ports by the addresses that the cluster has for them."""

    kube: Client
    namespace: str
    directory: Path
    port: int
    api_port: int
    sidecar: Sidecar
    proxy: Running
    pods: dict[str, int]

    @property
    def host(self) -> str:
        return f"guildnet.localhost:{self.port}"

    @property
    def control(self) -> str:
        return f"http://{self.host}"

    @property
    def socket(self) -> Path:
        return self.directory / "tailnet.sock"

    async def token(self, account: str = ADMIN) -> str:
        return await service_account_token(self.kube, self.namespace, account, audiences=("guildnet",))

    async def forget(self, account: str) -> None:
        """Deletes an account, and with it its tokens."""
        await self.kube.delete(SERVICEACCOUNTS, self.namespace, account)

    async def workspace(self, name: str, port: int, labels: Mapping[str, str] | None = None) -> Workspace:
        """A running one, whose pod is the server at this port of loopback."""
        number = len(self.pods) + 1
        address = f"10.9.9.{number}"
        self.pods[address] = port
        body = {
            "apiVersion": API_VERSION, "kind": "Workspace", "metadata": {"name": name, "labels": dict(labels or {})},
            "spec": {"image": "example.com/app:1", "ports": [{"containerPort": port}]},
        }  # fmt: skip
        made = await self.kube.create(WORKSPACES, self.namespace, body)
        label = origin_label(name, made["metadata"]["uid"])
        origin = {"port": 20000 + number, "host": label}
        status = {"phase": "Running", "serviceUID": f"service-{name}", "origin": origin}
        await self.kube.merge_patch(WORKSPACES, self.namespace, name, {"status": status}, subresource="status")
        await self._slice(name, address, port)
        index = self.proxy.index
        await eventually(lambda: (found := index.find(name)) and found.status.origin and index.endpoints(found))
        return Workspace(name, label, 20000 + number)

    async def _slice(self, name: str, address: str, port: int) -> None:
        owner = {"apiVersion": "v1", "kind": "Service", "name": name, "uid": f"service-{name}", "controller": True}
        target = {"kind": "Pod", "name": "pod", "namespace": self.namespace}
        body = {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "ownerReferences": [owner]},
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}, "targetRef": target}],
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        }  # fmt: skip
        await self.kube.create(ENDPOINTSLICES, self.namespace, body)


@asynccontextmanager
async def install(server: ApiServer, kube: Client, directory: Path, ui: Path | None = None) -> AsyncIterator[Install]:
    """The install while the block runs, in a namespace of its own; `ui` is the folder of its UI."""
    namespace = await make_namespace(kube)
    await kube.create(CONFIGMAPS, namespace, {"metadata": {"name": "guildnet-entries"}})
    (directory / "key").write_bytes(KEY)
    port, sidecar = free_port(), Sidecar()
    sidecar.knows(DEVICE, LOGIN)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(sidecar.app(), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.UnixSite(runner, str(directory / "tailscaled.sock")).start()
        api = await stack.enter_async_context(
            Lab(directory, server.kubeconfig, namespace, "").started("api", UI_DIR=str(ui or ""))
        )
        settings = Settings(
            kubeconfig=str(server.kubeconfig), k8s_namespace=namespace, release_namespace=namespace,
            identity_key_file=str(directory / "key"), local_origin=f"http://guildnet.localhost:{port}",
            domain_origin=f"https://{DOMAIN}", listen_local=f"127.0.0.1:{port}",
            api_url=f"http://127.0.0.1:{api.port}", admin_service_account=f"{namespace}:{ADMIN}", ops_port=0,
            access_log=False, tailnet_socket=str(directory / "tailnet.sock"),
            tailscaled_socket=str(directory / "tailscaled.sock"), serve_file=str(directory / "serve.json"),
        )  # fmt: skip
        proxy = await stack.enter_async_context(running(settings))
        made = Install(kube, namespace, directory, port, api.port, sidecar, proxy, {})
        opened = proxy.server.pool.open

        async def at_home(pool: Pool, place: Place) -> UpstreamConnection:
            at = made.pods.get(place.address)
            return await opened(pool, place if at is None else place._replace(address="127.0.0.1", port=at))

        proxy.server.pool.open = at_home
        yield made
