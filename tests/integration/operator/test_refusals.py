"""What the cluster refuses is said in its own words with the next step, and tried again."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet.kube.resources import EVENTS, NAMESPACES, PVCS, WORKSPACES, Resource
from guildnet_operator.plan import manifests
from guildnet_operator.watch.pod_events import MIN_PROBE_FAILURES
from support.waiting import eventually
from support.world import Start, World

CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")


async def test_an_exceeded_quota_is_named_and_recovers_when_it_is_raised(start: Start, world: World):
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "tight"},
        "spec": {"hard": {"persistentvolumeclaims": "0"}},
    }
    await world.kube.create(QUOTAS, world.namespace, quota)
    await eventually(lambda: _counted(world))
    async with start():
        await world.launch("poor", storage={"size": "1Gi"})
        degraded = await world.until_condition("poor", "Degraded", "True", "QuotaExceeded")
        assert "exceeded quota: tight" in degraded["message"]
        assert (await world.status("poor"))["phase"] == "Failed"
        storage = await world.condition("poor", "StorageReady")
        assert (storage["status"], storage["reason"]) == ("False", "QuotaExceeded")
        await world.kube.delete(QUOTAS, world.namespace, "tight")
        await world.until(PVCS, "poor-storage")
        await world.until_condition("poor", "Degraded", "False")


async def _enforce(world: World, level: str | None) -> None:
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}}
    await world.kube.merge_patch(NAMESPACES, None, world.namespace, labels)


async def test_a_pod_that_pod_security_refuses_is_named(start: Start, world: World, monkeypatch: pytest.MonkeyPatch):
    """Our pods ask for nothing that is refused; here they ask to be root, as some other hand could have them do."""
    await _enforce(world, "restricted")
    monkeypatch.setattr(manifests, "USER_ID", 0)
    async with start():
        await world.launch("root")
        degraded = await world.until_condition("root", "Degraded", "True", "PodSecurityRefused")
        assert 'violates PodSecurity "restricted' in degraded["message"]
        assert "runAsUser=0" in degraded["message"]
        assert "admits only restricted pods: change what the message names" in degraded["message"]
        assert await world.pods("root") == []
        ready = await world.condition("root", "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "PodSecurityRefused")
        await _enforce(world, None)
        await world.run_pod("root")
        await world.until_condition("root", "Ready", "True")
        # The Deployment says ReplicaFailure until its controller has seen the pod, which the operator may see first.
        await world.until_condition("root", "Degraded", "False")


async def test_its_pods_are_admitted_where_pod_security_is_restricted(start: Start, world: World):
    await _enforce(world, "restricted")
    async with start():
        await world.launch("good")
        await world.run_pod("good")
        await world.until_condition("good", "Ready", "True")


async def test_an_image_that_cannot_be_pulled_and_a_crash_are_named(start: Start, world: World):
    async with start():
        await world.launch("sick")
        waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image: not found"}
        await world.run_pod("sick", ready=False, state={"waiting": waiting}, imageID="")
        pulled = await world.until_condition("sick", "ImagePulled", "False", "ImagePullFailed")
        assert "example.com/app:1" in pulled["message"]
        assert "not found" in pulled["message"]
        ended = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-24T10:00:00Z"}
        await world.run_pod(
            "sick",
            ready=False,
            state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            lastState={"terminated": ended},
            restartCount=2,
        )
        await world.until_condition("sick", "Degraded", "True", "OutOfMemory")
        status = await world.status("sick")
        assert (status["phase"], status["restarts"]) == ("Failed", 2)
        await world.run_pod("sick", restartCount=2)
        await world.until_condition("sick", "Ready", "True")
        assert (await world.condition("sick", "Degraded"))["status"] == "False"


async def _disk(world: World) -> str:
    """A volume of 1 Gi and a storage class of its own, both of this name."""
    disk = f"disk-{world.namespace}"
    volume: dict[str, Any] = {
        "metadata": {"name": disk},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": disk,
            "hostPath": {"path": "/nowhere"},
        },
    }
    await world.kube.create(CLASSES, None, {"metadata": {"name": disk}, "provisioner": "example.com/none"})
    await world.kube.create(VOLUMES, None, volume)
    return disk


async def _counted(world: World) -> bool:
    return bool((await world.kube.get(QUOTAS, world.namespace, "tight")).get("status", {}).get("hard"))


async def test_a_probe_that_keeps_failing_is_told_in_the_kubelets_words(start: Start, world: World):
    async with start():
        await world.launch("mute")
        pod = await world.run_pod("mute", ready=False)
        about = {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        event = {
            "metadata": {"name": "mute.1"},
            "involvedObject": {**about, "namespace": world.namespace},
            "reason": "Unhealthy",
            "type": "Warning",
            "message": "Startup probe failed: HTTP probe failed with statuscode: 404",
            "count": MIN_PROBE_FAILURES,
        }
        await world.kube.create(EVENTS, world.namespace, event)
        found = await world.until_condition("mute", "Ready", "False", "NotAnswering")
        assert "statuscode: 404" in found["message"]
        await world.run_pod("mute")
        await world.until_condition("mute", "Ready", "True")


async def test_a_volume_that_cannot_grow_says_so_and_grows_when_its_class_allows_it(start: Start, world: World):
    disk = await _disk(world)
    async with start():
        await world.launch("small", storage={"size": "1Gi", "storageClassName": disk})
        await world.run_pod("small")
        await world.until_condition("small", "StorageReady", "True", "Bound")
        await world.until_condition("small", "Ready", "True")
        await world.edit("small", storage={"size": "2Gi", "storageClassName": disk})
        found = await world.until_condition("small", "StorageReady", "False", "GrowthRefused")
        assert "allowVolumeExpansion" in found["message"]
        await world.until_condition("small", "Degraded", "True", "GrowthRefused")
        assert (await world.condition("small", "Ready"))["status"] == "True", "what it has goes on working"
        await world.kube.merge_patch(CLASSES, None, disk, {"allowVolumeExpansion": True})
        await world.until_condition("small", "Degraded", "False")
        claim = await world.get(PVCS, "small-storage")
        assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"


async def test_a_claim_that_an_admin_enlarged_is_left_as_it_is(start: Start, world: World):
    disk = await _disk(world)
    await world.kube.merge_patch(CLASSES, None, disk, {"allowVolumeExpansion": True})
    async with start() as running:
        await world.launch("grown", storage={"size": "1Gi", "storageClassName": disk})
        await world.run_pod("grown")
        await world.until_condition("grown", "StorageReady", "True", "Bound")
        larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
        await world.kube.merge_patch(PVCS, world.namespace, "grown-storage", larger)
        await world.edit("grown", notes="look again")
        await eventually(lambda: _observed(world, "grown"))
        await eventually(running.queue.idle)
        assert (await world.condition("grown", "Degraded"))["status"] == "False"
        claim = await world.get(PVCS, "grown-storage")
        assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"


async def _observed(world: World, name: str) -> bool:
    found = await world.get(WORKSPACES, name)
    return bool(found["status"]["observedGeneration"] == found["metadata"]["generation"])


async def test_a_volume_that_is_not_asked_for_any_more_is_kept_and_one_that_is_gone_is_lost(start: Start, world: World):
    disk = await _disk(world)
    async with start():
        await world.launch("was", storage={"size": "1Gi", "storageClassName": disk})
        await world.until_condition("was", "StorageReady", "True", "Bound")
        await world.edit("was", storage=None)
        kept = await world.until_condition("was", "StorageReady", "True", "Kept")
        assert kept["message"] == "Claim was-storage of an earlier spec.storage is kept, but not mounted."
        assert await world.find(PVCS, "was-storage") is not None
        await world.edit("was", storage={"size": "1Gi", "storageClassName": disk})
        await world.until_condition("was", "StorageReady", "True", "Bound")
        # Somebody takes the volume away by force; the cluster's own controller calls the claim lost.
        await world.kube.delete(VOLUMES, None, disk)
        await world.kube.merge_patch(VOLUMES, None, disk, {"metadata": {"finalizers": None}})
        lost = await world.until_condition("was", "StorageReady", "False", "Lost")
        assert "was-storage" in lost["message"]
