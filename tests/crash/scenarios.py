"""What people do: each scenario sets its stage, and after that, with a fault somewhere, does what it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from crash.stage import Stage
from guildnet.kube.resources import DEPLOYMENTS, PVCS, SECRETS, SERVICES, WORKSPACES
from integration.operator.world import World
from support.waiting import eventually

PATIENCE = 45.0
"""Seconds for anything that waits for the operator: it may be started anew and back off meanwhile."""
PORTS = [{"containerPort": 3000, "name": "web"}]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`before` sets the stage; `play` is what the faults hit."""

    name: str
    before: Callable[[Stage], Awaitable[None]]
    play: Callable[[Stage], Awaitable[None]]


async def _nothing(_: Stage) -> None:
    return


async def _one(stage: Stage) -> None:
    await stage.world.launch("a", env=[{"name": "KEPT", "value": "1"}], storage={"size": "1Gi"})
    await _ready(stage.world, "a")


async def _three(stage: Stage) -> None:
    for name in ("a", "b", "c"):
        await stage.world.launch(name)
    for name in ("a", "b", "c"):
        await _ready(stage.world, name)


async def _create(stage: Stage) -> None:
    world = stage.world
    await world.launch("a")
    await world.launch("b", image="example.com/code-server:1")
    await world.launch("c", storage={"size": "1Gi", "retain": True})
    for name in ("a", "b", "c"):
        await _ready(world, name)


async def _change(stage: Stage) -> None:
    world = stage.world
    await world.edit("a", image="example.com/app:2", env=[{"name": "NEW", "value": "2"}])
    await _ready(world, "a", generation=2)
    await world.edit("a", ports=PORTS)
    await _ready(world, "a", generation=3)


async def _rest(stage: Stage) -> None:
    world = stage.world
    await world.edit("a", running=False)
    await _condition(world, "a", "Stopped", "True", generation=2)
    await world.edit("a", running=True)
    await _ready(world, "a", generation=3)


async def _heal(stage: Stage) -> None:
    world = stage.world
    for resource in (SERVICES, DEPLOYMENTS):
        lost = (await world.get(resource, "a"))["metadata"]["uid"]
        await world.kube.delete(resource, world.namespace, "a")

        async def back(resource=resource, lost: str = lost) -> bool:  # type: ignore[no-untyped-def]
            found = await world.find(resource, "a")
            return found is not None and found["metadata"]["uid"] != lost

        await eventually(back, within=PATIENCE)
    await _ready(world, "a")
    await world.kube.merge_patch(DEPLOYMENTS, world.namespace, "a", {"spec": {"replicas": 3}})
    await world.kube.merge_patch(SERVICES, world.namespace, "a", {"spec": {"selector": {"guildnet.io/managed": "no"}}})

    async def right() -> bool:
        deployment, service = await world.get(DEPLOYMENTS, "a"), await world.get(SERVICES, "a")
        return deployment["spec"]["replicas"] == 1 and service["spec"]["selector"]["guildnet.io/managed"] == "true"

    await eventually(right, within=PATIENCE)


async def _gone(stage: Stage) -> None:
    """One deleted while the operator watches, one while it is down, and one made meanwhile."""
    world = stage.world
    await world.kube.delete(WORKSPACES, world.namespace, "a")
    await _until_gone(world, "a")
    await stage.off()
    await world.kube.delete(WORKSPACES, world.namespace, "b")
    await world.launch("d", image="example.com/code-server:1")
    await _until_gone(world, "b")
    stage.on()
    await _ready(world, "d")


async def _again(stage: Stage) -> None:
    """A name that is used again while what was under it is still going."""
    world = stage.world
    await world.kube.delete(WORKSPACES, world.namespace, "a")
    await world.launch("a", image="example.com/code-server:1")
    await _ready(world, "a")


async def _stop_all(stage: Stage) -> None:
    world = stage.world
    await world.launch("late")
    await _ready(world, "late")
    for item in (await world.kube.list(WORKSPACES, world.namespace))["items"]:
        await world.kube.delete(WORKSPACES, world.namespace, item["metadata"]["name"])
    for name in ("a", "b", "c", "late"):
        await _until_gone(world, name)


async def _ready(world: World, name: str, generation: int = 1) -> None:
    await _condition(world, name, "Ready", "True", generation=generation)


async def _condition(world: World, name: str, kind: str, status: str, *, generation: int) -> None:
    async def holds() -> bool:
        found = await world.condition(name, kind)
        return found.get("status") == status and found.get("observedGeneration", 0) >= generation

    await eventually(holds, within=PATIENCE, every=0.1)


async def _until_gone(world: World, name: str) -> None:
    async def gone() -> bool:
        children = ((DEPLOYMENTS, name), (SERVICES, name), (SECRETS, f"{name}-password"), (PVCS, f"{name}-storage"))
        return not any([await world.find(resource, child) for resource, child in children])

    await eventually(gone, within=PATIENCE, every=0.1)


SCENARIOS = (
    Scenario("create", _nothing, _create),
    Scenario("change", _one, _change),
    Scenario("stop and start", _one, _rest),
    Scenario("heal", _one, _heal),
    Scenario("delete", _three, _gone),
    Scenario("name used again", _one, _again),
    Scenario("stop all", _three, _stop_all),
)
