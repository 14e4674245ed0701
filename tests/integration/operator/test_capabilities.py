"""The status of Capabilities: one writer says what each grants, and writes nothing when that is said."""

from __future__ import annotations

import asyncio
from typing import Any

from guildnet.kube.resources import CAPABILITIES
from support.waiting import eventually
from support.world import Start, World, Writes


async def _valid(world: World, name: str) -> dict[str, Any]:
    found = await world.get(CAPABILITIES, name)
    status = found.get("status") or {}
    assert status.get("observedGeneration") == found["metadata"]["generation"]
    (condition,) = status["conditions"]
    return dict(condition)


async def test_a_capability_says_what_it_grants_and_follows_its_spec(start: Start, world: World, writes: Writes):
    spec = {"actions": ["launch"], "subjects": [{"kind": "User", "name": "alice"}]}
    await world.kube.create(CAPABILITIES, world.namespace, {"metadata": {"name": "team"}, "spec": spec})
    async with start():
        found = await eventually(lambda: _valid(world, "team"), within=15)
        assert (found["status"], found["message"]) == ("True", "user alice may launch every workspace.")
        await world.kube.merge_patch(CAPABILITIES, world.namespace, "team", {"spec": {"subjects": []}})

        async def nobody() -> bool:
            return (await _valid(world, "team"))["reason"] == "GrantsNobody"

        await eventually(nobody, within=15)
    ours = [path for _, path in writes.seen if "capabilities" in path]
    assert len(ours) == 2
    writes.clear()
    async with start():
        await asyncio.sleep(2.0)
    assert [path for _, path in writes.seen if "capabilities" in path] == []
