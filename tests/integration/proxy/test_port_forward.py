"""Workspaces through the API server: what is carried is the same as by the pod's address, byte for byte."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import trustme
from aiohttp import web
from prometheus_client import CollectorRegistry

from guildnet_proxy.app import Running, running
from guildnet_proxy.cluster.port_forward import PROTOCOL
from guildnet_proxy.settings import Settings
from integration.proxy.room import KEY, api_app, serve_app
from proofs.bench.cluster import NAMESPACE, Placed, hosting
from support.process import free_port
from support.waiting import eventually

HOST = "guildnet.localhost"
LONG = bytes(range(256)) * 16 * 1024  # 4 MiB


class Kubelet:
    """Forwards ports as a kubelet does, to where `ports` says that the pod's really are; or answers `status`."""

    def __init__(self) -> None:
        self.ports: dict[int, int] = {}
        self.status = 0
        self.asked: list[str] = []
        self._open: list[asyncio.StreamWriter] = []

    def end(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.status:
            return web.json_response({"kind": "Status", "message": "not for you"}, status=self.status)
        answer = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=0)
        await answer.prepare(request)
        port = int(request.query["ports"])
        for channel in (0, 1):
            await answer.send_bytes(bytes((channel,)) + port.to_bytes(2, "little"))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[port])
        except OSError:
            await answer.send_bytes(b"\x01unable to do port forwarding: connection refused")
            await answer.close()
            return answer
        self._open.append(writer)
        down = asyncio.create_task(self._down(reader, answer))
        try:
            async for message in answer:
                assert message.data[0] == 0
                writer.write(message.data[1:])
                await writer.drain()
        finally:
            down.cancel()
            writer.close()
        return answer

    async def _down(self, reader: asyncio.StreamReader, answer: web.WebSocketResponse) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await answer.send_bytes(b"\0" + data)
        await answer.close()


def app() -> web.Application:
    async def echo(request: web.Request) -> web.StreamResponse:
        if request.path == "/socket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                await socket.send_str(message.data.upper())
            return socket
        if request.path == "/moved":
            raise web.HTTPFound("/elsewhere?x=/api/v1/namespaces")
        if request.path == "/page":
            return web.Response(text='<a href="/api/v1/x">', content_type="text/html")
        if request.path == "/long":
            return web.Response(body=LONG)
        body = await request.read()
        return web.json_response({"sent": request.headers.get("Authorization", ""), "same": body == LONG})

    found = web.Application(client_max_size=2**30)
    found.router.add_route("*", "/{rest:.*}", echo)
    return found


@asynccontextmanager
async def install(tmp_path: Path, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Running, Kubelet, str]]:
    """The proxy, the kubelet, and where the workspace's own origin is; nothing listens at the port that its pod has."""
    kubelet = Kubelet()
    runner = web.AppRunner(app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    api, api_port = await serve_app(api_app([]))
    (tmp_path / "key").write_bytes(KEY)
    port = 8443 if tls else free_port()
    kubelet.ports[port] = int(runner.addresses[0][1])
    placed = Placed("ws1", port)
    routes = [web.get(f"/api/v1/namespaces/{NAMESPACE}/pods/ws1-pod/portforward", kubelet.forward)]
    listens = free_port()
    async with AsyncExitStack() as stack:
        for one in (runner, api):
            stack.push_async_callback(one.cleanup)
        kubeconfig = await stack.enter_async_context(hosting(tmp_path, [placed], routes))
        settings = Settings(
            kubeconfig=str(kubeconfig), k8s_namespace=NAMESPACE, identity_key_file=str(tmp_path / "key"),
            listen_local=f"127.0.0.1:{listens}", local_origin=f"http://{HOST}:{listens}", ops_port=0,
            api_url=f"http://127.0.0.1:{api_port}", pod_networks=("127.0.0.0/8",), proxy_transport="api-server",
            identity_proxy_listen=f"127.0.0.1:{free_port()}", identity_proxy_from=("127.0.0.1/32",),
        )  # fmt: skip
        proxy = await stack.enter_async_context(running(settings, registry=CollectorRegistry()))
        # Lists come one after the other: before that of Capabilities nobody may use anything.
        await eventually(lambda: proxy.watches.check() is None, within=20)
        yield proxy, kubelet, settings.identity_proxy_listen


def asking(listens: int, label: str) -> dict[str, Any]:
    return {"headers": {"Host": f"{label}.{HOST}:{listens}", "X-Forwarded-Email": "ann@x"}, "allow_redirects": False}


@asynccontextmanager
async def session(
    tmp_path: Path, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Any, Any, Running, Kubelet]]:
    async with install(tmp_path, tls) as (proxy, kubelet, vouched), aiohttp.ClientSession() as client:
        label = Placed("ws1", 0).label

        def ask(method: str, path: str, **more: Any) -> Any:
            given = asking(proxy.port, label)
            given["headers"] |= more.pop("headers", {})
            return client.request(method, f"http://{vouched}{path}", **given, **more)

        def connect() -> Any:
            return client.ws_connect(f"http://{vouched}/socket", headers=asking(proxy.port, label)["headers"])

        yield ask, connect, proxy, kubelet


async def test_what_comes_and_goes_is_as_by_the_pods_address(tmp_path: Path) -> None:
    async with session(tmp_path) as (ask, _, _, kubelet):
        async with ask("GET", "/", headers={"Authorization": "Basic YW5uOng="}) as answer:
            assert json.loads(await answer.text()) == {"sent": "Basic YW5uOng=", "same": False}
        async with ask("GET", "/moved") as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere?x=/api/v1/namespaces")
        async with ask("GET", "/page") as answer:
            assert await answer.text() == '<a href="/api/v1/x">'
        assert len(kubelet.asked) == 1, "a connection serves one request after the other"


async def test_long_bodies_go_up_and_down_whole(tmp_path: Path) -> None:
    async with session(tmp_path) as (ask, _, _, _):
        async with ask("POST", "/", data=io.BytesIO(LONG)) as answer:
            assert json.loads(await answer.text())["same"]
        async with ask("GET", "/long") as answer:
            found = await answer.read()
            assert (len(found), found == LONG) == (len(LONG), True)


async def test_websockets_go_through(tmp_path: Path) -> None:
    async with session(tmp_path) as (_, connect, _, _), connect() as socket:
        await socket.send_str("through")
        assert await socket.receive_str(timeout=5) == "THROUGH"


async def test_a_port_that_speaks_tls_is_spoken_to_by_it(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("anything.example").configure_cert(context)
    async with session(tmp_path, context) as (ask, _, _, _), ask("GET", "/page") as answer:
        assert answer.status == 200


async def test_what_is_refused_is_502_with_the_reason_in_the_log_alone(tmp_path: Path) -> None:
    async with session(tmp_path) as (ask, _, _, kubelet):
        kubelet.status = 403
        async with ask("GET", "/") as answer:
            assert answer.status == 502
            assert "not for you" not in await answer.text()
        kubelet.status = 0
        kubelet.ports = dict.fromkeys(kubelet.ports, free_port())
        async with ask("GET", "/") as answer:
            assert answer.status == 502


async def test_when_the_api_server_ends_it_what_is_open_ends_and_nothing_is_left(tmp_path: Path) -> None:
    async with session(tmp_path) as (_, connect, proxy, kubelet):
        async with connect() as socket:
            await socket.send_str("a")
            assert await socket.receive_str(timeout=5) == "A"
            kubelet.end()
            assert (await socket.receive(timeout=5)).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        pool: Any = proxy.server.pool
        await eventually(lambda: not pool.open.__self__._carrying)
