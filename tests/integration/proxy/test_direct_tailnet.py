"""A tailnet without `tailscale serve`: the sidecar hands connections over as they are, and says whose each is."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from prometheus_client import CollectorRegistry

from guildnet_proxy.app import Running, running
from guildnet_proxy.settings import Settings
from guildnet_proxy.tailnet import direct
from guildnet_proxy.tailnet.certificate import Certificate
from integration.proxy.room import KEY, api_app, echo_app, read_answer, serve_app
from proofs.bench.cluster import NAMESPACE, Placed, hosting
from support.process import free_port
from support.waiting import eventually

NAME = "guildnet.tailtest.example"
DEVICES = {"100.64.0.7": ("laptop", "ann@example.com", []), "100.64.0.8": ("ci", "", ["tag:ci"])}
FORGED = (
    "Tailscale-User-Login: root@example.com", "X-Forwarded-For: 100.64.0.8", 'Tailscale-App-Capabilities: {"x": []}',
    "X-Forwarded-Host: guildnet.localhost:8080",
)  # fmt: skip


class Sidecar:
    """A LocalAPI that knows connections by the port they come from, a moment after they were opened."""

    def __init__(self) -> None:
        self.connections: dict[str, str] = {}
        self.late = 0

    def app(self) -> web.Application:
        async def status(_: web.Request) -> web.Response:
            return web.json_response({"BackendState": "Running", "Self": {"DNSName": NAME + "."}})

        async def whois(request: web.Request) -> web.Response:
            asked = request.query["addr"]
            if ":" in asked and self.late:
                self.late -= 1
                return web.Response(status=404, text="no match for IP:port")
            address = self.connections.get(asked, asked)
            if address not in DEVICES:
                return web.Response(status=404, text="no match for IP:port")
            name, login, tags = DEVICES[address]
            node = {"Name": f"{name}.x.", "Tags": tags, "Addresses": [f"{address}/32", "fd7a::1/128"]}
            return web.json_response({"Node": node, "UserProfile": {"LoginName": login, "DisplayName": login}})

        app = web.Application()
        app.add_routes([web.get("/localapi/v0/status", status), web.get("/localapi/v0/whois", whois)])
        return app


class Install:
    def __init__(self, proxy: Running, sidecar: Sidecar, port: int, own_port: int, tls: ssl.SSLContext | None) -> None:
        self.proxy, self.sidecar, self.port, self.own_port, self.tls = proxy, sidecar, port, own_port, tls

    async def ask(self, path: str, *headers: str, device: str, port: int = 0, name: str = NAME) -> Any:
        """One request of a device, as the sidecar hands it over; an empty device is nobody's."""
        port = port or self.port
        local = free_port()
        if device:
            self.sidecar.connections[f"127.0.0.1:{local}"] = device
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=("127.0.0.1", local), ssl=self.tls, server_hostname=NAME if self.tls else None
        )
        lines = [f"GET {path} HTTP/1.1", f"Host: {name}:{port}", "Connection: close", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        try:
            async with asyncio.timeout(15):
                return await read_answer(reader)
        finally:
            writer.close()


@asynccontextmanager
async def direct_proxy(tmp_path: Path, socket: str, **more: Any) -> AsyncIterator[tuple[Running, int, int]]:
    """A proxy with a workspace that asks the LocalAPI at `socket`, its control origin's port and the workspace's."""
    upstream, upstream_port = await serve_app(echo_app())
    api, api_port = await serve_app(api_app([]))
    (tmp_path / "key").write_bytes(KEY)
    own_port = free_port()
    placed = Placed("ws1", upstream_port, own_port - 20000)
    async with hosting(tmp_path, [placed]) as kubeconfig:
        settings = Settings(
            kubeconfig=str(kubeconfig), k8s_namespace=NAMESPACE, identity_key_file=str(tmp_path / "key"),
            listen_local="127.0.0.1:0", api_url=f"http://127.0.0.1:{api_port}", ops_port=0, ops_host="127.0.0.1",
            tailscaled_socket=socket, tailnet_port=free_port(), pod_networks=("127.0.0.0/8",), **more,
        )  # fmt: skip
        async with running(settings, registry=CollectorRegistry()) as proxy:
            await eventually(lambda: _listens(own_port), within=20)
            yield proxy, settings.tailnet_port, own_port
    for one in (upstream, api):
        await one.cleanup()


@asynccontextmanager
async def install(tmp_path: Path, **more: Any) -> AsyncIterator[Install]:
    sidecar = Sidecar()
    runner = web.AppRunner(sidecar.app(), access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "tailscaled.sock")).start()
    tls = None
    if more["tailnet_tls"] == "own":
        tls = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    async with direct_proxy(tmp_path, str(tmp_path / "tailscaled.sock"), **more) as (proxy, port, own_port):
        await eventually(lambda: _known(proxy), within=20)
        yield Install(proxy, sidecar, port, own_port, tls)
    await runner.cleanup()


def _known(proxy: Running) -> bool:
    door: Any = proxy.server.handler
    return door.sites.tailnet is not None and proxy.watches.check() is None


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_a_device_is_who_the_sidecar_says_whatever_it_sends(tmp_path: Path) -> None:
    async with install(tmp_path, tailnet_tls="none") as found:
        for device, kind, login in (("100.64.0.7", "user", "ann@example.com"), ("100.64.0.8", "node", "ci.x")):
            for forged in ((), FORGED):
                me = await found.ask("/api/me", *forged, device=device)
                assert json.loads(me.body) == {"kind": kind, "login": login, "entry": "tailnet", "path": "/api/me"}


async def test_a_workspace_has_its_port_and_sees_the_devices_address(tmp_path: Path) -> None:
    async with install(tmp_path, tailnet_tls="none") as found:
        answer = await found.ask("/x", *FORGED, device="100.64.0.7", port=found.own_port)
        seen = {key.lower(): value for key, value in json.loads(answer.body)["headers"]}
        assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("100.64.0.7", "http")
        assert seen["host"] == f"{NAME}:{found.own_port}"
        assert "tailscale-user-login" not in seen


async def test_a_connection_of_no_device_is_closed_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pod's loopback is for whoever is in the pod."""
    monkeypatch.setattr(direct, "ASK_SECONDS", 0.3)
    async with install(tmp_path, tailnet_tls="none") as found:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await found.ask("/api/me", *FORGED, device="")
        assert not found.proxy.server.clients


async def test_the_sidecar_may_know_a_moment_late(tmp_path: Path) -> None:
    async with install(tmp_path, tailnet_tls="none") as found:
        found.sidecar.late = 3
        assert (await found.ask("/api/me", device="100.64.0.7")).status == 200


async def test_another_name_is_none_of_this_install(tmp_path: Path) -> None:
    async with install(tmp_path, tailnet_tls="none") as found:
        assert (await found.ask("/api/me", device="100.64.0.7", name="evil.example")).status == 421


async def test_tls_is_by_the_certificate_of_the_secret_and_by_a_new_one_without_a_restart(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    folder = tmp_path / "certificate"
    folder.mkdir()
    put(authority.issue_cert(NAME), folder)
    async with install(tmp_path, tailnet_tls="own", tailnet_certificate=str(folder)) as found:
        assert (await found.ask("/api/me", device="100.64.0.7")).status == 200
        (folder / "tls.key").write_bytes(b"half of it")
        certificate = next(task for task in found.proxy.tasks if task.get_name() == "tailnet certificate")
        assert not certificate.done()
        assert (await found.ask("/api/me", device="100.64.0.7")).status == 200


def put(made: trustme.LeafCert, folder: Path) -> None:
    made.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    made.private_key_pem.write_to_path(str(folder / "tls.key"))


async def test_a_changed_certificate_is_taken_and_one_that_does_not_fit_is_not(tmp_path: Path) -> None:
    authority = trustme.CA()
    first, second = authority.issue_cert(NAME), authority.issue_cert("other.example")
    put(first, tmp_path)
    certificate = Certificate(tmp_path)
    assert not certificate.look()
    second.cert_chain_pems[0].write_to_path(str(tmp_path / "tls.crt"))
    with pytest.raises(ssl.SSLError):
        certificate.look()
    assert await names(certificate, authority) == NAME
    put(second, tmp_path)
    assert certificate.look()
    assert await names(certificate, authority) == "other.example"


async def names(certificate: Certificate, authority: trustme.CA) -> str:
    """The name in the certificate that a client is shown."""
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=certificate.context)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.check_hostname = False
    _, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1], ssl=context)
    found = writer.get_extra_info("peercert")["subjectAltName"][0][1]
    writer.close()
    server.close()
    return str(found)
