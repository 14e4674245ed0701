"""The snapshot of one Workspace: everything its status is a function of, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from guildnet.web.entries import Entry
from guildnet.workspace import OriginPort, Workspace
from guildnet.workspace.admission import Limit
from guildnet_operator.plan.plan import Plan
from guildnet_operator.status.children import Children
from guildnet_operator.status.reasons import Reason

_ABOUT_VOLUMES: Final = ("persistentvolumeclaim", "persistent volume")


@dataclass(frozen=True, slots=True)
class Problem:
    """A child that could not be made as wanted, and why: `message` is the API server's.

    `reason` is NAME_TAKEN, LEFTOVER, REFUSED, UNAVAILABLE, FOREIGN_SECRET (a Secret that env may not refer to),
    CHILD_LEAVING, whose message is the finalizers, or CONTESTED, whose message says what somebody else does to it.
    """

    reason: Reason
    kind: str
    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a workspace; `blocking` where it keeps the workspace from becoming ready."""

    reason: Reason
    message: str
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Admission:
    """May the Workspace run? `limit` is its owner's, None for none; `waits` where so many run already."""

    limit: Limit | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One Workspace, the plan for it, what the cluster has of it, and what went wrong on the way."""

    workspace: Workspace
    plan: Plan
    children: Children
    problems: tuple[Problem, ...] = ()
    port: int | None = None
    entries: tuple[Entry, ...] = ()
    other_ports: tuple[OriginPort, ...] = ()
    """The ports of the tailnet name of its container ports behind the first, as far as somebody asked for them."""
    admission: Admission = Admission()
    no_port: str | None = None
    """Why no port could be had, in the API server's words."""
    now: str = ""
    """RFC 3339. `observe` fills it in."""
    diagnosis: Diagnosis | None = None
    """What is wrong, None for nothing. `observe` fills it in, once for all conditions."""

    @property
    def needs_port(self) -> bool:
        """Does an entry of the install give each workspace a port of its own?"""
        return any(entry.mode == "port" for entry in self.entries)

    @property
    def blocked(self) -> bool:
        """Is it kept from becoming ready by something that does not heal by waiting?"""
        return self.diagnosis is not None and self.diagnosis.blocking

    @property
    def leaving(self) -> Problem | None:
        """A child that is being deleted, of ours or of a Workspace that had the name before: it takes its time."""
        return next((item for item in self.problems if item.reason in (Reason.LEFTOVER, Reason.CHILD_LEAVING)), None)

    @property
    def storage_waits(self) -> str:
        """The scheduler's words, where the pod is without a node because its claim is without a volume; else ""."""
        pod = self.children.current_pod
        words = pod.scheduled_message if pod and pod.scheduled is False and self.plan.claim else ""
        return words if any(part in words.lower() for part in _ABOUT_VOLUMES) else ""

    def problem(self, *kinds: str) -> Problem | None:
        return next((item for item in self.problems if item.kind in kinds), None)

    @property
    def is_ready(self) -> bool:
        """A pod of the present template answers, and there is a Service of ours that leads to it."""
        pod = self.children.current_pod
        return bool(
            not self.workspace.deleting
            and self.plan.replicas
            and self.children.service is not None
            and pod
            and pod.ready
        )
