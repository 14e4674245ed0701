"""Workspaces and children for the operator's tests, as the API server would send them."""

from __future__ import annotations

from typing import Any

from guildnet.web.entries import Entry
from guildnet.workspace import Workspace, parse
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.manifests import desired
from guildnet_operator.plan.plan import Policy
from guildnet_operator.status.children import Children
from guildnet_operator.status.snapshot import Admission, Snapshot
from guildnet_operator.watch import live
from guildnet_operator.watch.pod_events import About, PodWarning

NAME = "lab-1a2b3"
NAMESPACE = "guildnet-workspaces"
UID = "6f2d3a51-0000-4000-8000-000000000001"
NOW = "2026-11-24T10:00:00Z"
LATER = "2026-11-24T11:00:00Z"
TAILNET = Entry("tailnet", "https://guildnet.tailtest.example", "port")
LOCAL = Entry("local", "http://guildnet.localhost:8080", "host")


def workspace(
    *,
    annotations: dict[str, str] | None = None,
    deleting: bool = False,
    status: dict[str, Any] | None = None,
    **spec: Any,
) -> Workspace:
    metadata: dict[str, Any] = {
        "name": NAME,
        "namespace": NAMESPACE,
        "uid": UID,
        "generation": 3,
        "resourceVersion": "7",
        "annotations": annotations or {},
    }
    if deleting:
        metadata["deletionTimestamp"] = NOW
    return parse({"metadata": metadata, "spec": {"image": "example.com/app:1", **spec}, "status": status or {}})


def stored(manifest: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A desired object as the API server stores it."""
    metadata = {"uid": f"uid-of-{manifest['kind']}", "resourceVersion": "5", "generation": 1, **manifest["metadata"]}
    return {**manifest, "metadata": metadata, **more}


def pod(*, name: str = "lab-pod", deleting: bool = False, **status: Any) -> dict[str, Any]:
    """A pod of this Deployment's ReplicaSet: placed, its image present, running and ready unless said otherwise."""
    container = {
        "name": "workspace",
        "imageID": "sha256:1",
        "started": True,
        "restartCount": 0,
        "state": {"running": {}},
        **status.pop("container", {}),
    }
    conditions = {"PodScheduled": {"status": "True"}, "Ready": {"status": "True"}} | status.pop("conditions", {})
    metadata = {
        "name": name,
        "uid": f"uid-of-{name}",
        "creationTimestamp": NOW,
        "labels": {"guildnet.io/workspace": NAME},
        "ownerReferences": [{"uid": "uid-of-set", "controller": True}],
    }
    if deleting:
        metadata["deletionTimestamp"] = NOW
    return {
        "metadata": metadata,
        "spec": {"nodeName": "node-1"} | status.pop("spec", {}),
        "status": {
            "phase": "Running",
            "conditions": [{"type": kind, **rest} for kind, rest in conditions.items()],
            "containerStatuses": [container],
            **status,
        },
    }


def snapshot(
    found: Workspace | None = None,
    *,
    policy: Policy | None = None,
    pods: list[dict[str, Any]] | None = None,
    without: tuple[str, ...] = (),
    changed: dict[str, dict[str, Any]] | None = None,
    template_of_the_pods: dict[str, Any] | None = None,
    warnings: dict[About, str] | None = None,
    claim: dict[str, Any] | None = None,
    **rest: Any,
) -> Snapshot:
    """A workspace with all children it wants, settled and ready; `without` kinds, `changed` adds fields to kinds.

    `pods` replaces the one ready pod by these, `claim` is one that is there unasked, `warnings` are words of Events
    about the pod, said at `NOW`; other keywords are the fields of the Snapshot.
    """
    item = found or workspace()
    plan = decide(item, policy or Policy(), admitted=not rest.get("admission", Admission()).waits)
    objects = {
        manifest["kind"]: stored(manifest, **(changed or {}).get(manifest["kind"], {}))
        for manifest in desired(plan)
        if manifest["kind"] not in without
    }
    deployment = objects.get("Deployment")
    sets = []
    wanted = [pod()] if pods is None else pods
    if deployment is not None:
        set_ = {
            "metadata": {
                "name": "lab-set",
                "uid": "uid-of-set",
                "labels": {"guildnet.io/workspace": NAME},
                "ownerReferences": [{"uid": deployment["metadata"]["uid"], "controller": True}],
            },
            "spec": {"template": template_of_the_pods or deployment["spec"]["template"]},
        }
        sets.append(live.replica_set(set_))
    service = objects.get("Service")
    if service is not None:
        service["spec"] = {**service["spec"], "clusterIP": "10.96.0.7"}
    said = {
        about: PodWarning("lab-pod", "uid-of-lab-pod", about, 9, words, NOW)
        for about, words in (warnings or {}).items()
    }
    found_children = Children(deployment, service, objects.get("PersistentVolumeClaim", claim), objects.get("Ingress"))
    return Snapshot(
        item,
        plan,
        live.with_pods(found_children, sets, [live.pod(one) for one in wanted], {"uid-of-lab-pod": said}),
        **{"port": 20007, "entries": (LOCAL,), **rest},
    )
