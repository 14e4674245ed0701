"""Diagnosis: what is wrong with a workspace and will not heal by waiting. A table of pure checks, most telling first.

Messages are the cluster's own words and the next step for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guildnet.names import claim_name
from guildnet_operator.status import child_faults
from guildnet_operator.status.children import CONFIGURATION_REASONS, PodView, Termination, seconds_between
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.refusals import classify
from guildnet_operator.status.snapshot import Diagnosis, Snapshot

IMAGE_REASONS: Final = frozenset({
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
    "ImageInspectError", "SignatureValidationFailed",
})  # fmt: skip
NEVER_RAN: Final = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons (`state.terminated.reason`) of a container whose program could not be started."""
KILLED: Final = 137
"""Exit code of a program that SIGKILL ended (128 + 9)."""
STORAGE_PATIENCE_SECONDS: Final = 60.0
"""How long after its pod was made a claim may be without a volume before that is wrong: it has to be made first."""
STARTUP_FAILURE: Final = "Startup probe failed"
"""How the kubelet begins an Event about a startup probe."""
LIVENESS_GRACE_SECONDS: Final = 60.0
"""A container ends at most so long after the failure of its liveness probe for which the kubelet ends it: the 30 s that
it has to end by itself, and as much again for the kubelet."""


def diagnose(snapshot: Snapshot) -> Diagnosis | None:
    """The first and most telling thing wrong, None when all is as it should be. Does not read `snapshot.diagnosis`."""
    return next((found for found in (check(snapshot) for check in _CHECKS) if found is not None), None)


def storage_waits(snapshot: Snapshot) -> Diagnosis | None:
    """The claim has had no volume for longer than making one takes."""
    left = storage_told_in(snapshot)
    if left is None or left > 0:
        return None
    return Diagnosis(Reason.STORAGE_PENDING, claim_waits(snapshot), blocking=False)


def storage_told_in(snapshot: Snapshot) -> float | None:
    """Seconds until a claim without a volume is something wrong, below zero since then; None where none is waited for.

    Reads `snapshot.now`.
    """
    pod = _pod(snapshot)
    if pod is None or not snapshot.storage_waits:
        return None
    return STORAGE_PATIENCE_SECONDS - seconds_between(pod.created_at, snapshot.now)


def claim_waits(snapshot: Snapshot) -> str:
    """What the pod waits for, in words."""
    claim = snapshot.children.claim
    of_class = claim["spec"].get("storageClassName", "none") if claim else "none"
    said = snapshot.storage_waits.rstrip(".")
    return (
        f"Claim {claim_name(snapshot.plan.name)} has no volume, and without it no node takes the pod: {said}. "
        f"Its storage class is {of_class}: is there such a class, with a provisioner (kubectl get storageclass)?"
    )


def pod_refused(snapshot: Snapshot) -> Diagnosis | None:
    """The Deployment is fine, but its pods are not admitted."""
    words = _deployment_condition(snapshot, "ReplicaFailure", "True")
    if words is None:
        return None
    reason, step = classify(words)
    return Diagnosis(reason, f"The cluster refuses the pod: {words or 'no details'}. {step}")


def image_pull_failed(snapshot: Snapshot) -> Diagnosis | None:
    pod = _pod(snapshot)
    if pod is None or pod.waiting_reason not in IMAGE_REASONS:
        return None
    return Diagnosis(
        Reason.IMAGE_PULL_FAILED,
        f"Image {snapshot.plan.image} cannot be pulled ({pod.waiting_reason}): {pod.waiting_message or 'no details'}. "
        "Check its name and tag, and that the node may pull it (pull secret, registry).",
    )


def misconfigured(snapshot: Snapshot) -> Diagnosis | None:
    pod = _pod(snapshot)
    if pod is None or pod.waiting_reason not in CONFIGURATION_REASONS:
        return None
    return Diagnosis(
        Reason.CONFIGURATION,
        f"The container cannot be made ({pod.waiting_reason}): {pod.waiting_message or 'no details'}. "
        "Check what env, command and args refer to.",
    )


def volume_not_mounted(snapshot: Snapshot) -> Diagnosis | None:
    pod = _preparing(snapshot)
    if pod is None or not pod.volume_failure:
        return None
    return Diagnosis(
        Reason.VOLUME_NOT_MOUNTED,
        f"A volume of the pod cannot be mounted on node {pod.node}: {pod.volume_failure.rstrip('.')}. A volume that "
        "another node still has is free some minutes after that node was lost; anything else is for an administrator.",
    )


def sandbox_failed(snapshot: Snapshot) -> Diagnosis | None:
    pod = _preparing(snapshot)
    if pod is None or not pod.sandbox_failure:
        return None
    return Diagnosis(
        Reason.SANDBOX_FAILED,
        f"Node {pod.node} cannot set up the pod: {pod.sandbox_failure.rstrip('.')}. That is the node's network or "
        f"container runtime: an administrator has to look at it (kubectl describe node {pod.node}).",
    )


def _preparing(snapshot: Snapshot) -> PodView | None:
    """The pod, where its container has yet to begin for the first time."""
    pod = _pod(snapshot)
    return None if pod is None or pod.image_present or pod.over else pod


def node_lost(snapshot: Snapshot) -> Diagnosis | None:
    pod = _pod(snapshot)
    if pod is None or not pod.unwatched:
        return None
    return Diagnosis(
        Reason.NODE_LOST,
        f"Node {pod.node} does not report any more, so nobody knows how the workspace is. It goes on when the node is "
        "back; after some minutes (5, unless a toleration says otherwise) the cluster starts it on another node. "
        f"Look at the node: kubectl describe node {pod.node}.",
    )


def crashed(snapshot: Snapshot) -> Diagnosis | None:
    """Judged until the pod is ready, not while it happens to wait: a crash loop is running half of the time."""
    pod = _pod(snapshot)
    if pod is None or pod.ready or pod.last is None or (pod.restarts == 0 and pod.running):
        return None
    if _ended_by_its_probe(snapshot, pod, pod.last):
        return Diagnosis(
            Reason.NOT_ANSWERING,
            f"The container was ended at {pod.last.finished_at}, as its probe went on failing for "
            f"{_patience(snapshot)} seconds: {pod.probe_failure.rstrip('.')}. It was restarted {pod.restarts} times. "
            "Look at its log, port and probe.",
        )
    if _ended_by_liveness(pod, pod.last):
        return Diagnosis(
            Reason.NOT_ANSWERING,
            f"The container was ended at {pod.last.finished_at}, as it did not answer any more: "
            f"{pod.liveness_failure.rstrip('.')}. It was restarted {pod.restarts} times. Look at its log, port and "
            "probe.",
        )
    reason, words, step = _ending(pod.last, _memory(snapshot, pod.last))
    return Diagnosis(reason, f"The container {words}, restarted {pod.restarts} times. {step}")


def _ended_by_its_probe(snapshot: Snapshot, pod: PodView, last: Termination) -> bool:
    """Whether the kubelet ended it for want of an answer: the exit code then says nothing of the fault.

    The kubelet tells that in an Event alone. A run that lasted as long as the startup probe is patient, with that probe
    failing, is known without.
    """
    patience = _patience(snapshot)
    fails = pod.probe_failure.startswith(STARTUP_FAILURE)
    return fails and 0 < patience <= last.ran_seconds and last.reason != "OOMKilled"


def _ended_by_liveness(pod: PodView, last: Termination) -> bool:
    """Whether the kubelet ended it because it had stopped answering: it did so when that probe had just failed."""
    if not pod.liveness_failed_at or last.reason == "OOMKilled":
        return False
    return 0 <= seconds_between(pod.liveness_failed_at, last.finished_at) <= LIVENESS_GRACE_SECONDS


def _patience(snapshot: Snapshot) -> int:
    """Seconds for which the startup probe may fail; 0 without a probe."""
    probe = snapshot.plan.probe
    return probe.startup.period * probe.startup.failures if probe else 0


def _memory(snapshot: Snapshot, last: Termination) -> str:
    """How it ran out of memory, in words; empty where it did not.

    The container runtime says so, but now and then it is told of the end before it is told of the cause (containerd
    issues 8180, 12260), and then it never says it. Nothing inside a container can kill its first program with SIGKILL:
    the kubelet does for its probes, which is told before this, and the kernel for want of memory.
    """
    if last.reason == "OOMKilled":
        return "out of memory"
    if last.exit_code != KILLED or last.reason != "Error":
        return ""
    limit = snapshot.plan.limits.get("memory")
    if limit:
        return f"most likely out of memory, as it may have {limit} and the node gives no other cause"
    told = snapshot.workspace.status.condition("Degraded")
    return "out of memory" if told is not None and told.reason == Reason.OOM_KILLED else ""


def _ending(last: Termination, memory: str) -> tuple[Reason, str, str]:
    if memory:
        return Reason.OOM_KILLED, f"was killed at {last.finished_at}: {memory}", "Raise resources.limits.memory."
    words = f"ended at {last.finished_at} with exit code {last.exit_code}"
    details = f" ({last.message.strip()})" if last.message.strip() else ""
    if last.reason in NEVER_RAN:
        return (
            Reason.CONFIGURATION,
            words + details,
            "Its program was never started, so there is no log: check command and args.",
        )
    return Reason.CRASH_LOOP, words + details, "Its log says why: look at the last lines of the previous container."


def pod_failed(snapshot: Snapshot) -> Diagnosis | None:
    pod = _pod(snapshot)
    if pod is None or pod.phase != "Failed":
        return None
    words = " ".join(part for part in (pod.reason, pod.message) if part) or "no details"
    return Diagnosis(Reason.POD_FAILED, f"Pod {pod.name} failed: {words}. The Deployment makes another one.")


def too_slow(snapshot: Snapshot) -> Diagnosis | None:
    words = _deployment_condition(snapshot, "Progressing", "False")
    if words is None or snapshot.is_ready:
        return None
    pod = _pod(snapshot)
    if pod is not None and not pod.started:
        return None  # Scheduled and ImagePulled say it better, and the startup probe has an end of its own
    return Diagnosis(
        Reason.DEADLINE, f"It did not become ready in time: {words.rstrip('.')}. Check its log, ports and probe."
    )


def exposure_refused(snapshot: Snapshot) -> Diagnosis | None:
    words = snapshot.plan.reach.refused
    return None if words is None else Diagnosis(Reason.EXPOSURE_REFUSED, f"{_sentence(words)}.", blocking=False)


def _pod(snapshot: Snapshot) -> PodView | None:
    return snapshot.children.current_pod if snapshot.plan.replicas else None


def _deployment_condition(snapshot: Snapshot, kind: str, status: str) -> str | None:
    """The message of this condition of the Deployment, where it has this status and speaks of the present spec."""
    deployment = snapshot.children.deployment
    if deployment is None or not snapshot.plan.replicas:
        return None
    live = deployment.get("status") or {}
    if live.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return None
    conditions = live.get("conditions") or ()
    return next((c.get("message", "") for c in conditions if c["type"] == kind and c["status"] == status), None)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_CHECKS: Final[tuple[Callable[[Snapshot], Diagnosis | None], ...]] = (
    child_faults.name_taken,
    child_faults.secret_refused,
    child_faults.refused,
    child_faults.not_made,
    child_faults.contested,
    child_faults.secret_leaving,
    pod_refused,
    storage_waits,
    image_pull_failed,
    misconfigured,
    volume_not_mounted,
    sandbox_failed,
    node_lost,
    pod_failed,
    crashed,
    too_slow,
    child_faults.not_changed,
    child_faults.child_leaving,
    child_faults.contested_beside,
    exposure_refused,
)
