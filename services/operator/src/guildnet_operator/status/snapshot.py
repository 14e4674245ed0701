"""Everything a Workspace's status is a function of: the value `conditions` and `observe` read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guildnet.identity import Entry
from guildnet.workspace import Workspace
from guildnet_operator.plan.plan import Decided
from guildnet_operator.watch.live import Children


class Reason(StrEnum):
    """Every reason a condition can have. Clients compare them: one is never renamed."""

    READY = "Ready"
    CREATING = "Creating"
    STARTING = "Starting"
    NOT_ANSWERING = "NotAnswering"
    STOPPED = "Stopped"
    STOPPING = "Stopping"
    RUNNING = "Running"
    TERMINATING = "Terminating"
    UPDATING = "Updating"
    SETTLED = "Settled"
    BLOCKED = "Blocked"
    AS_EXPECTED = "AsExpected"
    SCHEDULED = "Scheduled"
    UNSCHEDULABLE = "Unschedulable"
    NO_POD = "NoPod"
    IMAGE_PRESENT = "ImagePresent"
    PULLING = "Pulling"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    NOT_REQUESTED = "NotRequested"
    KEPT = "Kept"
    BOUND = "Bound"
    PENDING = "Pending"
    LOST = "Lost"
    ROUTED = "Routed"
    SERVICE_PENDING = "ServicePending"
    ADDRESS_PENDING = "AddressPending"
    PORTS_EXHAUSTED = "PortsExhausted"
    NAME_TAKEN = "NameTaken"
    LEFTOVER = "PredecessorLeaving"
    REFUSED = "Refused"
    QUOTA_EXCEEDED = "QuotaExceeded"
    GROWTH_REFUSED = "GrowthRefused"
    POD_SECURITY = "PodSecurityRefused"
    CONFIGURATION = "ContainerConfiguration"
    CRASH_LOOP = "CrashLoop"
    OOM_KILLED = "OutOfMemory"
    NODE_LOST = "NodeLost"
    POD_FAILED = "PodFailed"
    DEADLINE = "StartDeadlineExceeded"
    EXPOSURE_REFUSED = "ExposureRefused"


@dataclass(frozen=True, slots=True)
class Problem:
    """A child that could not be made as wanted: `reason` is NAME_TAKEN, LEFTOVER or REFUSED, `message` the server's."""

    reason: Reason
    kind: str
    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """One Workspace, what was decided for it, what the cluster has of it, and what went wrong on the way."""

    workspace: Workspace
    decided: Decided
    children: Children
    problems: tuple[Problem, ...] = ()
    port: int | None = None
    entries: tuple[Entry, ...] = ()

    def problem(self, *kinds: str) -> Problem | None:
        return next((item for item in self.problems if item.kind in kinds), None)

    @property
    def is_ready(self) -> bool:
        """A pod of the present template answers, and there is a Service of ours that leads to it."""
        pod = self.children.current_pod
        return bool(
            not self.workspace.deleting
            and self.decided.replicas
            and self.children.service is not None
            and pod
            and pod.ready
        )
