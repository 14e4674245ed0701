"""`maxConcurrent` by the operator's word, on a real API server with real controllers: whoever makes or starts them."""

from __future__ import annotations

import asyncio
from typing import Any

from guildnet.kube.resources import CAPABILITIES, DEPLOYMENTS, EVENTS, PODS, PVCS, SERVICES, WORKSPACES
from support.waiting import eventually
from support.world import Start, World

ADA = {"guildnet.io/owner": "ada@example.com"}


async def limited(world: World, most: int) -> None:
    spec = {"actions": ["launch"], "constraints": {"maxConcurrent": most}}
    body = {"metadata": {"name": "few"}, "spec": spec}
    await world.kube.create(CAPABILITIES, world.namespace, body)


async def admitted(world: World) -> dict[str, str]:
    """What the operator says of each Workspace, where it says anything of it as it is now."""
    found: dict[str, str] = {}
    for item in (await world.kube.list(WORKSPACES, world.namespace))["items"]:
        for condition in (item.get("status") or {}).get("conditions") or ():
            if condition["type"] == "Admitted" and condition["observedGeneration"] == item["metadata"]["generation"]:
                found[item["metadata"]["name"]] = condition["reason"]
    return found


async def until(world: World, **reasons: str) -> None:
    async def all_said() -> bool:
        found = await admitted(world)
        assert reasons.items() <= found.items(), found
        return True

    await eventually(all_said, within=20)


async def replicas(world: World) -> dict[str, int]:
    found = (await world.kube.list(DEPLOYMENTS, world.namespace))["items"]
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in found}


async def test_the_oldest_run_and_the_others_say_what_to_do(start: Start, world: World):
    await limited(world, 2)
    for name in ("a", "b", "c"):
        await world.launch(name, annotations=ADA, storage={"size": "1Gi"})
        await asyncio.sleep(1)  # creation times are whole seconds
    await world.launch("other", annotations={"guildnet.io/owner": "bob@example.com"})
    async with start():
        await until(world, a="WithinLimit", b="WithinLimit", c="LimitReached", other="WithinLimit")
        assert await replicas(world) == {"a": 1, "b": 1, "other": 1}
        for resource in (SERVICES, PVCS):
            names = [item["metadata"]["name"] for item in (await world.kube.list(resource, world.namespace))["items"]]
            assert not [name for name in names if name.startswith("c")], "nothing is made for one that waits"
        status = await world.status("c")
        assert (status["phase"], status["origin"].get("port")) == ("Pending", None)
        ready = next(item for item in status["conditions"] if item["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "LimitReached")
        assert "stop or delete one" in ready["message"]
        about = "involvedObject.name=c,involvedObject.kind=Workspace"
        told = await world.kube.list(EVENTS, world.namespace, field_selector=about)
        assert [item["reason"] for item in told["items"]] == ["LimitReached"]
        # A place that is free is taken by the one that waits, without anybody asking.
        await world.edit("a", running=False)
        await until(world, a="Stopped", c="WithinLimit")
        await world.edit("a", running=True)
        await until(world, a="LimitReached", b="WithinLimit", c="WithinLimit")
        assert await replicas(world) == {"a": 0, "b": 1, "c": 1, "other": 1}
        await world.kube.delete(WORKSPACES, world.namespace, "b")
        await until(world, a="WithinLimit", c="WithinLimit")


async def test_a_limit_that_is_raised_lets_more_in_and_one_that_is_lowered_ends_nothing(start: Start, world: World):
    await limited(world, 1)
    async with start():
        for name in ("a", "b"):
            await world.launch(name)
        await until(world, a="WithinLimit", b="LimitReached")
        await world.kube.merge_patch(
            CAPABILITIES, world.namespace, "few", {"spec": {"constraints": {"maxConcurrent": 2}}}
        )
        await until(world, a="WithinLimit", b="WithinLimit")
        await world.kube.merge_patch(
            CAPABILITIES, world.namespace, "few", {"spec": {"constraints": {"maxConcurrent": 1}}}
        )
        await world.edit("b", notes="x")
        await world.launch("c")
        await until(world, a="WithinLimit", b="WithinLimit", c="LimitReached")
        assert await replicas(world) == {"a": 1, "b": 1}


async def test_the_next_leader_gives_no_place_away_twice(start: Start, world: World):
    """An older one is started while the places of younger ones were given by the operator before."""
    await limited(world, 2)
    await world.launch("old", annotations=ADA, running=False)
    async with start(lease_identity="one"):
        for name in ("a", "b"):
            await world.launch(name, annotations=ADA)
        await until(world, a="WithinLimit", b="WithinLimit", old="Stopped")
    await world.edit("old", running=True)
    async with start(lease_identity="two"):
        await until(world, a="WithinLimit", b="WithinLimit", old="LimitReached")
        assert await replicas(world) == {"a": 1, "b": 1, "old": 0}


async def test_twenty_at_once_are_never_more_than_may_run(start: Start, world: World):
    await limited(world, 3)
    most, stop = 0, asyncio.Event()

    async def count() -> None:
        nonlocal most
        while not stop.is_set():
            items = (await world.kube.list(DEPLOYMENTS, world.namespace))["items"]
            most = max(most, sum(item["spec"]["replicas"] for item in items))
            await asyncio.sleep(0.02)

    async def settled(running: int, waiting: int) -> None:
        async def counted() -> bool:
            reasons = list((await admitted(world)).values())
            assert (reasons.count("WithinLimit"), reasons.count("LimitReached")) == (running, waiting), reasons
            return True

        await eventually(counted, within=30)

    async with start():
        counting = asyncio.ensure_future(count())
        await asyncio.gather(*(world.launch(f"ws{number}", annotations=ADA) for number in range(20)))
        await settled(3, 17)
        reasons = await admitted(world)
        for name in [name for name, reason in reasons.items() if reason == "WithinLimit"][:2]:
            await world.edit(name, running=False)
        await settled(3, 15)
        stop.set()
        await counting
    assert most == 3
    pods: list[Any] = (await world.kube.list(PODS, world.namespace))["items"]
    assert len({item["metadata"]["labels"]["guildnet.io/workspace"] for item in pods}) <= 5
