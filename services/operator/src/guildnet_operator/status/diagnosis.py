"""Diagnosis: what is wrong with a workspace and will not heal by waiting. A table of pure checks, most telling first.

Messages are the cluster's own words and the next step for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guildnet_operator.status.children import CONFIGURATION_REASONS, PodView, Termination
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Diagnosis, Problem, Snapshot

IMAGE_REASONS: Final = frozenset({
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
    "ImageInspectError", "SignatureValidationFailed",
})  # fmt: skip
NEVER_RAN: Final = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons (`state.terminated.reason`) of a container whose program could not be started."""
KILLED: Final = 137
"""Exit code of a program that SIGKILL ended (128 + 9)."""
STARTUP_FAILURE: Final = "Startup probe failed"
"""How the kubelet begins an Event about a startup probe."""

_NO_GROWTH: Final = (
    "must support resize",  # the admission plugin PersistentVolumeClaimResize
    "immutable after creation except resources.requests",  # validation, of a claim that has no volume yet
)


def diagnose(snapshot: Snapshot) -> Diagnosis | None:
    """The first and most telling thing wrong, None when all is as it should be. Does not read `snapshot.diagnosis`."""
    return next((found for found in (check(snapshot) for check in _CHECKS) if found is not None), None)


def name_taken(snapshot: Snapshot) -> Diagnosis | None:
    taken = next((item for item in snapshot.problems if item.reason is Reason.NAME_TAKEN), None)
    if taken is None:
        return None
    claim = ", or hand it over (annotation guildnet.io/workspace-uid)" if taken.kind == "PersistentVolumeClaim" else ""
    return Diagnosis(
        Reason.NAME_TAKEN,
        f"{taken.kind} {taken.name} exists and does not belong to this Workspace, so it is left untouched. "
        f"Delete or rename that {taken.kind}{claim}, or create the Workspace under another name.",
    )


def leftover(snapshot: Snapshot) -> Diagnosis | None:
    left = next((item for item in snapshot.problems if item.reason is Reason.LEFTOVER), None)
    if left is None:
        return None
    return Diagnosis(
        Reason.LEFTOVER,
        f"{left.kind} {left.name} of the deleted Workspace of the same name is still there. "
        "It is removed by the cluster's garbage collector; nothing to do but wait.",
    )


def refused(snapshot: Snapshot) -> Diagnosis | None:
    problem = next((item for item in snapshot.problems if item.reason is Reason.REFUSED), None)
    return None if problem is None else _refusal(problem)


def _refusal(problem: Problem) -> Diagnosis:
    reason, step = classify(problem.message)
    blocking = problem.kind != "Ingress"
    return Diagnosis(
        reason, f"The API server refused {problem.kind} {problem.name}: {problem.message}. {step}", blocking
    )


def reason_of(problem: Problem) -> Reason:
    """The problem's reason; of a refusal, which kind it is."""
    return classify(problem.message)[0] if problem.reason is Reason.REFUSED else problem.reason


def next_step(problem: Problem) -> str:
    """A sentence on what a person can do, after a blank; empty where the problem's own fault says it."""
    return f" {classify(problem.message)[1]}" if problem.reason is Reason.REFUSED else ""


def classify(message: str) -> tuple[Reason, str]:
    """Which kind of refusal the API server's words are, and what a person can do about it."""
    if "exceeded quota" in message or "must specify" in message:
        return Reason.QUOTA_EXCEEDED, "Stop or delete another workspace, ask for less, or have the quota raised."
    if any(words in message for words in _NO_GROWTH):
        return Reason.GROWTH_REFUSED, (
            "The volume keeps the size it has, and its data. Have its storage class allow expansion "
            "(allowVolumeExpansion: true), or create a new Workspace with a volume of the new size."
        )
    if "violates PodSecurity" in message:
        return Reason.POD_SECURITY, "The namespace admits only restricted pods: change what the message names."
    return Reason.REFUSED, "Change the field it names in the Workspace's spec."


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
    reason, words, step = _ending(pod.last, out_of_memory=_out_of_memory(snapshot, pod.last))
    return Diagnosis(reason, f"The container {words}, restarted {pod.restarts} times. {step}")


def _ended_by_its_probe(snapshot: Snapshot, pod: PodView, last: Termination) -> bool:
    """Whether the kubelet ended it for want of an answer: the exit code then says nothing of the fault.

    The kubelet tells that in an Event alone. A run that lasted as long as the startup probe is patient, with that probe
    failing, is known without.
    """
    patience = _patience(snapshot)
    fails = pod.probe_failure.startswith(STARTUP_FAILURE)
    return fails and 0 < patience <= last.ran_seconds and last.reason != "OOMKilled"


def _patience(snapshot: Snapshot) -> int:
    """Seconds for which the startup probe may fail; 0 without a probe."""
    probe = snapshot.plan.probe
    return probe.startup.period * probe.startup.failures if probe else 0


def _out_of_memory(snapshot: Snapshot, last: Termination) -> bool:
    """The container runtime says so; now and then it is told of the end before it is told of the cause. A run that was
    killed without a cause, after one that was killed for its memory, was so for the same."""
    if last.reason == "OOMKilled":
        return True
    told = snapshot.workspace.status.condition("Degraded")
    before = told is not None and told.reason == Reason.OOM_KILLED
    return before and last.exit_code == KILLED and last.reason == "Error"


def _ending(last: Termination, *, out_of_memory: bool) -> tuple[Reason, str, str]:
    if out_of_memory:
        return Reason.OOM_KILLED, f"was killed at {last.finished_at}: out of memory", "Raise resources.limits.memory."
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
    if pod is not None and pod.scheduled is False:
        return None  # the Scheduled condition says it better
    return Diagnosis(Reason.DEADLINE, f"It did not become ready in time: {words}. Check its log, ports and probe.")


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
    name_taken,
    leftover,
    refused,
    pod_refused,
    image_pull_failed,
    misconfigured,
    node_lost,
    crashed,
    pod_failed,
    too_slow,
    exposure_refused,
)
