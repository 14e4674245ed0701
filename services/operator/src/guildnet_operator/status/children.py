"""The live children of a Workspace as values: what a status is made of.

Deployment, Service, claim and Ingress are JSON objects as the API server sends them, without `managedFields`; of pods
and ReplicaSets the few facts that count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

Object = Mapping[str, Any]

CONFIGURATION_REASONS: Final = frozenset({
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError",
})  # fmt: skip
"""Reasons (`state.waiting.reason`) of a container that waits for something env, command or mounts refer to."""


@dataclass(frozen=True, slots=True)
class Termination:
    """How a container ended last."""

    exit_code: int
    reason: str
    message: str
    finished_at: str
    ran_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PodView:
    """The facts of one pod that a Workspace's status is made of."""

    name: str
    uid: str
    workspace: str
    owner_uid: str
    created_at: str
    deleting: bool
    phase: str
    node: str
    ready: bool
    ready_message: str
    scheduled: bool | None
    scheduled_message: str
    started: bool
    running: bool
    image_present: bool
    waiting_reason: str
    waiting_message: str
    restarts: int
    last: Termination | None
    reason: str
    message: str
    unwatched: bool = False
    """Its node does not report any more: what is known of the pod is how it was."""
    was_ready: bool = False
    """The run that goes on now has been ready, and is not any more."""
    ready_at: str = ""
    """Since when it is ready, RFC 3339; "" when it is not."""
    probe_failure: str = ""
    """The kubelet's words of a probe that goes on failing; see `watch.pod_events`."""
    liveness_failure: str = ""
    liveness_failed_at: str = ""
    """The same of the liveness probe, and when it failed last."""
    volume_failure: str = ""
    sandbox_failure: str = ""
    """What keeps a volume from being attached or mounted, and the pod's sandbox from being made."""

    @property
    def over(self) -> bool:
        """Has it ended for good? A ReplicaSet makes another and leaves it where it is."""
        return self.phase in ("Failed", "Succeeded")


@dataclass(frozen=True, slots=True)
class ReplicaSetView:
    """One ReplicaSet: whose it is and, as a hash, which pod template it runs."""

    name: str
    uid: str
    workspace: str
    owner_uid: str
    template: str


@dataclass(frozen=True, slots=True)
class Children:
    """The live children of one Workspace; None where there is none of ours. Pods are those of our own Deployment."""

    deployment: Object | None = None
    service: Object | None = None
    claim: Object | None = None
    ingress: Object | None = None
    network_policy: Object | None = None
    pods: tuple[PodView, ...] = ()
    current_pod: PodView | None = None
    """The youngest pod of the Deployment's present template that is not on its way out."""


def seconds_between(begun: str, ended: str) -> float:
    """Between two times (RFC 3339); 0 where one of them is not known."""
    if not begun or not ended:
        return 0.0
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
