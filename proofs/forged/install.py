"""A proxy, an api and a real API server, and a browser that is logged in at the proxy with every right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from guildnet.kube.client import Client
from guildnet.kube.resources import CONFIGMAPS, SECRETS, WORKSPACES
from guildnet.names import API_VERSION
from guildnet_proxy.app import Running, running
from guildnet_proxy.settings import Settings
from proofs.forged.requests import Asked
from proofs.loglab.apis import KEY, Lab
from support.apiserver import ApiServer, make_namespace, service_account_token
from support.process import free_port

ADMIN: Final = "guildnet-admin"
ANSWER_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer; `begun` are the first bytes behind it."""

    status: int
    head: str
    begun: bytes

    @property
    def readable_by(self) -> str:
        """The origin whose pages may read it, "" for none but its own."""
        lines = (line.partition(":") for line in self.head.split("\r\n"))
        return next((value.strip() for name, _, value in lines if name.lower() == "access-control-allow-origin"), "")


@dataclass(frozen=True, slots=True)
class Install:
    """Where requests go, with the session's cookie."""

    kube: Client
    namespace: str
    port: int
    control: str
    api_port: int = 0
    cookie: str = ""
    token: str = ""
    proxy: Running | None = None

    async def ask(self, asked: Asked) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            cookie = [f"Cookie: {self.cookie}"] if self.cookie else []
            host = f"Host: {asked.host or self.control.removeprefix('http://')}"
            lines = [f"{asked.method} {asked.target} HTTP/1.1", host, "Connection: close", *cookie, *asked.headers]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + asked.body)
            async with asyncio.timeout(ANSWER_SECONDS):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                begun = await reader.read(4096)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return Answer(int(head.split(" ")[1]), head, begun)

    async def workspace(self, name: str) -> None:
        body = {"apiVersion": API_VERSION, "kind": "Workspace", "metadata": {"name": name},
                "spec": {"image": "example.com/app:1"}}  # fmt: skip
        await self.kube.create(WORKSPACES, self.namespace, body)

    async def objects(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Every Workspace and Secret as (uid, resourceVersion), by kind and name."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for resource in (WORKSPACES, SECRETS):
            for item in (await self.kube.list(resource, self.namespace))["items"]:
                meta: Any = item["metadata"]
                found[resource.kind, meta["name"]] = meta["uid"], meta["resourceVersion"]
        return found


@asynccontextmanager
async def install(
    server: ApiServer, kube: Client, directory: Path, endpoint: str = "", *, ui: str = "", presets: str = ""
) -> AsyncIterator[Install]:
    """A running install in a namespace of its own, logged in; its traces go to `endpoint`. `ui` is the origin of
    another UI in the place of ours, `presets` the file of the images on offer."""
    namespace = await make_namespace(kube)
    await kube.create(CONFIGMAPS, namespace, {"metadata": {"name": "guildnet-entries"}})
    (directory / "key").write_bytes(KEY)
    port = free_port()
    control = f"http://guildnet.localhost:{port}"
    offered: dict[str, Any] = {"PRESETS_FILE": presets} if presets else {}
    lab = Lab(directory, server.kubeconfig, namespace, "")
    async with lab.started("api", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **offered) as api:
        settings = Settings(
            kubeconfig=str(server.kubeconfig), k8s_namespace=namespace, release_namespace=namespace,
            identity_key_file=str(directory / "key"), local_origin=control, listen_local=f"127.0.0.1:{port}",
            api_url=f"http://127.0.0.1:{api.port}", admin_service_account=f"{namespace}:{ADMIN}", ops_port=0,
            access_log=False, otel_exporter_otlp_endpoint=endpoint, ui_dev_origin=ui,
        )  # fmt: skip
        async with running(settings) as proxy:
            await asyncio.wait_for(proxy.watches.synced(), 30)
            made = Install(kube, namespace, port, control, api.port, proxy=proxy)
            token = await service_account_token(kube, namespace, ADMIN, audiences=("guildnet",))
            login = await made.ask(Asked("login", "GET", f"/login?token={token}"))
            assert login.status == 303, login
            cookies = [line[11:].strip() for line in login.head.split("\r\n") if line.lower().startswith("set-cookie:")]
            yield replace(made, cookie=cookies[0].partition(";")[0], token=token)
