"""Readers of live objects: what the caches hold of the objects a Workspace consists of. Pure.

Parsing refuses nothing: a missing field is a missing fact.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import orjson

from guildnet.names import LABEL_WORKSPACE
from guildnet_operator.plan.manifests import CONTAINER
from guildnet_operator.status.children import Children, Object, PodView, ReplicaSetView, Termination, seconds_between
from guildnet_operator.watch.pod_events import About, PodWarning

_TEMPLATE_HASH: Final = "pod-template-hash"


def with_pods(
    children: Children,
    replica_sets: Iterable[ReplicaSetView],
    pods: Iterable[PodView],
    warnings: Mapping[str, Mapping[About, PodWarning]],
) -> Children:
    """The children with those of the pods that are of this very Deployment. `warnings` are by pod uid.

    Followed by uid from owner to owner, because labels can be put on anything. A pod that is over (evicted, ended with
    its node) can stay for ever: it counts no more, and is looked at only where there is no other.
    """
    if children.deployment is None:
        return children
    uid, template = children.deployment["metadata"]["uid"], template_hash(children.deployment["spec"]["template"])
    sets = {item.uid: item.template == template for item in replica_sets if item.owner_uid == uid}
    own = tuple(pod for pod in pods if pod.owner_uid in sets)
    current = (pod for pod in own if sets[pod.owner_uid] and not pod.deleting)
    youngest = max(current, key=lambda pod: (not pod.over, pod.created_at, pod.name), default=None)
    if youngest is not None and not youngest.ready and (words := warnings.get(youngest.uid)):
        youngest = _warned(youngest, words)
    return replace(children, pods=tuple(pod for pod in own if not pod.over), current_pod=youngest)


def _warned(pod: PodView, warnings: Mapping[About, PodWarning]) -> PodView:
    said = {about: warning.message for about, warning in warnings.items()}
    liveness = warnings.get(About.LIVENESS)
    return replace(
        pod,
        probe_failure=said.get(About.PROBE, ""),
        liveness_failure=said.get(About.LIVENESS, ""),
        liveness_failed_at=liveness.last if liveness else "",
        volume_failure=said.get(About.VOLUME, ""),
        sandbox_failure=said.get(About.SANDBOX, ""),
    )


def plain(obj: Object) -> Object:
    """A live object without the bookkeeping that fills half of it."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def packed(obj: Object) -> bytes:
    """A live object as it is held: taken apart it would need five times the memory, and most are rarely read."""
    return orjson.dumps(plain(obj))


def unpacked(held: bytes) -> Object:
    """The object that was packed."""
    obj: Object = orjson.loads(held)
    return obj


def controller_uid(obj: Object) -> str:
    """The uid of the object's controlling owner, or ""."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((item["uid"] for item in references if item.get("controller")), "")


def template_hash(template: Object) -> str:
    """Names a pod template. The label the Deployment controller adds to its ReplicaSets' copies does not count."""
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _TEMPLATE_HASH}
    facts = [labels, metadata.get("annotations") or {}, template["spec"]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def replica_set(obj: Object) -> ReplicaSetView:
    metadata = obj["metadata"]
    return ReplicaSetView(
        name=metadata["name"],
        uid=metadata["uid"],
        workspace=(metadata.get("labels") or {}).get(LABEL_WORKSPACE, ""),
        owner_uid=controller_uid(obj),
        template=template_hash(obj["spec"]["template"]),
    )


def pod(obj: Object) -> PodView:
    metadata, status = obj["metadata"], obj.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    ready, scheduled = conditions.get("Ready", {}), conditions.get("PodScheduled", {})
    container = _workspace_container(status.get("containerStatuses") or ())
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    return PodView(
        name=metadata["name"],
        uid=metadata["uid"],
        workspace=(metadata.get("labels") or {}).get(LABEL_WORKSPACE, ""),
        owner_uid=controller_uid(obj),
        created_at=metadata.get("creationTimestamp") or "",
        deleting=bool(metadata.get("deletionTimestamp")),
        phase=status.get("phase") or "Pending",
        node=(obj.get("spec") or {}).get("nodeName") or "",
        ready=ready.get("status") == "True",
        ready_at=(ready.get("lastTransitionTime") or "") if ready.get("status") == "True" else "",
        ready_message=ready.get("message") or "",
        scheduled={"True": True, "False": False}.get(scheduled.get("status", "")),
        scheduled_message=scheduled.get("message") or "",
        started=bool(container.get("started")),
        running="running" in state,
        image_present=bool(container.get("imageID")) or "running" in state or "terminated" in state,
        waiting_reason=waiting.get("reason") or "",
        waiting_message=waiting.get("message") or "",
        restarts=sum(item.get("restartCount", 0) for item in status.get("containerStatuses") or ()),
        last=_termination(state) or _termination(container.get("lastState") or {}),
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        unwatched=_unwatched(conditions),
        was_ready=_was_ready(ready, state),
    )


def _was_ready(ready: Object, state: Object) -> bool:
    """Whether the pod was ready in this run of its container: the condition turned false after the run began.

    Of a pod that has yet to become ready the condition is as old as the pod, or as the end of the run before.
    """
    begun = (state.get("running") or {}).get("startedAt") or ""
    turned = ready.get("lastTransitionTime") or ""
    return bool(begun) and ready.get("status") == "False" and turned > begun


def _unwatched(conditions: Mapping[str, Object]) -> bool:
    """Did somebody else than the kubelet take back that the pod is ready?

    The kubelet says Ready and ContainersReady together. The node lifecycle controller, when a node does not report for
    its grace period, sets Ready alone to False and leaves the reason as it was. Readiness gates, of which we set none
    but a webhook might, do so too, with a reason.
    """
    ready, containers = conditions.get("Ready", {}), conditions.get("ContainersReady", {})
    return ready.get("status") == "False" and containers.get("status") == "True" and not ready.get("reason")


def _workspace_container(statuses: Sequence[Object]) -> Object:
    """The container of ours: admission may have put others beside it."""
    return next((item for item in statuses if item.get("name") == CONTAINER), next(iter(statuses), {}))


def _termination(state: Object) -> Termination | None:
    ended = state.get("terminated")
    if not ended:
        return None
    return Termination(
        exit_code=ended.get("exitCode", 0),
        reason=ended.get("reason") or "",
        message=ended.get("message") or "",
        finished_at=ended.get("finishedAt") or "",
        ran_seconds=seconds_between(ended.get("startedAt") or "", ended.get("finishedAt") or ""),
    )
