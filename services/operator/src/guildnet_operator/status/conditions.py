"""The conditions of a Workspace: a table, one pure function each, from a `Snapshot` to what it says.

Together they tell the whole story to `kubectl describe`; `Ready` alone tells it to `kubectl wait`. A message speaks the
cluster's own words and names the next step; it holds no clock or counter that changes while nothing happens, or a
settled workspace would be written again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guildnet.workspace.admission import CONDITION
from guildnet_operator.status.children import PodView
from guildnet_operator.status.current import current
from guildnet_operator.status.diagnosis import claim_waits, image_pull_failed
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.refusals import reason_of, sentences
from guildnet_operator.status.snapshot import Snapshot
from guildnet_operator.status.verdict import Verdict
from guildnet_operator.status.volume import resizing


def ready(snapshot: Snapshot) -> Verdict:
    if snapshot.workspace.deleting:
        return Verdict("False", Reason.TERMINATING, "The workspace is being deleted.")
    if snapshot.is_ready:
        return Verdict("True", Reason.READY, f"The workspace answers on port {snapshot.plan.main_port.number}.")
    found = snapshot.diagnosis
    if found is not None and found.blocking:
        return Verdict("False", found.reason, found.message)
    if not snapshot.plan.replicas:
        return _at_rest(snapshot)
    if snapshot.leaving is not None:
        return Verdict("False", snapshot.leaving.reason, sentences(snapshot.leaving))
    return _on_the_way(snapshot)


def _at_rest(snapshot: Snapshot) -> Verdict:
    if snapshot.children.pods:
        return Verdict("False", Reason.STOPPING, "The workspace is stopping.")
    if snapshot.admission.waits:
        return _waits(snapshot)
    return Verdict("False", Reason.STOPPED, "The workspace is stopped: set spec.running to true to start it.")


def _waits(snapshot: Snapshot) -> Verdict:
    limit = snapshot.admission.limit
    words = limit.words if limit is not None else "as many workspaces run as may: stop or delete one"
    message = f"{words[:1].upper()}{words[1:]}, and this one starts by itself ({_owner(snapshot)})."
    return Verdict("False", Reason.LIMIT_REACHED, message)


def _owner(snapshot: Snapshot) -> str:
    owner = snapshot.workspace.owner
    return f"owner: {owner}" if owner else "those without an owner count together"


def admitted(snapshot: Snapshot) -> Verdict:
    if snapshot.workspace.deleting:
        return Verdict("False", Reason.TERMINATING, "The workspace is being deleted.")
    if snapshot.admission.waits:
        return _waits(snapshot)
    if not snapshot.workspace.spec.running:
        return Verdict("False", Reason.STOPPED, "A stopped workspace takes none of the places of its owner.")
    limit = snapshot.admission.limit
    if limit is None:
        return Verdict("True", Reason.ADMITTED, "It may run: no limit on running workspaces applies to its owner.")
    message = f"It may run: it is one of at most {limit.most} at once that {limit.rule} allows ({_owner(snapshot)})."
    return Verdict("True", Reason.WITHIN_LIMIT, message)


def _on_the_way(snapshot: Snapshot) -> Verdict:
    pod = snapshot.children.current_pod
    if pod is None:
        return Verdict("False", Reason.CREATING, "Waiting for the cluster to create the pod.")
    if snapshot.storage_waits:
        return Verdict("False", Reason.STORAGE_PENDING, claim_waits(snapshot))
    if pod.scheduled is False:
        return Verdict("False", Reason.UNSCHEDULABLE, _unschedulable(pod))
    if not pod.image_present:
        where = f" on node {pod.node}" if pod.node else ""
        return Verdict(
            "False", Reason.STARTING, f"The container is being prepared{where}; its image may be pulled now."
        )
    if snapshot.children.service is None:
        return Verdict("False", Reason.SERVICE_PENDING, "The pod runs; waiting for its Service.")
    return _silent(snapshot, pod)


def _silent(snapshot: Snapshot, pod: PodView) -> Verdict:
    probe = snapshot.plan.probe
    if pod.probe_failure:
        words = f"The container runs, but its probe keeps failing: {pod.probe_failure.rstrip('.')}."
        return Verdict("False", Reason.NOT_ANSWERING, f"{words} Look at its log, port and probe.")
    asked = "its pod to be ready" if probe is None else f"an answer to {_question(snapshot)}"
    if pod.was_ready and probe is not None:
        message = (
            f"The container runs, but does not answer {_question(snapshot)} any more: look at its log, port and probe."
        )
        return Verdict("False", Reason.NOT_ANSWERING, message)
    return Verdict("False", Reason.STARTING, f"The container runs; waiting for {asked}.")


def _question(snapshot: Snapshot) -> str:
    probe = snapshot.plan.probe
    if probe is None:
        return "its probe"
    return (
        f"GET {probe.scheme}://…:{probe.port}{probe.path}"
        if probe.type == "http"
        else f"a connection to port {probe.port}"
    )


def scheduled(snapshot: Snapshot) -> Verdict:
    pod = snapshot.children.current_pod
    if pod is None or not snapshot.plan.replicas:
        return Verdict("False", Reason.NO_POD, "There is no pod to place.")
    if snapshot.storage_waits:
        return Verdict("False", Reason.STORAGE_PENDING, claim_waits(snapshot))
    if pod.scheduled is False:
        return Verdict("False", Reason.UNSCHEDULABLE, _unschedulable(pod))
    if pod.node:
        return Verdict("True", Reason.SCHEDULED, f"Placed on node {pod.node}.")
    return Verdict("Unknown", Reason.PENDING, "The scheduler has not looked at the pod yet.")


def _unschedulable(pod: PodView) -> str:
    words = pod.scheduled_message or "no node takes the pod"
    return f"No node can take the pod: {words.rstrip('.')}. Ask for less (spec.resources), free some, or add a node."


def image_pulled(snapshot: Snapshot) -> Verdict:
    pod = snapshot.children.current_pod
    image = snapshot.plan.image
    if pod is None or not snapshot.plan.replicas:
        return Verdict("Unknown", Reason.NO_POD, f"There is no pod that needs image {image}.")
    if pod.image_present:
        return Verdict("True", Reason.IMAGE_PRESENT, f"Image {image} is on the node.")
    failed = image_pull_failed(snapshot)  # the diagnosis of the whole may be another
    if failed is not None:
        return Verdict("False", failed.reason, failed.message)
    return Verdict("Unknown", Reason.PULLING, f"Image {image} is not known to be on the node yet.")


def storage_ready(snapshot: Snapshot) -> Verdict:
    wanted, live = snapshot.plan.claim, snapshot.children.claim
    if wanted is None:
        return _no_storage(live)
    problem = snapshot.problem("PersistentVolumeClaim")
    if problem is not None:
        return Verdict("False", reason_of(problem), sentences(problem))
    if live is None and snapshot.admission.waits:
        return Verdict("False", Reason.LIMIT_REACHED, f"Claim {wanted.name} is made when the workspace may run.")
    if live is None:
        return Verdict("False", Reason.PENDING, f"Claim {wanted.name} is being created.")
    return _claim_phase(live, kept=wanted.retain)


def _no_storage(live: Mapping[str, Any] | None) -> Verdict:
    if live is not None:
        name = live["metadata"]["name"]
        return Verdict("True", Reason.KEPT, f"Claim {name} of an earlier spec.storage is kept, but not mounted.")
    message = "No storage asked for: what the workspace writes is lost when it stops."
    return Verdict("True", Reason.NOT_REQUESTED, message)


def _claim_phase(live: Mapping[str, Any], *, kept: bool) -> Verdict:
    name = live["metadata"]["name"]
    phase = (live.get("status") or {}).get("phase")
    later = "It stays when the Workspace is deleted." if kept else "It is deleted with the Workspace."
    if phase == "Bound":
        return resizing(live) or Verdict("True", Reason.BOUND, f"Claim {name} is bound. {later}")
    if phase == "Lost":
        return Verdict("False", Reason.LOST, f"The volume behind claim {name} is gone: restore it or delete the claim.")
    of_class = live["spec"].get("storageClassName") or "none"
    message = f"Claim {name} waits for a volume of storage class {of_class}: is there such a class, with a provisioner?"
    return Verdict("False", Reason.PENDING, message)


def route_ready(snapshot: Snapshot) -> Verdict:
    service = snapshot.children.service
    problem = snapshot.problem("Service", "Ingress", "NetworkPolicy")
    if problem is not None:
        return Verdict("False", reason_of(problem), sentences(problem))
    if service is None and snapshot.admission.waits:
        return Verdict("False", Reason.LIMIT_REACHED, "The Service is made when the workspace may run.")
    if service is None:
        return Verdict("False", Reason.SERVICE_PENDING, "The Service is being created.")
    if snapshot.needs_port and snapshot.port is None and snapshot.no_port:
        message = (
            f"No port for an origin of its own yet: {snapshot.no_port.rstrip('.')}. It is asked for again by itself; "
            "where the port counter was deleted, helm upgrade makes it again."
        )
        return Verdict("False", Reason.PORT_PENDING, message)
    if snapshot.needs_port and snapshot.port is None:
        message = "No port is left for an origin of its own: the port counter has reached 65535."
        return Verdict("False", Reason.PORTS_EXHAUSTED, message)
    if snapshot.plan.reach.service_type == "LoadBalancer" and not load_balancer_host(service):
        message = "The load balancer has not given an address yet: is one installed? The proxy leads there meanwhile."
        return Verdict("False", Reason.ADDRESS_PENDING, message)
    return Verdict("True", Reason.ROUTED, f"Service {service['metadata']['name']} and its origin are there.")


def load_balancer_host(service: Mapping[str, Any]) -> str | None:
    """The address or name a load balancer gave this Service."""
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return next((item.get("ip") or item.get("hostname") for item in given), None)


def progressing(snapshot: Snapshot) -> Verdict:
    if snapshot.workspace.deleting:
        return Verdict("True", Reason.TERMINATING, "The children are being deleted.")
    if not snapshot.plan.replicas and snapshot.children.pods:
        return Verdict("True", Reason.STOPPING, "Waiting for the pod to end.")
    if snapshot.admission.waits:
        return _waits(snapshot)
    if snapshot.is_ready or not snapshot.plan.replicas:
        return Verdict("False", Reason.SETTLED, "Everything is as the spec wants it.")
    found = snapshot.diagnosis
    if found is not None and found.blocking:
        return Verdict("False", Reason.BLOCKED, found.message)
    if snapshot.leaving is not None:
        return Verdict("True", snapshot.leaving.reason, sentences(snapshot.leaving))
    current = snapshot.children.current_pod
    if snapshot.children.pods and (current is None or len(snapshot.children.pods) > 1):
        return Verdict("True", Reason.UPDATING, "The pod of the earlier spec makes room for the new one.")
    return Verdict("True", Reason.STARTING, "The workspace is starting.")


def stopped(snapshot: Snapshot) -> Verdict:
    if snapshot.plan.replicas:
        return Verdict("False", Reason.RUNNING, "The workspace is meant to run.")
    if snapshot.children.pods:
        return Verdict("False", Reason.STOPPING, "Waiting for the pod to end.")
    if snapshot.admission.waits:
        return _waits(snapshot)
    return Verdict("True", Reason.STOPPED, "No pod runs; storage, address and origin are kept.")


def degraded(snapshot: Snapshot) -> Verdict:
    found = None if snapshot.workspace.deleting else snapshot.diagnosis
    if found is None:
        return Verdict("False", Reason.AS_EXPECTED, "Nothing is wrong.")
    return Verdict("True", found.reason, found.message)


TABLE: Final[Mapping[str, Callable[[Snapshot], Verdict]]] = {
    "Ready": ready,
    CONDITION: admitted,
    "Scheduled": scheduled,
    "ImagePulled": image_pulled,
    "StorageReady": storage_ready,
    "RouteReady": route_ready,
    "Progressing": progressing,
    "Stopped": stopped,
    "Current": current,
    "Degraded": degraded,
}
