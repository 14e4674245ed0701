"""Diagnosis of children that could not be made or changed as planned: each reads the problems of a snapshot. Pure."""

from __future__ import annotations

from typing import Final

from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.refusals import classify, sentences
from guildnet_operator.status.snapshot import Diagnosis, Problem, Snapshot

BESIDE: Final = ("Ingress", "NetworkPolicy")
"""Kinds without which the proxy leads to the workspace all the same."""


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


def secret_refused(snapshot: Snapshot) -> Diagnosis | None:
    problem = next((item for item in snapshot.problems if item.reason is Reason.FOREIGN_SECRET), None)
    if problem is None:
        return None
    return Diagnosis(
        Reason.FOREIGN_SECRET,
        f"Env refers to Secret {problem.name}, which is not for this Workspace: {problem.message}. "
        "Refer to a Secret of your own.",
    )


def refused(snapshot: Snapshot) -> Diagnosis | None:
    problem = next((item for item in snapshot.problems if item.reason is Reason.REFUSED), None)
    return None if problem is None else _refusal(problem)


def _refusal(problem: Problem) -> Diagnosis:
    reason, step = classify(problem.message)
    blocking = problem.kind not in BESIDE
    return Diagnosis(
        reason, f"The API server refused {problem.kind} {problem.name}: {problem.message}. {step}", blocking
    )


def not_made(snapshot: Snapshot) -> Diagnosis | None:
    """A child that is missing, or the Deployment that makes the pod, could not be written: the rest follows from it."""
    found = _unavailable(snapshot, needed=True)
    return None if found is None else Diagnosis(Reason.UNAVAILABLE, sentences(found))


def not_changed(snapshot: Snapshot) -> Diagnosis | None:
    found = _unavailable(snapshot, needed=False)
    return None if found is None else Diagnosis(Reason.UNAVAILABLE, sentences(found), blocking=False)


def _unavailable(snapshot: Snapshot, *, needed: bool) -> Problem | None:
    there = {
        "Service": snapshot.children.service is not None,
        "PersistentVolumeClaim": snapshot.children.claim is not None,
        **dict.fromkeys(BESIDE, True),
    }
    problems = (item for item in snapshot.problems if item.reason is Reason.UNAVAILABLE)
    return next((item for item in problems if there.get(item.kind, False) is not needed), None)


def contested(snapshot: Snapshot) -> Diagnosis | None:
    """Somebody else changes the Deployment, which makes the pod: the rest follows from it."""
    found = _contested(snapshot, deployment=True)
    return None if found is None else Diagnosis(Reason.CONTESTED, sentences(found))


def contested_beside(snapshot: Snapshot) -> Diagnosis | None:
    found = _contested(snapshot, deployment=False)
    return None if found is None else Diagnosis(Reason.CONTESTED, sentences(found), blocking=False)


def _contested(snapshot: Snapshot, *, deployment: bool) -> Problem | None:
    problems = (item for item in snapshot.problems if item.reason is Reason.CONTESTED)
    return next((item for item in problems if (item.kind == "Deployment") is deployment), None)


def secret_leaving(snapshot: Snapshot) -> Diagnosis | None:
    """Somebody deletes the Secret that the pod needs, and no pod is made that would use it."""
    found = snapshot.problem("Secret")
    if found is None or found.reason is not Reason.CHILD_LEAVING:
        return None
    return Diagnosis(Reason.CHILD_LEAVING, sentences(found), blocking=False)


def child_leaving(snapshot: Snapshot) -> Diagnosis | None:
    found = next((item for item in snapshot.problems if item.reason is Reason.CHILD_LEAVING), None)
    return None if found is None else Diagnosis(Reason.CHILD_LEAVING, sentences(found), blocking=False)
