"""An object of somebody else is never touched: it is named, with the remedy, and left byte for byte as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guildnet.kube.resources import DEPLOYMENTS, INGRESSES, PVCS, SECRETS, SERVICES, WORKSPACES, Resource
from support.waiting import eventually
from support.world import Start, World, Writes

LABELS = {"app": "somebody-elses"}
ALICES = {"guildnet.io/owner": "alice@example.com"}


def _service(name: str) -> dict[str, Any]:
    return {"spec": {"ports": [{"port": 80}], "selector": LABELS}}


def _deployment(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main", "image": "x"}]}}
    return {"spec": {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": template}}


def _claim(name: str) -> dict[str, Any]:
    return {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}


def _secret(name: str) -> dict[str, Any]:
    return {"stringData": {"password": "a stranger's"}}


def _ingress(name: str) -> dict[str, Any]:
    return {"spec": {"defaultBackend": {"service": {"name": "elsewhere", "port": {"number": 80}}}}}


CASES = {
    "service": (SERVICES, "taken", _service),
    "deployment": (DEPLOYMENTS, "taken", _deployment),
    "claim": (PVCS, "taken-storage", _claim),
    "secret": (SECRETS, "taken-password", _secret),
    "ingress": (INGRESSES, "taken", _ingress),
}
SPEC: dict[str, Any] = {
    "image": "example.com/code-server:1",
    "storage": {"size": "1Gi"},
    "exposure": {"type": "Ingress", "domain": "apps.example.com"},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seen", ["before the operator starts", "by the create alone"])
async def test_a_strangers_object_is_untouched_and_named(
    start: Start, world: World, writes: Writes, case: str, seen: str, monkeypatch: pytest.MonkeyPatch
):
    resource, name, build = CASES[case]
    if seen == "by the create alone":
        _blind(monkeypatch, name)
    before = await _make(world, resource, name, build(name))
    async with start(direct_exposure=True):
        await world.launch("taken", **SPEC)
        degraded = await world.until_condition("taken", "Degraded", "True", "NameTaken")
        # As often as it looks again, it leaves it alone.
        await world.edit("taken", notes="look again")
        await eventually(lambda: _observed(world, "taken", 2))
        after = await _text(world, resource, name)
        assert after == before
        assert f"{resource.kind} {name} exists and does not belong to this Workspace" in degraded["message"]
        assert "Delete" in degraded["message"]
        assert (await world.condition("taken", "Ready"))["status"] == "False"
        if case in ("claim", "secret"):
            assert await world.find(DEPLOYMENTS, "taken") is None, "a pod would use what is not its own"


@pytest.mark.parametrize("case", ["service", "deployment", "claim", "ingress"])
async def test_the_workspace_recovers_by_itself_when_the_stranger_goes(start: Start, world: World, case: str):
    resource, name, build = CASES[case]
    await _make(world, resource, name, build(name))
    async with start(direct_exposure=True):
        created = await world.launch("taken", **SPEC)
        await world.until_condition("taken", "Degraded", "True", "NameTaken")
        await world.kube.delete(resource, world.namespace, name)
        await world.until_condition("taken", "Degraded", "False")
        (owner,) = (await world.until(resource, name))["metadata"]["ownerReferences"]
        assert owner["uid"] == created["metadata"]["uid"]


async def test_a_retained_claim_is_found_again_by_the_next_of_its_name_and_owner(start: Start, world: World):
    async with start():
        await world.launch("heir", storage={"size": "5Gi", "retain": True}, annotations=ALICES)
        claim = await world.until(PVCS, "heir-storage")
        await world.until(DEPLOYMENTS, "heir")
        await world.kube.delete(WORKSPACES, world.namespace, "heir")
        await world.until_gone(DEPLOYMENTS, "heir")
        await world.launch("heir", storage={"size": "1Gi"}, annotations=ALICES)
        await world.until(DEPLOYMENTS, "heir")
        found = await world.get(PVCS, "heir-storage")
        assert found["metadata"]["uid"] == claim["metadata"]["uid"]
        # It is as large as it was, although less was asked for, and goes with this one, as it says.
        assert found["spec"]["resources"]["requests"]["storage"] == "5Gi"
        await world.until_condition("heir", "Degraded", "False")
        await world.kube.delete(WORKSPACES, world.namespace, "heir")
        await world.until_gone(DEPLOYMENTS, "heir")


async def test_a_retained_claim_of_another_owner_is_not_adopted_until_it_is_handed_over(start: Start, world: World):
    storage = {"size": "1Gi", "retain": True}
    async with start():
        await world.launch("heir", storage=storage, annotations=ALICES)
        claim = await world.until(PVCS, "heir-storage")
        await world.until(DEPLOYMENTS, "heir")
        await world.kube.delete(WORKSPACES, world.namespace, "heir")
        await world.until_gone(DEPLOYMENTS, "heir")
        successor = await world.launch("heir", storage=storage)
        degraded = await world.until_condition("heir", "Degraded", "True", "NameTaken")
        assert "guildnet.io/workspace-uid" in degraded["message"]
        assert await world.find(DEPLOYMENTS, "heir") is None
        handed_over = {"metadata": {"annotations": {"guildnet.io/workspace-uid": successor["metadata"]["uid"]}}}
        await world.kube.merge_patch(PVCS, world.namespace, "heir-storage", handed_over)
        await world.until_condition("heir", "Degraded", "False")
        await world.until(DEPLOYMENTS, "heir")
        assert (await world.get(PVCS, "heir-storage"))["metadata"]["uid"] == claim["metadata"]["uid"]


async def _make(world: World, resource: Resource, name: str, rest: dict[str, Any]) -> str:
    body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}, **rest}
    await world.kube.create(resource, world.namespace, body)

    async def settled() -> str | None:
        # The controllers write status after creation: the comparison starts when they have.
        found = await world.get(resource, name)
        reasons = [item["reason"] for item in (found.get("status") or {}).get("conditions") or ()]
        if resource is DEPLOYMENTS and "NewReplicaSetAvailable" not in reasons:
            return None
        return json.dumps(found, sort_keys=True)

    return await eventually(settled)


async def _text(world: World, resource: Resource, name: str) -> str:
    return json.dumps(await world.get(resource, name), sort_keys=True)


async def _observed(world: World, name: str, generation: int) -> bool:
    return bool((await world.status(name)).get("observedGeneration") == generation)


def _blind(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make the operator's caches miss the stranger's object, as when it is created in the very same moment."""
    from guildnet_operator.watch.cache import Cache

    get = Cache.get
    monkeypatch.setattr(Cache, "get", lambda self, key: None if key == name and _is_child(self) else get(self, key))


def _is_child(cache: Any) -> bool:
    return bool(cache.reflector._resource is not WORKSPACES)
