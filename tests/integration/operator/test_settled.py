"""What is settled is left alone: by a restart, by a look without reason, and by an upgrade."""

from __future__ import annotations

import asyncio
import base64
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import aiohttp

from guildnet.kube.resources import CONFIGMAPS, DEPLOYMENTS, REPLICASETS, SECRETS, WORKSPACES
from guildnet.names import ANNOTATION_HASH
from guildnet.workspace import app_login
from support.apiserver import ADMIN_TOKEN, ApiServer
from support.waiting import eventually
from support.world import Start, World, Writes

SPECS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sized": {"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"memory": "2048Mi"}}},
    "stored": {"storage": {"size": "1024Mi", "retain": True}},
    "empty": {"env": [{"name": "EMPTY", "value": ""}], "probe": {"type": "none"}},
    "editor": {"image": "example.com/code-server:1"},
    "jupyter": {"image": "example.com/jupyterlab:1", "ports": [{"containerPort": 8888, "pathMode": "Preserve"}]},
    "halted": {"running": False},
    "outside": {"exposure": {"type": "Ingress", "domain": "apps.example.com"}},
}


async def _settle(world: World) -> None:
    for name, spec in SPECS.items():
        if spec.get("running", True):
            await world.run_pod(name)
            await world.until_condition(name, "Ready", "True")
        else:
            await world.until_condition(name, "Stopped", "True")


async def test_whoever_writes_is_counted_but_the_test_itself(
    world: World, writes: Writes, api_server_with_controllers: ApiServer
):
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    context = ssl.create_default_context(cafile=str(api_server_with_controllers.ca))
    target = f"/api/v1/namespaces/{world.namespace}/configmaps"
    await world.kube.create(CONFIGMAPS, world.namespace, {"metadata": {"name": "of-the-test"}})
    async with (
        aiohttp.ClientSession(api_server_with_controllers.url, headers=headers) as another,
        another.post(target, json={"metadata": {"name": "of-another"}}, ssl=context) as answer,
    ):
        assert answer.status == 201
    assert writes.seen == [("POST", target)]


async def test_a_restart_on_settled_workspaces_writes_nothing(start: Start, world: World, writes: Writes):
    async with start(direct_exposure=True) as first:
        for name, spec in SPECS.items():
            await world.launch(name, **spec)
        await _settle(world)
        await eventually(first.queue.idle)
    before = await world.snapshot()
    writes.clear()
    async with start(direct_exposure=True) as second:
        await eventually(lambda: second.queue.worked >= len(SPECS) and second.queue.idle())
        for name in SPECS:
            second.queue.add(name)
        await eventually(lambda: second.queue.worked >= 2 * len(SPECS) and second.queue.idle())
    assert writes.seen == []
    assert await world.snapshot() == before


async def test_an_upgrade_that_changes_no_pod_restarts_no_pod(start: Start, world: World, writes: Writes):
    async with start():
        await world.launch("steady")
        pod = await world.run_pod("steady")
        await world.until_condition("steady", "Ready", "True")
        before = await world.get(DEPLOYMENTS, "steady")
        # An operator of another version would have another idea of the hash.
        other = {"metadata": {"annotations": {ANNOTATION_HASH: "of-another-version"}}}
        await world.kube.merge_patch(DEPLOYMENTS, world.namespace, "steady", other)

        async def applied() -> bool:
            found = await world.get(DEPLOYMENTS, "steady")
            return bool(found["metadata"]["annotations"][ANNOTATION_HASH] != "of-another-version")

        await eventually(applied)
        deployment = await world.get(DEPLOYMENTS, "steady")
        assert deployment["spec"] == before["spec"]
        sets = await world.kube.list(REPLICASETS, world.namespace, label_selector="guildnet.io/workspace=steady")
        assert len(sets["items"]) == 1
        assert [item["metadata"]["uid"] for item in await world.pods("steady")] == [pod["metadata"]["uid"]]
        managers = [
            (item["manager"], item["operation"])
            for item in deployment["metadata"]["managedFields"]
            if item["manager"] == "guildnet-operator"
        ]
        assert managers == [("guildnet-operator", "Apply")]


async def test_a_key_reaches_a_running_workspace_at_its_next_start(start: Start, world: World, tmp_path: Path):
    """One that was given a random password goes on with it; its next pod has the one that is derived."""
    (tmp_path / "workspace").write_bytes(b"k" * 40)
    async with start():
        await world.launch("vs", image="example.com/code-server:1")
        await world.run_pod("vs")
        await world.until_condition("vs", "Ready", "True")
        before = (await world.get(DEPLOYMENTS, "vs"))["spec"]["template"]
    async with start(workspace_key_file=str(tmp_path / "workspace")):
        current = await world.until_condition("vs", "Current", "False")
        assert (current["reason"], "vs-login" in current["message"]) == ("NextStart", True)
        assert (await world.get(DEPLOYMENTS, "vs"))["spec"]["template"] == before
        await world.edit("vs", running=False)
        made = await world.until(SECRETS, "vs-login")
        uid = (await world.get(WORKSPACES, "vs"))["metadata"]["uid"]
        assert base64.b64decode(made["data"]["password"]).decode() == app_login.password(b"k" * 40, uid)
        assert (await world.get(SECRETS, "vs-password"))["data"], "what people may have written down stays"
        await eventually(lambda: _replicas(world, "vs", 0), within=15)
        container = (await world.get(DEPLOYMENTS, "vs"))["spec"]["template"]["spec"]["containers"][0]
        (env,) = [item for item in container["env"] if item["name"] == "PASSWORD"]
        assert env["valueFrom"]["secretKeyRef"] == {"name": "vs-login", "key": "password"}


async def test_a_login_by_another_key_is_made_where_the_one_by_the_old_was_deleted(
    start: Start, world: World, tmp_path: Path
):
    """As docs/operations.md changes that key: a Secret that is there is never written again."""
    key = tmp_path / "workspace"

    async def token_is(used: bytes) -> bool:
        made = await world.until(SECRETS, "lab-login")
        uid = (await world.get(WORKSPACES, "lab"))["metadata"]["uid"]
        return base64.b64decode(made["data"]["token"]).decode() == app_login.token(used, uid)

    key.write_bytes(b"k" * 40)
    async with start(workspace_key_file=str(key)):
        await world.launch("lab", image="example.com/jupyterlab:1")
        assert await token_is(b"k" * 40)
    key.write_bytes(b"l" * 40)
    async with start(workspace_key_file=str(key)) as running:
        await eventually(lambda: running.queue.worked and running.queue.idle())
        assert await token_is(b"k" * 40)
    await world.kube.delete(SECRETS, world.namespace, "lab-login")
    async with start(workspace_key_file=str(key)):
        assert await token_is(b"l" * 40)


async def _replicas(world: World, name: str, number: int) -> bool:
    return bool((await world.get(DEPLOYMENTS, name))["spec"]["replicas"] == number)


async def test_a_password_is_made_once_and_never_again(start: Start, world: World, writes: Writes):
    async with start():
        await world.launch("secret", image="example.com/code-server:1")
        made = (await world.until(SECRETS, "secret-password"))["data"]["password"]
        await world.until(DEPLOYMENTS, "secret")
    async with start(agent_default_password="another") as running:
        await world.edit("secret", notes="look again")
        await eventually(lambda: running.queue.worked and running.queue.idle())
        assert (await world.get(SECRETS, "secret-password"))["data"]["password"] == made
        container = (await world.get(DEPLOYMENTS, "secret"))["spec"]["template"]["spec"]["containers"][0]
        (password,) = [item for item in container["env"] if item["name"] == "PASSWORD"]
        assert password["valueFrom"]["secretKeyRef"] == {"name": "secret-password", "key": "password"}


async def test_a_port_is_never_given_twice(start: Start, world: World):
    async def port(name: str) -> int:
        await world.launch(name)

        async def given() -> int | None:
            return ((await world.status(name)).get("origin") or {}).get("port")

        return await eventually(given)

    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "g.ts.example"}}
    await world.kube.create(CONFIGMAPS, world.release, entries)
    async with start():
        used = [await port("a"), await port("b")]
        assert await world.counter() == "20032"
        await world.kube.delete(WORKSPACES, world.namespace, "b")
    async with start():
        # The rest of the first block is lost with the process that had reserved it.
        used.append(await port("c"))
        assert await world.counter() == "20064"
    await world.kube.delete(CONFIGMAPS, world.release, "guildnet-ports")
    async with start():
        # A lost counter goes on above what workspaces have.
        used.append(await port("d"))
    assert used == [20000, 20001, 20032, 20033]


async def test_requests_queue_and_watches_are_counted(start: Start, world: World):
    async with start() as running:
        await world.launch("counted")
        await world.run_pod("counted")
        await world.until_condition("counted", "Ready", "True")

        def scrape() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{running.ops_port}/metrics", timeout=5) as answer:
                return str(answer.read().decode())

        text = await asyncio.to_thread(scrape)
    for name in (
        'guildnet_operator_api_requests_total{code="201",method="POST"}',
        'guildnet_operator_api_requests_total{code="200",method="GET"}',
        'guildnet_operator_reconciles_total{outcome="settled"}',
        "guildnet_operator_queue_length ",
        "guildnet_operator_queue_age_seconds ",
        'guildnet_operator_watch_age_seconds{kind="events"}',
    ):
        assert f"\n{name}" in text, name
