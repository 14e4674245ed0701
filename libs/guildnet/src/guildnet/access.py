"""May this identity do this action on this workspace, and which rule said so: pure functions of values.

The order of rules: anonymous is denied, the admin role is allowed, an unreadable list of Capabilities denies, no
Capability at all falls back to the install's default, otherwise one Capability must list the action, cover the caller
and select the workspace. Constraints are a second question, asked by whoever launches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from guildnet import image
from guildnet.capability import Capability, Constraints, Subject
from guildnet.errors import FieldError
from guildnet.identity import Identity

Default = Literal["open", "owner", "closed"]


class Action(StrEnum):
    """What can be asked for; the values are those of `spec.actions` of a Capability."""

    LAUNCH = "launch"
    DELETE = "delete"
    STOP_ALL = "stopAll"
    READ_LOGS = "readLogs"
    PROXY = "proxy"
    START = "start"
    STOP = "stop"
    UPDATE = "update"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Target:
    """The workspace an action is about: its labels, and the subject its owner annotation names ("" for nobody)."""

    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer and the rule that gave it (`admin-role`, `default-open`, `capability/NAME`, …)."""

    allowed: bool
    rule: str


@dataclass(frozen=True, slots=True)
class Launch:
    """What constraints look at: the image, every port, and how many workspaces the subject already runs."""

    image: str
    ports: tuple[int, ...] = ()
    running: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Do some granting Capability's constraints hold? `used_up` when only its number of workspaces stands against."""

    ok: bool
    rule: str
    problems: tuple[FieldError, ...] = ()
    used_up: bool = False


def decide(
    identity: Identity, action: Action, target: Target, capabilities: Sequence[Capability] | None, default: Default
) -> Decision:
    """Apply the rules in order; `capabilities` is None where the list could not be read."""
    if identity.kind == "anonymous":
        return Decision(allowed=False, rule="anonymous")
    if identity.is_admin:
        return Decision(allowed=True, rule="admin-role")
    if capabilities is None:
        return Decision(allowed=False, rule="capabilities-unreadable")
    if not capabilities:
        return _by_default(identity, action, target, default)
    for capability in grants(identity, action, target, capabilities):
        return Decision(allowed=True, rule=f"capability/{capability.name}")
    return Decision(allowed=False, rule="no-capability")


def grants(
    identity: Identity, action: Action, target: Target, capabilities: Sequence[Capability]
) -> tuple[Capability, ...]:
    """Every Capability that lists the action, covers the caller and selects the target, in the order given."""
    return tuple(
        capability
        for capability in capabilities
        if action.value in capability.actions
        and covers(capability.subjects, identity)
        and capability.selector.matches(target.labels)
    )


def covers(subjects: tuple[Subject, ...] | None, identity: Identity) -> bool:
    """Is the caller one of these? None is anyone identified; anonymous is never covered."""
    if identity.kind == "anonymous":
        return False
    return subjects is None or any(_is(subject, identity) for subject in subjects)


def check_constraints(granting: Sequence[Capability], launch: Launch) -> Verdict:
    """Does one of the granting Capabilities (of `grants`) let this launch through?

    No granting Capability means that a rule without constraints allowed it (admin role, default). Where none lets it
    through, the problems are those of the one that came closest.
    """
    if not granting:
        return Verdict(ok=True, rule="unconstrained")
    verdicts = [_constrained(capability, launch) for capability in granting]
    return min(verdicts, key=lambda verdict: (not verdict.ok, not verdict.used_up, len(verdict.problems)))


def _by_default(identity: Identity, action: Action, target: Target, default: Default) -> Decision:
    match default:
        case "open":
            return Decision(allowed=True, rule="default-open")
        case "owner":
            # What one launches is one's own from the start.
            own = action is Action.LAUNCH or (bool(target.owner) and target.owner == identity.subject)
            return Decision(allowed=own, rule="default-owner")
        case _:
            return Decision(allowed=False, rule="default-closed")


def _is(subject: Subject, identity: Identity) -> bool:
    match subject.kind:
        case "Any":
            return True
        case "User":
            # A tagged device may still show a login; it does not act as that user.
            return identity.kind in ("user", "token") and bool(subject.name) and subject.name == identity.login
        case "Tag":
            return subject.name in identity.tags or f"tag:{subject.name}" in identity.tags
        case "Role":
            return subject.name in identity.roles
        case "Group":
            return subject.name in identity.groups
        case _:
            return False


def _constrained(capability: Capability, launch: Launch) -> Verdict:
    rule = f"capability/{capability.name}"
    forbidden = (*_image_problems(capability, launch.image), *_port_problems(capability, launch.ports))
    if forbidden:
        return Verdict(ok=False, rule=rule, problems=forbidden)
    limit = capability.constraints.max_concurrent
    if limit is not None and launch.running >= limit:
        used = f"{launch.running} of {limit} workspaces allowed by Capability {capability.name} are in use"
        return Verdict(
            ok=False, rule=rule, problems=(FieldError("maxConcurrent", f"{used}: stop or delete one"),), used_up=True
        )
    return Verdict(ok=True, rule=rule)


def _image_problems(capability: Capability, reference: str) -> tuple[FieldError, ...]:
    allowed = capability.constraints.allowed_images
    if allowed is None or any(image.allows(pattern, reference) for pattern in allowed):
        return ()
    reason = f"{reference} is not among the images allowed by Capability {capability.name}: {_listed(allowed)}"
    return (FieldError("image", reason),)


def _port_problems(capability: Capability, ports: tuple[int, ...]) -> tuple[FieldError, ...]:
    constraints: Constraints = capability.constraints
    if constraints.allowed_ports is None:
        return ()
    allowed = constraints.allowed_ports
    return tuple(
        FieldError(
            "ports", f"{port} is not among the ports allowed by Capability {capability.name}: {_listed(allowed)}"
        )
        for port in ports
        if port not in allowed
    )


def _listed(items: Sequence[object]) -> str:
    return ", ".join(str(item) for item in items) or "none"
