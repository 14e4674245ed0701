"""No setting of the install restarts a running workspace: each value under `workspaces` changed, alone and together."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from guildnet.kube.client import Client, connect
from guildnet.kube.resources import DEPLOYMENTS, NAMESPACES, PODS, WORKSPACES, Resource
from guildnet.names import ANNOTATION_RESTARTED_AT
from guildnet.settings import load
from guildnet_operator.app import Operator, operator
from guildnet_operator.settings import Settings
from proofs import Figure
from proofs.crash.__main__ import quiet
from support.apiserver import ApiServer, make_namespace
from support.chart import rendered
from support.kubelet import played_kubelet
from support.shared import shared_apiserver
from support.waiting import eventually
from support.workspace_values import OTHER, environment, values
from support.world import World

COUNT: Final = 20
IMAGES: Final = ("example.com/app:1", "example.com/code-server:1", "example.com/jupyterlab:1", "example.com/other:1")
RUNTIMECLASSES: Final = Resource("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", namespaced=False)
Pods = Mapping[str, str]
"""Name of a pod → its uid."""


@asynccontextmanager
async def _installed(server: ApiServer, world: World, changed: Iterable[str]) -> AsyncIterator[Operator]:
    """The operator of an install with these values changed, until it has looked at every Workspace."""
    given = values(changed)
    namespace = given["workspaces"].get("namespace", world.namespace)
    objects = rendered(world.release, {"workspaces": {**given["workspaces"], "namespace": namespace}})
    settings = load(Settings, {**environment(objects), "KUBECONFIG": str(server.kubeconfig), "OPS_PORT": "1"})
    async with operator(settings.model_copy(update={"ops_port": 0})) as running:
        looked_at = COUNT if namespace == world.namespace else 0
        await eventually(lambda: running.lease.held and running.queue.worked >= looked_at, within=60)
        await eventually(running.queue.idle, within=60)
        yield running


async def _pods(world: World) -> Pods:
    """The pods there are, as soon as each workspace has one that nobody ends."""

    async def settled() -> Pods | None:
        found = (await world.kube.list(PODS, world.namespace))["items"]
        going = any(item["metadata"].get("deletionTimestamp") for item in found)
        names = {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}
        return names if len(names) == COUNT and not going else None

    return await eventually(settled, within=60, every=0.2)


async def _currents(world: World) -> list[dict[str, Any]]:
    items = (await world.kube.list(WORKSPACES, world.namespace))["items"]
    conditions = [item for ws in items for item in (ws.get("status") or {}).get("conditions", ())]
    return [item for item in conditions if item["type"] == "Current"]


async def _waiting(world: World) -> list[dict[str, Any]]:
    return [item for item in await _currents(world) if item["status"] == "False"]


async def _templates_seen(world: World) -> bool:
    """Has the Deployment controller acted on every Deployment as it is? Before that, no pod proves anything."""
    items = (await world.kube.list(DEPLOYMENTS, world.namespace))["items"]
    return all(item["status"].get("observedGeneration") == item["metadata"]["generation"] for item in items)


async def _after(server: ApiServer, world: World, changed: list[str]) -> Pods:
    async with _installed(server, world, changed):
        await eventually(lambda: _templates_seen(world), within=30)
        return await _pods(world)


async def _restarted(server: ApiServer, world: World, before: Pods) -> tuple[int, int]:
    """With everything changed: how many say that their next start brings something, and after one, how many do not."""
    together = [path for path in OTHER if path != "namespace"]
    async with _installed(server, world, together):

        async def told() -> bool:
            return len(await _waiting(world)) == COUNT

        with suppress(AssertionError):  # how many did in this time is what is judged
            await eventually(told, within=30, every=0.2)
        told_of = await _waiting(world)
        for item in told_of[:1]:
            print(f"  {item['message']}")
        for number in range(COUNT):
            patch = {"metadata": {"annotations": {ANNOTATION_RESTARTED_AT: "2026-11-28T10:00:00Z"}}}
            await world.kube.merge_patch(WORKSPACES, world.namespace, f"ws-{number}", patch)

        async def replaced() -> bool:
            pods, currents = await _pods(world), await _currents(world)
            return not {*pods.values()} & {*before.values()} and all(item["status"] == "True" for item in currents)

        await eventually(replaced, within=90, every=0.5)
        return len(told_of), sum(item["status"] == "True" for item in await _currents(world))


async def _prove(server: ApiServer) -> Figure:
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        world = await _world(kube)
        async with played_kubelet(kube, world.namespace):
            await _launched(world)
            async with _installed(server, world, []):
                before = await _pods(world)
            restarted = 0
            for changed in (*([path] for path in OTHER), [path for path in OTHER if path != "namespace"]):
                what = changed[0] if len(changed) == 1 else "all of them together"
                try:
                    after = await _after(server, world, changed)
                except AssertionError as error:
                    return Figure(
                        f"{what} changed under {COUNT} running Workspaces: no rest after it: {error}", met=False
                    )
                lost = len(before.items() - after.items())
                print(f"  {what}: {lost} pods restarted")
                restarted, before = restarted + lost, after
            told, current = await _restarted(server, world, before)
    text = (
        f"{len(OTHER)} values under `workspaces` changed, alone and together, under {COUNT} running Workspaces: "
        f"{restarted} pods restarted; {told} told what their next start brings, {current} current after one"
    )
    return Figure(text, restarted == 0 and told == current == COUNT)


async def _world(kube: Client) -> World:
    namespace = await make_namespace(kube)
    release = f"{namespace}-release"
    await kube.create(NAMESPACES, None, {"metadata": {"name": release}})
    # The API server takes no pod of a class that is not there.
    await kube.create(RUNTIMECLASSES, None, {"metadata": {"name": OTHER["pod.runtimeClassName"]}, "handler": "runsc"})
    # The chart makes the counter, which the operator may change and not create.
    return World(kube, namespace, release)


async def _launched(world: World) -> None:
    for number in range(COUNT):
        await world.launch(f"ws-{number}", image=IMAGES[number % len(IMAGES)])


def prove() -> Figure:
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        return asyncio.run(_prove(server))
