"""The table: for each child, each way to fail, and a new or a running workspace, what the status has to say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from guildnet.kube.resources import DEPLOYMENTS, INGRESSES, PVCS, SECRETS, SERVICES, Resource

WITHIN_SECONDS: Final = 10.0
"""How soon the status has to be right."""
KINDS: Final[Mapping[str, tuple[Resource, str]]] = {
    "deployment": (DEPLOYMENTS, ""),
    "service": (SERVICES, ""),
    "claim": (PVCS, "-storage"),
    "secret": (SECRETS, "-password"),
    "ingress": (INGRESSES, ""),
}
"""Each child with the ending of its name."""
SPEC: Final[Mapping[str, Any]] = {
    "image": "example.com/code-server:1",
    "storage": {"size": "1Gi"},
    "exposure": {"type": "Ingress", "domain": "apps.example.com"},
}
"""A Workspace that has all of them."""

SILENT: Final = "timeout"
DELETED: Final = "being deleted"
FINALIZER: Final = "example.com/hold"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server says to each write of the child."""

    code: int
    status_reason: str
    message: str


ANSWERS: Final[Mapping[str, Answer]] = {
    "500 of a webhook": Answer(
        500, "InternalError", 'Internal error occurred: failed calling webhook "policy.example": connection refused'
    ),
    "409": Answer(409, "Conflict", "Operation cannot be fulfilled: the object has been modified"),
    "413": Answer(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
    "422": Answer(422, "Invalid", 'spec: Invalid value: "x": must be something else'),
    "forbidden": Answer(
        403, "Forbidden", 'x is forbidden: User "system:serviceaccount:g:operator" cannot create resource "x"'
    ),
}
FAULTS: Final = (*ANSWERS, SILENT, DELETED)
_REASONS: Final = {"413": "TooLarge", "422": "Refused", "forbidden": "Forbidden"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `name` is that of its Workspace."""

    kind: str
    fault: str
    running: bool

    @property
    def name(self) -> str:
        return f"{'runs' if self.running else 'new'}-{self.kind}"

    @property
    def resource(self) -> Resource:
        return KINDS[self.kind][0]

    @property
    def child(self) -> str:
        return self.name + KINDS[self.kind][1]

    @property
    def ready(self) -> bool:
        """Is it ready all the same? The proxy leads to a workspace without an Ingress; what runs lost its pod."""
        return self.kind == "ingress" and not self.running

    @property
    def told(self) -> tuple[str, str, str]:
        """The condition that has to name the fault, with its status and reason."""
        if self.fault == DELETED and not self.running:
            return ("RouteReady" if self.kind == "ingress" else "Ready"), "False", "PredecessorLeaving"
        if self.fault == DELETED:
            return "Degraded", "True", "ChildLeaving"
        return "Degraded", "True", _REASONS.get(self.fault, "Unavailable")

    @property
    def words(self) -> tuple[str, ...]:
        """What its message has to say: which child, and what the cluster says of it."""
        child = f"{self.resource.kind} {self.child}"
        if self.fault in ANSWERS:
            return child, ANSWERS[self.fault].message
        if self.fault == SILENT:
            return child, "not answered"
        return (child, FINALIZER) if self.running else (child,)

    def __str__(self) -> str:
        return f"{'running' if self.running else 'new'}, {self.kind}, {self.fault}"


def cells(fault: str) -> list[Cell]:
    """All cells of one way to fail."""
    return [Cell(kind, fault, running) for running in (False, True) for kind in KINDS]


def complaint(cell: Cell, status: Mapping[str, Any]) -> str:
    """What is wrong with this status; "" when it tells the truth."""
    found = {item["type"]: item for item in status.get("conditions") or ()}
    kind, value, reason = cell.told
    said = found.get(kind) or {}
    if (said.get("status"), said.get("reason")) != (value, reason):
        return f"{kind} is {said.get('status')}/{said.get('reason')} instead of {value}/{reason}: {said.get('message')}"
    unsaid = [word for word in cell.words if word not in said["message"]]
    if unsaid:
        return f"{kind} does not say {unsaid}: {said['message']}"
    is_ready = (found.get("Ready") or {}).get("status") == "True"
    if is_ready is not cell.ready or (status.get("phase") == "Running") is not cell.ready:
        return f"Ready is {is_ready}, phase {status.get('phase')}, and it should be {cell.ready}"
    return ""
