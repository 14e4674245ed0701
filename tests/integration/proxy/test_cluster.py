"""The whole process against a real API server: its watches, its token reviews, the entries ConfigMap, its end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from guildnet.identity import Identity
from guildnet.kube.client import Client
from guildnet.kube.resources import CAPABILITIES, CONFIGMAPS, ENDPOINTSLICES, NODES, SERVICES, WORKSPACES
from guildnet.names import API_VERSION, origin_label
from guildnet_proxy.app import COMPILED, Running, running
from guildnet_proxy.auth.sessions import Session
from guildnet_proxy.frontdoor.dispatch import FrontDoor
from guildnet_proxy.settings import Settings
from integration.proxy.room import KEY, api_app, echo_app, read_answer, serve_app
from support.apiserver import service_account_token
from support.process import free_port
from support.waiting import eventually


class Sidecar:
    """The LocalAPI of a sidecar that is logged in as one node."""

    def __init__(self) -> None:
        self.state = "NeedsLogin"

    def app(self) -> web.Application:
        async def status(_: web.Request) -> web.Response:
            return web.json_response({"BackendState": self.state, "Self": {"DNSName": "guildnet.tailtest.example."}})

        async def whois(request: web.Request) -> web.Response:
            assert request.headers["Host"] == "local-tailscaled.sock"
            if request.query["addr"] != "100.64.0.7":
                return web.Response(status=404, text="no match for IP:port")
            user = {"LoginName": "ann@example.com", "DisplayName": "Ann"}
            granted = {"guildnet.io/cap/role": [{"roles": ["admin"]}]}
            return web.json_response({"Node": {"Name": "laptop.x."}, "UserProfile": user, "CapMap": granted})

        app = web.Application()
        app.add_routes([web.get("/localapi/v0/status", status), web.get("/localapi/v0/whois", whois)])
        return app


class Cluster:
    def __init__(
        self, proxy: Running, kube: Client, namespace: str, sidecar: Sidecar, directory: Path, settings: Settings
    ) -> None:
        self.settings = settings
        self.proxy, self.kube, self.namespace, self.sidecar, self.directory = proxy, kube, namespace, sidecar, directory
        door = proxy.server.handler
        assert isinstance(door, FrontDoor)
        self.own = proxy.own
        self.host = door.sites.all()[-1].origin.removeprefix("http://")

    async def ask(self, method: str, path: str, *headers: str, host: str = "") -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or self.host}", "Connection: close", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        answer = await read_answer(reader, method)
        writer.close()
        return answer

    async def tailnet(self, host: str, path: str) -> Any:
        reader, writer = await asyncio.open_unix_connection(str(self.directory / "tailnet.sock"))
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"X-Forwarded-Host: {host}", "Connection: close",
                 "X-Forwarded-For: 100.64.0.7", "Tailscale-User-Login: ann@example.com"]  # fmt: skip
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        answer = await read_answer(reader)
        writer.close()
        return answer

    async def workspace(self, name: str, port: int, *, service_uid: str) -> str:
        made = await self.kube.create(
            WORKSPACES,
            self.namespace,
            {
                "apiVersion": API_VERSION,
                "kind": "Workspace",
                "metadata": {"name": name},
                "spec": {"image": "test", "ports": [{"containerPort": port}]},
            },
        )
        status = {"phase": "Running", "serviceUID": service_uid, "origin": {"port": 20001}}
        await self.kube.merge_patch(WORKSPACES, self.namespace, name, {"status": status}, subresource="status")
        return str(made["metadata"]["uid"])

    async def slice(self, name: str, port: int, *, owner_uid: str) -> None:
        owner = {"apiVersion": "v1", "kind": "Service", "name": "s", "uid": owner_uid, "controller": True}
        target = {"kind": "Pod", "name": "pod", "namespace": self.namespace}
        await self.kube.create(
            ENDPOINTSLICES,
            self.namespace,
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "addressType": "IPv4",
                "metadata": {"name": name, "ownerReferences": [owner] if owner_uid else []},
                # The API server takes no loopback address for an endpoint; the test points it home below.
                "endpoints": [{"addresses": ["10.9.9.9"], "conditions": {"ready": True}, "targetRef": target}],
                "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
            },
        )


@pytest.fixture
async def cluster(kube: Client, kubeconfig: str, namespace: str, tmp_path: Path) -> AsyncIterator[Cluster]:
    api, api_port = await serve_app(api_app([]))
    sidecar = Sidecar()
    runner = web.AppRunner(sidecar.app(), access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "tailscaled.sock")).start()
    (tmp_path / "key").write_bytes(KEY)
    await kube.create(CONFIGMAPS, namespace, {"metadata": {"name": "guildnet-entries"}})
    port = free_port()
    settings = Settings(
        kubeconfig=kubeconfig,
        k8s_namespace=namespace,
        release_namespace=namespace,
        identity_key_file=str(tmp_path / "key"),
        local_origin=f"http://guildnet.localhost:{port}",
        listen_local=f"127.0.0.1:{port}",
        api_url=f"http://127.0.0.1:{api_port}",
        tailnet_socket=str(tmp_path / "tailnet.sock"),
        tailscaled_socket=str(tmp_path / "tailscaled.sock"),
        serve_file=str(tmp_path / "serve.json"),
        admin_service_account=f"{namespace}:guildnet-admin",
        ops_port=0,
    )
    async with running(settings) as proxy:
        await asyncio.wait_for(proxy.watches.synced(), 20)
        yield Cluster(proxy, kube, namespace, sidecar, tmp_path, settings)
    await runner.cleanup()
    await api.cleanup()


async def test_a_token_of_the_admin_account_logs_in_and_another_audience_does_not(cluster):
    token = await service_account_token(cluster.kube, cluster.namespace, "guildnet-admin", audiences=("guildnet",))
    answer = await cluster.ask("GET", f"/login?token={token}")
    assert answer.status == 303
    cookie = answer.headers["set-cookie"][0].partition(";")[0]
    me = json.loads((await cluster.ask("GET", "/api/me", f"Cookie: {cookie}")).body)
    assert me["login"] == f"system:serviceaccount:{cluster.namespace}:guildnet-admin"
    other = await service_account_token(cluster.kube, cluster.namespace, "guildnet-admin", audiences=("elsewhere",))
    assert (await cluster.ask("GET", f"/login?token={other}")).status == 401


async def _session(cluster: Cluster, token: str) -> str:
    login = await cluster.ask("GET", f"/login?token={token}")
    return f"Cookie: {login.headers['set-cookie'][0].partition(';')[0]}"


async def test_workspaces_slices_and_capabilities_are_followed(cluster, monkeypatch, capsys):
    upstream, port = await serve_app(echo_app())
    token = await service_account_token(cluster.kube, cluster.namespace, "someone", audiences=("guildnet",))
    bearer = f"Authorization: Bearer {token}"
    uid = await cluster.workspace("ws1", port, service_uid="the-service")
    await cluster.slice("foreign", port, owner_uid="another-service")
    await cluster.slice("nobodys", port, owner_uid="")
    index = cluster.proxy.index
    await eventually(lambda: index.find("ws1") is not None and index.find("ws1").status.service_uid)
    host = f"{origin_label('ws1', uid)}.{cluster.host}"
    assert (await cluster.ask("GET", "/", bearer, host=host)).status == 503
    await cluster.slice("own", port, owner_uid="the-service")
    await eventually(lambda: [item.address for item in index.endpoints(index.workspaces["ws1"])] == ["10.9.9.9"])

    opened = cluster.proxy.server.pool.open

    async def at_home(pool: Any, place: Any) -> Any:
        assert place.address == "10.9.9.9"
        return await opened(pool, place._replace(address="127.0.0.1"))

    monkeypatch.setattr(cluster.proxy.server.pool, "open", at_home)
    assert (await cluster.ask("GET", "/x", bearer, host=host)).status == 200
    body = {"metadata": {"name": "readers"}, "spec": {"actions": ["readLogs"]}}
    body |= {"apiVersion": API_VERSION, "kind": "Capability"}
    await cluster.kube.create(CAPABILITIES, cluster.namespace, body)

    async def denied() -> bool:
        return (await cluster.ask("GET", "/x", bearer, host=host)).status == 403

    await eventually(denied)
    admin = await service_account_token(cluster.kube, cluster.namespace, "guildnet-admin", audiences=("guildnet",))
    for way in (f"Authorization: Bearer {admin}", await _session(cluster, admin)):
        path = f"/proxy/server/ws1/x?way={len(way)}"
        assert (await cluster.ask("GET", path, way, "Sec-Fetch-Dest: empty")).status == 200, (
            "no Capability names the admin, and none has to"
        )
        assert (await cluster.ask("GET", path, bearer)).status == 403
    await cluster.kube.delete(CAPABILITIES, cluster.namespace, "readers")
    await eventually(lambda: index.capabilities == ())
    spec = {"actions": ["proxy"], "subjects": [{"kind": "User", "name": "somebody@example.com"}]}
    await cluster.kube.create(CAPABILITIES, cluster.namespace, {**body, "metadata": {"name": "one"}, "spec": spec})
    await eventually(lambda: [item.name for item in index.capabilities or ()] == ["one"])
    assert (await cluster.ask("GET", "/x", bearer, host=host)).status == 404, "what one may not know of is not there"
    hidden = await cluster.ask("GET", "/proxy/server/ws1/", bearer)
    absent = await cluster.ask("GET", "/proxy/server/ws2/", bearer)
    assert (hidden.status, absent.status) == (404, 404)
    told, untrue = (json.loads(answer.body) for answer in (hidden, absent))
    assert (told["code"], told["message"]) == (untrue["code"], untrue["message"].replace("ws2", "ws1"))
    debug = await cluster.ask("GET", "/api/proxy-debug?server=ws1", bearer)
    assert (json.loads(debug.body)["status"], json.loads(debug.body)["rule"]) == (404, "unknown")
    denials = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"audit"')]
    assert [(line["object"], line["rule"]) for line in denials[-2:]] == [("ws1", "no-capability")] * 2
    await cluster.kube.delete(CAPABILITIES, cluster.namespace, "one")
    await eventually(lambda: index.capabilities == ())
    await cluster.kube.delete(WORKSPACES, cluster.namespace, "ws1")
    await eventually(lambda: not index.workspaces)
    assert (await cluster.ask("GET", "/", bearer, host=host)).status == 404
    await upstream.cleanup()


async def test_a_replaced_pod_is_followed_at_once(cluster, monkeypatch):
    """Requests go to the new pod within two seconds of its EndpointSlice, also on a connection that was kept."""
    upstreams = [await serve_app(echo_app()) for _ in range(2)]
    (old, old_port), (new, new_port) = upstreams
    token = await service_account_token(cluster.kube, cluster.namespace, "someone", audiences=("guildnet",))
    bearer = f"Authorization: Bearer {token}"
    uid = await cluster.workspace("ws1", 8080, service_uid="the-service")
    await cluster.slice("own", 8080, owner_uid="the-service")
    host = f"{origin_label('ws1', uid)}.{cluster.host}"
    opened = cluster.proxy.server.pool.open
    ports = {"10.9.9.9": old_port, "10.9.9.10": new_port}
    reached = []

    async def at_home(pool: Any, place: Any) -> Any:
        reached.append(place.address)
        return await opened(pool, place._replace(address="127.0.0.1", port=ports[place.address]))

    monkeypatch.setattr(cluster.proxy.server.pool, "open", at_home)

    async def answers() -> bool:
        return (await cluster.ask("GET", "/", bearer, host=host)).status == 200

    await eventually(answers)
    pod = {"kind": "Pod", "name": "pod-2", "namespace": cluster.namespace}
    endpoints = [{"addresses": ["10.9.9.10"], "conditions": {"ready": True}, "targetRef": pod}]
    await cluster.kube.merge_patch(ENDPOINTSLICES, cluster.namespace, "own", {"endpoints": endpoints})
    replaced = asyncio.get_running_loop().time()
    await old.cleanup()

    async def at_the_new_one() -> bool:
        return await answers() and reached[-1] == "10.9.9.10"

    await eventually(at_the_new_one, within=2)
    assert asyncio.get_running_loop().time() - replaced < 2
    await new.cleanup()


async def test_an_earlier_run_is_remembered_while_the_api_server_is_down(cluster, tmp_path):
    """A proxy that restarts in an outage serves whom it served; what it cannot know is 503, and never 404."""
    upstream, port = await serve_app(echo_app())
    settings = cluster.settings.model_copy(
        update={
            "last_known_file": str(tmp_path / "known"), "tailnet_socket": "", "listen_local": "127.0.0.1:0",
            "pod_networks": ("127.0.0.0/8",),
        }
    )  # fmt: skip
    uid = await cluster.workspace("ws1", port, service_uid="the-service")
    await cluster.slice("own", port, owner_uid="the-service")
    async with running(settings) as first:
        await asyncio.wait_for(first.watches.synced(), 20)
        await eventually((tmp_path / "known").exists, within=15)
    text = (tmp_path / "known").read_bytes()
    stat = (tmp_path / "known").stat()
    # The API server takes no loopback address for an endpoint: the pod is brought home in the file.
    (tmp_path / "known").write_bytes(text.replace(b"10.9.9.9", b"127.0.0.1"))
    os.utime(tmp_path / "known", (stat.st_mtime - 60, stat.st_mtime - 60))
    dead = tmp_path / "dead.yaml"
    nowhere = f"https://127.0.0.1:{free_port()}"
    kubeconfig = await asyncio.to_thread(Path(settings.kubeconfig).read_text)
    dead.write_text(re.sub(r"https://127\.0\.0\.1:[0-9]+", nowhere, kubeconfig))
    settings = settings.model_copy(update={"kubeconfig": str(dead)})
    async with running(settings, registry=CollectorRegistry()) as again:
        door = again.server.handler
        assert isinstance(door, FrontDoor)
        sessions = door.authenticator.sessions
        entry = door.sites.all()[-1]
        who = Identity("user", "ann@example.com", "Ann", (), (), "session", entry)
        session = Session(who, time.time() + 60)
        own = f"Cookie: {sessions.names.workspace}={sessions.issue_workspace(session, uid)}"
        control = f"Cookie: {sessions.names.session}={sessions.issue(who, entry, time.time())}"

        async def ask(path: str, cookie: str, host: str) -> Any:
            reader, writer = await asyncio.open_connection("127.0.0.1", again.port)
            lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", cookie]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
            answer = await read_answer(reader)
            writer.close()
            return answer

        assert again.watches.check() is None, "it is ready"
        known = await ask("/x", own, f"{origin_label('ws1', uid)}.{cluster.host}")
        assert known.status == 200
        assert 60 <= int(known.one("x-guildnet-stale")) < 120
        for path, host in (("/proxy/server/new/", cluster.host), ("/", f"new-12345678.{cluster.host}")):
            unknown = await ask(path, control, host)
            assert (unknown.status, unknown.one("retry-after")) == (503, "2")
    await upstream.cleanup()


async def test_the_addresses_that_are_our_own_are_learnt_and_unlearnt(cluster):
    own, kube, namespace = cluster.own, cluster.kube, cluster.namespace
    ours = {"app.kubernetes.io/part-of": "guildnet"}

    def rule(address: str) -> str | None:
        return own.rule(ip_address(address))

    await eventually(lambda: own.listed, within=20)
    spec = {"ports": [{"port": 6379}], "selector": {"x": "y"}}
    await kube.create(SERVICES, namespace, {"metadata": {"name": "valkey", "labels": ours}, "spec": spec})
    address = (await kube.get(SERVICES, namespace, "valkey"))["spec"]["clusterIP"]
    managed = ours | {"guildnet.io/managed": "true"}
    await kube.create(SERVICES, namespace, {"metadata": {"name": "ws", "labels": managed}, "spec": spec})
    of_workspace = (await kube.get(SERVICES, namespace, "ws"))["spec"]["clusterIP"]
    pods = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "valkey-1", "labels": ours}, "ports": [{"port": 6379}],
        "endpoints": [{"addresses": ["10.9.8.7"], "conditions": {"ready": False}}],
    }  # fmt: skip
    await kube.create(ENDPOINTSLICES, namespace, pods)
    node = f"node-{namespace}"
    await kube.create(NODES, None, {"metadata": {"name": node}})
    told = {"status": {"addresses": [{"type": "InternalIP", "address": "10.9.8.6"}]}}
    await kube.merge_patch(NODES, None, node, told, subresource="status")
    try:
        await eventually(lambda: rule(address) == rule("10.9.8.7") == "never-own")
        await eventually(lambda: rule("10.9.8.6") == "never-node")
        assert rule(of_workspace) is None
        (endpoint, *_) = (await kube.get(ENDPOINTSLICES, "default", "kubernetes"))["endpoints"]
        assert rule(endpoint["addresses"][0]) == "never-own", "the API server's real endpoint"
        await kube.delete(ENDPOINTSLICES, namespace, "valkey-1")
        await eventually(lambda: rule("10.9.8.7") is None)
    finally:
        await kube.delete(NODES, None, node)
    await eventually(lambda: rule("10.9.8.6") is None)


async def test_the_tailnet_name_is_learnt_published_and_served(cluster):
    assert json.loads((cluster.directory / "serve.json").read_text())["TCP"] == {"443": {"HTTPS": True}}
    assert (await cluster.tailnet("guildnet.tailtest.example", "/api/me")).status == 503
    cluster.sidecar.state = "Running"

    async def published() -> bool:
        held = await cluster.kube.get(CONFIGMAPS, cluster.namespace, "guildnet-entries")
        return (held.get("data") or {}).get("tailnet") == "guildnet.tailtest.example"

    await eventually(published)
    me = await cluster.tailnet("guildnet.tailtest.example", "/api/me")
    assert json.loads(me.body) == {"kind": "user", "login": "ann@example.com", "entry": "tailnet", "path": "/api/me"}
    await cluster.workspace("ws1", 8080, service_uid="u")
    await eventually(lambda: "20001" in json.loads((cluster.directory / "serve.json").read_text())["TCP"])
    assert (await cluster.tailnet("guildnet.tailtest.example:20001", "/")).status == 503
    await cluster.kube.delete(WORKSPACES, cluster.namespace, "ws1")
    await eventually(lambda: list(json.loads((cluster.directory / "serve.json").read_text())["TCP"]) == ["443"])


async def test_the_ops_listener_tells_readiness_and_metrics(cluster):
    await cluster.ask("GET", "/healthz")
    reader, writer = await asyncio.open_connection("127.0.0.1", cluster.proxy.ops)
    writer.write(
        b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    text = (await reader.read(-1)).decode()
    writer.close()
    assert text.startswith("HTTP/1.1 200")
    assert 'guildnet_proxy_requests_total{entry="local",kind="api",status="200"}' in text
    assert f'guildnet_proxy_engine_info{{compiled="{str(COMPILED).lower()}"}} 1.0' in text
    assert 'guildnet_proxy_head_memo_total{result="miss"}' in text


async def test_the_process_ends_with_0_on_sigterm_and_closes_its_clients(kubeconfig, namespace, tmp_path):
    (tmp_path / "key").write_bytes(KEY)
    port, ops = free_port(), free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": kubeconfig,
        "K8S_NAMESPACE": namespace,
        "IDENTITY_KEY_FILE": str(tmp_path / "key"),
        "LOCAL_ORIGIN": f"http://guildnet.localhost:{port}",
        "LISTEN_LOCAL": f"127.0.0.1:{port}",
        "OPS_PORT": str(ops),
    }
    command = (sys.executable, "-m", "guildnet_proxy")
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
    try:

        async def ready() -> bool:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", ops)
            except OSError:
                return False
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await reader.read(-1)
            writer.close()
            return answer.startswith(b"HTTP/1.1 200")

        await eventually(ready, within=30)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /api/servers HTTP/1.1\r\nHost: guildnet.localhost:{port}\r\n\r\n".encode())
        assert (await read_answer(reader)).status == 401
        process.terminate()
        assert await asyncio.wait_for(reader.read(-1), 10) == b""
        writer.close()
        output, _ = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    lines = [json.loads(line) for line in output.decode().splitlines()]
    assert {"proxy listens", "request", "proxy stops"} <= {line.get("event") for line in lines}
    assert [line["rule"] for line in lines if "audit" in line] == ["anonymous"]
