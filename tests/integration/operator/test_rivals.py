"""Another program that undoes what the operator writes: both are not at it for ever, and it is named."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator

from guildnet.kube.resources import DEPLOYMENTS, EVENTS, SERVICES, Resource, path
from guildnet_operator.sync import brake
from support.waiting import eventually
from support.world import Json, Start, World, Writes


@contextlib.asynccontextmanager
async def rival(world: World, resource: Resource, name: str, change: Json) -> AsyncIterator[None]:
    """Makes this change whenever it is not there."""

    async def undo() -> None:
        while True:
            await world.kube.merge_patch(resource, world.namespace, name, change, field_manager="night-scaler")
            await asyncio.sleep(0.02)

    task = asyncio.create_task(undo())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_field_that_is_undone_again_and_again_is_written_seldom_and_named(
    start: Start, world: World, writes: Writes
):
    async with start():
        await world.launch("torn")
        await world.run_pod("torn")
        await world.until_condition("torn", "Ready", "True")
        writes.clear()
        began = time.monotonic()
        async with rival(world, DEPLOYMENTS, "torn", {"spec": {"replicas": 0}}):
            found = await world.until_condition("torn", "Degraded", "True", "ChangedByOthers")
            assert "spec.replicas (field manager night-scaler) of Deployment torn" in found["message"]
            ready = await world.until_condition("torn", "Ready", "False", "ChangedByOthers")
            assert ready["message"] == found["message"]
            await asyncio.sleep(2.0)
        target = ("PATCH", path(DEPLOYMENTS, world.namespace, "torn"))
        ours = writes.seen.count(target) - writes.stale.count(target)
        # Pauses double from one second on: on a busy machine all this takes longer, and one more is over meanwhile.
        pauses = int(math.log2(1 + (time.monotonic() - began) / brake.FIRST_PAUSE_SECONDS))
        assert brake.AT_ONCE < ours <= brake.AT_ONCE + max(4, 1 + pauses), writes
        events = (await world.kube.list(EVENTS, world.namespace))["items"]
        assert [item["type"] for item in events if item["reason"] == "ChangedByOthers"] == ["Warning"]


async def test_what_was_torn_is_whole_again_when_the_other_stops(start: Start, world: World):
    async with start():
        await world.launch("torn")
        await world.until(SERVICES, "torn")
        async with rival(world, SERVICES, "torn", {"spec": {"selector": {"guildnet.io/workspace": "other"}}}):
            await world.until_condition("torn", "RouteReady", "False", "ChangedByOthers")

        async def whole() -> bool:
            found = await world.get(SERVICES, "torn")
            return bool(found["spec"]["selector"]["guildnet.io/workspace"] == "torn")

        await eventually(whole, within=20)


async def test_a_hand_that_slips_three_times_is_put_right_each_time(start: Start, world: World):
    async with start():
        await world.launch("hand")
        await world.until(SERVICES, "hand")
        for _ in range(brake.AT_ONCE):
            other = {"spec": {"selector": {"guildnet.io/workspace": "other"}}}
            await world.kube.merge_patch(SERVICES, world.namespace, "hand", other, field_manager="somebody")

            async def whole() -> bool:
                found = await world.get(SERVICES, "hand")
                return bool(found["spec"]["selector"]["guildnet.io/workspace"] == "hand")

            await eventually(whole, within=5)
        assert (await world.condition("hand", "Degraded")).get("status") != "True"


async def test_a_change_of_the_spec_is_not_held_back(start: Start, world: World):
    async with start():
        await world.launch("torn")
        await world.until(DEPLOYMENTS, "torn")
        async with rival(world, DEPLOYMENTS, "torn", {"spec": {"replicas": 0}}):
            await world.until_condition("torn", "Degraded", "True", "ChangedByOthers")
            await world.edit("torn", image="example.com/app:2")

            async def changed() -> bool:
                spec = (await world.get(DEPLOYMENTS, "torn"))["spec"]["template"]["spec"]
                return bool(spec["containers"][0]["image"] == "example.com/app:2")

            await eventually(changed, within=5)
