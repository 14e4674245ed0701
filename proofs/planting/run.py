"""A whole run with planted secrets: real api and operator processes before a real API server with its controllers and a
real Redis, and everything that came of it as texts by place."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from redis.asyncio import Redis

from guildnet.identity import HEADER, Identity, sign
from guildnet.kube.client import Client, connect
from guildnet.kube.resources import (
    CAPABILITIES,
    CONFIGMAPS,
    DEPLOYMENTS,
    EVENTS,
    PODS,
    SECRETS,
    SERVICES,
    WORKSPACES,
    Resource,
)
from guildnet.web.entries import Entry
from guildnet_local.build import programs
from proofs.loglab.apis import KEY, ApiProcess, Lab
from proofs.loglab.node import LogNode, log_node
from proofs.planting.secrets import Planted
from support.apiserver import CONTROLLER_PROGRAMS, Servers, make_namespace
from support.kubelet import played_kubelet
from support.process import Process, free_port
from support.redis import RedisServer
from support.waiting import eventually

KINDS: tuple[Resource, ...] = (WORKSPACES, DEPLOYMENTS, PODS, SERVICES, CONFIGMAPS, EVENTS, CAPABILITIES)
LOCAL = Entry("local", "http://lab.localhost", "host")
ALICE = Identity("user", "alice@example.com", "Alice", source="tailnet", entry=LOCAL)
BOB = Identity("user", "bob@example.com", "Bob", source="tailnet", entry=LOCAL)
STREAM_SECONDS = 3.0

Json = dict[str, Any]


@dataclass(slots=True)
class Texts:
    """What came of the run, by place; `held` are the values of all Secrets, where the planted ones belong."""

    places: dict[str, str] = field(default_factory=dict)
    held: str = ""
    secrets_left: int = 0
    """Secrets of env values that no Workspace refers to."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The running processes."""

    kube: Client
    namespace: str
    api: ApiProcess
    operator: Process
    operator_ops: int
    node: LogNode
    redis: RedisServer
    texts: Texts

    async def ask(self, who: Identity, method: str, target: str, **options: Any) -> httpx2.Response:
        """Whatever the answer is, it is kept to be searched."""
        path = target.partition("?")[0]
        headers = {HEADER: sign(who, KEY, method=method, path=path, now=time.time())}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.api.port}", trust_env=False) as client:
            answer = await client.request(method, target, headers={**headers, **options.pop("headers", {})}, **options)
        place = f"answer to {method} {target} of {who.display_name} ({len(self.texts.places)})"
        self.texts.places[place] = f"{answer.headers}\n{answer.text}"
        return answer

    async def stream(self, who: Identity, target: str) -> None:
        """What an event stream brings in a few seconds."""
        headers = {HEADER: sign(who, KEY, method="GET", path=target.partition("?")[0], now=time.time())}
        read: list[str] = []
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.api.port}", trust_env=False) as client:
            with suppress(TimeoutError):
                async with asyncio.timeout(STREAM_SECONDS), client.stream("GET", target, headers=headers) as answer:
                    async for text in answer.aiter_text():
                        read.append(text)  # noqa: PERF401  what came until the time is over is kept
        assert read, f"{target} brought nothing"
        self.texts.places[f"stream {target} of {who.display_name}"] = "".join(read)


async def play(stage: Stage, planted: Planted) -> None:
    """Launch, look at it in every way, change it, be refused, delete."""
    first = (await _launched(stage, {"image": "example.com/a:1", "env": planted.env}))["id"]
    second = (await _launched(stage, {"image": "example.com/b:1", "args": planted.args}))["id"]
    third = (await _launched(stage, {"image": planted.preset["image"]}))["id"]
    await eventually(lambda: _running(stage, first), within=60)
    stage.node.write((await _pod(stage, first))["metadata"]["name"], "INFO started", "ERROR something failed")
    await asyncio.gather(
        *(stage.stream(who, target) for who in (ALICE, BOB) for target in ("/sse/servers", f"/sse/logs?target={first}"))
    )
    await _look(stage, (first, second, third), planted)
    patched = await stage.ask(ALICE, "PATCH", f"/api/servers/{first}", json={"env": planted.patch})
    assert patched.status_code == 202, patched.text
    shown = (await stage.ask(ALICE, "GET", f"/api/servers/{second}")).json()
    await stage.ask(ALICE, "PATCH", f"/api/servers/{second}", json={"args": shown["args"], "notes": "changed"})
    for action in ("stop", "start", "restart"):
        await stage.ask(ALICE, "POST", f"/api/servers/{first}/{action}")
    await _be_refused(stage, first, planted)
    again = {name: {"value": "changed again", "secret": True} for name in planted.patch}
    assert (await stage.ask(ALICE, "PATCH", f"/api/servers/{first}", json={"env": again})).status_code == 202
    await _look(stage, (first, second, third), planted)
    await stage.ask(BOB, "POST", "/api/stop-all?dryRun=1")


async def _launched(stage: Stage, job: Json) -> Json:
    answer = await stage.ask(ALICE, "POST", "/api/jobs", json=job)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def _look(stage: Stage, names: tuple[str, ...], planted: Planted) -> None:
    for who in (ALICE, BOB):
        paths = ["servers", "images", f"image-defaults?image={planted.preset['image']}", "me", "ui-config"]
        for target in (*paths, "openapi.json", *(f"servers/{name}" for name in names)):
            await stage.ask(who, "GET", f"/api/{target}")
        for tail in ("events", "logs", "logs?format=text"):
            await stage.ask(who, "GET", f"/api/servers/{names[0]}/{tail}")


async def _be_refused(stage: Stage, name: str, planted: Planted) -> None:
    """The same secrets in bodies that cannot be taken, by the api and by the cluster."""
    env = planted.env
    ports = [{"port": 3000}, {"port": 4000, "name": "p-5000"}]
    bodies: list[Json] = [
        {"image": "not an image", "env": env},
        {"image": "a", "env": env, "colour": planted.args},
        {"image": "a", "env": {**env, "bad-name": "x"}},
        {"image": "a", "args": [*planted.args, 1]},
        {"image": "a", "env": env, "expose": ports},
    ]
    for body in bodies:
        assert (await stage.ask(ALICE, "POST", "/api/jobs", json=body)).status_code == 400
    whole = json.dumps({"image": "a", "env": env}).encode()
    headers = {"Content-Type": "application/json"}
    assert (await stage.ask(ALICE, "POST", "/api/jobs", content=whole[:-1], headers=headers)).status_code == 400
    body = {"env": planted.patch, "expose": ports}
    assert (await stage.ask(ALICE, "PATCH", f"/api/servers/{name}", json=body)).status_code == 400
    stale = {"If-Match": '"1"'}
    answer = await stage.ask(ALICE, "PATCH", f"/api/servers/{name}", json={"env": planted.patch}, headers=stale)
    assert answer.status_code == 409, answer.text


async def gather(stage: Stage) -> None:
    """Read every place that is no answer."""
    places, log = stage.texts.places, stage.api.process.log
    places["log and audit lines of the api"] = log.read_text(errors="replace")
    assert '"launch"' in places["log and audit lines of the api"], "no audit line was written"
    places["log of the operator"] = stage.operator.log.read_text(errors="replace")
    async with httpx2.AsyncClient(trust_env=False) as client:
        for what, port in (("api", stage.api.ops), ("operator", stage.operator_ops)):
            places[f"metrics of the {what}"] = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    places["Redis"] = await _everything(stage.redis.url)
    for kind in KINDS:
        listed = await stage.kube.list(kind, stage.namespace)
        for item in listed["items"]:
            places[f"{kind.kind} {item['metadata']['name']}"] = json.dumps(item)
    secrets = (await stage.kube.list(SECRETS, stage.namespace))["items"]
    stage.texts.held = "\n".join(
        base64.b64decode(value).decode() for item in secrets for value in (item.get("data") or {}).values()
    )
    workspaces = json.dumps((await stage.kube.list(WORKSPACES, stage.namespace))["items"])
    names = [item["metadata"]["name"] for item in secrets]
    stage.texts.secrets_left = sum("-env" in name and f'"{name}"' not in workspaces for name in names)


async def _everything(url: str) -> str:
    """Every key of a Redis, and what is in it."""
    found = []
    async with Redis.from_url(url) as redis:
        async for key in redis.scan_iter():
            named = await redis.type(key)
            kind = named.decode() if isinstance(named, bytes) else named
            value = await (redis.xrange(key) if kind == "stream" else redis.get(key))
            found.append(f"{key!r} {kind} {value!r}")
    assert found, "nothing is in Redis"
    return "\n".join(found)


async def _running(stage: Stage, name: str) -> bool:
    status = (await stage.kube.get(WORKSPACES, stage.namespace, name)).get("status") or {}
    return status.get("phase") == "Running"


async def _pod(stage: Stage, name: str) -> Json:
    found = await stage.kube.list(PODS, stage.namespace, label_selector=f"guildnet.io/workspace={name}")
    return dict(found["items"][0])


@asynccontextmanager
async def staged(directory: Path, planted: Planted) -> AsyncIterator[Stage]:
    """Everything runs as long as the block lasts."""
    presets = directory / "presets.json"
    presets.write_text(json.dumps([planted.preset]))
    servers = Servers(directory / "apiserver", programs.ensure(CONTROLLER_PROGRAMS, report=print), controllers=True)
    redis = RedisServer(directory / "redis")
    try:
        server = await asyncio.to_thread(servers.start)
        redis.start()
        async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube, log_node(kube) as node:
            namespace = await make_namespace(kube)
            lab = Lab(directory, server.kubeconfig, namespace, redis.url)
            ops = free_port()
            environment = {
                "KUBECONFIG": str(server.kubeconfig), "K8S_NAMESPACE": namespace, "RELEASE_NAMESPACE": namespace,
                "OPS_PORT": str(ops), "LOCAL_ORIGIN": "http://lab.localhost:8080", "LOG_LEVEL": "debug",
            }  # fmt: skip
            operator = Process([sys.executable, "-m", "guildnet_operator"], directory / "operator.log", env=environment)
            try:
                async with (
                    lab.started("api", PRESETS_FILE=str(presets), LOG_LEVEL="debug") as api,
                    played_kubelet(kube, namespace),
                ):
                    yield Stage(kube, namespace, api, operator, ops, node, redis, Texts())
            finally:
                operator.stop(kill=True)
    finally:
        redis.stop(kill=True)
        servers.stop()
