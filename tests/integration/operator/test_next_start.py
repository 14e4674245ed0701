"""What the install's settings put into pods reaches a running workspace when it starts the next time."""

from __future__ import annotations

from typing import Any

from guildnet.kube.resources import DEPLOYMENTS, WORKSPACES
from guildnet.names import ANNOTATION_RESTARTED_AT
from support.waiting import eventually
from support.world import Start, World

CHANGED: dict[str, Any] = {"k8s_image_pull_secret": "team-registry", "tolerate_control_plane": False}


async def _pod_spec(world: World, name: str) -> dict[str, Any]:
    deployment = await world.get(DEPLOYMENTS, name)
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


async def test_a_running_workspace_keeps_its_pod_until_it_is_restarted(start: Start, world: World):
    async with start():
        await world.launch("lab")
        pod = await world.run_pod("lab")
        await world.until_condition("lab", "Ready", "True")
        await world.until_condition("lab", "Current", "True", "Current")
    async with start(**CHANGED) as running:
        told = await world.until_condition("lab", "Current", "False", "NextStart")
        assert "pull secret team-registry instead of none" in told["message"]
        await eventually(running.queue.idle)
        assert [item["metadata"]["uid"] for item in await world.pods("lab")] == [pod["metadata"]["uid"]]
        assert "imagePullSecrets" not in await _pod_spec(world, "lab")
        await world.until_condition("lab", "Ready", "True")

        patch = {"metadata": {"annotations": {ANNOTATION_RESTARTED_AT: "2026-11-28T10:00:00Z"}}}
        await world.kube.merge_patch(WORKSPACES, world.namespace, "lab", patch)
        await world.until_condition("lab", "Current", "True")
        spec = await _pod_spec(world, "lab")
        assert spec["imagePullSecrets"] == [{"name": "team-registry"}]
        assert "tolerations" not in spec


async def test_a_stopped_workspace_and_one_that_never_ran_get_them_at_once(start: Start, world: World):
    async with start():
        await world.launch("halted", running=False)
        await world.launch("waiting")
        await world.until_condition("halted", "Stopped", "True")
        waiting = {"state": {"waiting": {"reason": "ErrImagePull", "message": "denied"}}, "imageID": ""}
        await world.run_pod("waiting", ready=False, **waiting)
        await world.until_condition("waiting", "Degraded", "True", "ImagePullFailed")
    async with start(**CHANGED):
        for name in ("halted", "waiting"):

            async def brought(name: str = name) -> bool:
                return (await _pod_spec(world, name)).get("imagePullSecrets") == [{"name": "team-registry"}]

            await eventually(brought, within=15)
            await world.until_condition(name, "Current", "True")


async def test_an_edit_by_hand_is_put_right_without_the_new_settings(start: Start, world: World):
    async with start():
        await world.launch("lab")
        await world.run_pod("lab")
        await world.until_condition("lab", "Ready", "True")
    async with start(**CHANGED):
        await world.until_condition("lab", "Current", "False")
        await world.kube.merge_patch(DEPLOYMENTS, world.namespace, "lab", {"spec": {"revisionHistoryLimit": 7}})

        async def right() -> bool:
            return bool((await world.get(DEPLOYMENTS, "lab"))["spec"]["revisionHistoryLimit"] == 2)

        await eventually(right)
        assert "imagePullSecrets" not in await _pod_spec(world, "lab")
