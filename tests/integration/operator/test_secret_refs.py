"""A workspace is not started with a Secret that is another's, and starts as soon as it refers to none."""

from __future__ import annotations

from typing import Any

from guildnet.kube.resources import DEPLOYMENTS, SECRETS
from support.world import Start, World


def _env(secret: str, key: str = "password") -> list[dict[str, Any]]:
    return [{"name": "STOLEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}]


async def test_a_password_of_another_workspace_is_not_given_away(start: Start, world: World):
    async with start():
        await world.launch("thief-early", env=_env("victim-password"))
        early = await world.until_condition("thief-early", "Degraded", "True", "SecretRefused")
        assert "Secret victim-password" in early["message"]
        await world.launch("victim", image="example.com/code-server:1")
        await world.until(SECRETS, "victim-password")
        await world.launch("thief", env=_env("victim-password"))
        told = await world.until_condition("thief", "Degraded", "True", "SecretRefused")
        assert "it is another workspace's" in told["message"]
        for name in ("thief", "thief-early"):
            assert await world.find(DEPLOYMENTS, name) is None
        await world.edit("thief", env=None)
        await world.until(DEPLOYMENTS, "thief")
        await world.until_condition("thief", "Degraded", "False")


async def test_what_runs_goes_on_by_its_earlier_spec(start: Start, world: World):
    async with start():
        await world.launch("victim", image="example.com/code-server:1")
        await world.until(SECRETS, "victim-password")
        await world.launch("thief")
        pod = await world.run_pod("thief")
        await world.until_condition("thief", "Ready", "True")
        await world.edit("thief", env=_env("victim-password"))
        await world.until_condition("thief", "Degraded", "True", "SecretRefused")
        assert [item["metadata"]["uid"] for item in await world.pods("thief")] == [pod["metadata"]["uid"]]
        await world.edit("thief", running=False)
        await world.until_no_pods("thief")
        await world.until_condition("thief", "Stopped", "True")


async def test_a_secret_of_ones_own_is_given(start: Start, world: World):
    body = {"metadata": {"name": "team-password"}, "stringData": {"password": "x"}}
    await world.kube.create(SECRETS, world.namespace, body)
    async with start():
        await world.launch("lab", env=_env("team-password"))
        await world.until(DEPLOYMENTS, "lab")
