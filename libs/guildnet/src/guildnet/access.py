"""May this identity do this action on this workspace, by which rule, and why not: pure functions of values.

`authorize` is the one question that api, streams, lists and proxy ask. The order of rules: anonymous is denied, the
admin role is allowed, an unreadable list of Capabilities denies, no Capability at all falls back to the install's
default, otherwise one Capability must list the action, cover the caller, select the workspace and, where a launch is
asked for, let it through its constraints. Whoever has any right on a workspace may also see it (`list`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from guildnet import image
from guildnet.capability import Capability, Constraints, Subject
from guildnet.errors import FieldError
from guildnet.identity import Identity

Default = Literal["open", "owner", "closed"]

ADMIN_ROLE: Final = "admin-role"
"""The rule of a caller with the role `admin`, whom no Capability limits."""


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


_ON_A_WORKSPACE: Final = frozenset(action.value for action in Action if action is not Action.LAUNCH)
"""Each of these makes a workspace known to its holder; `launch` is about workspaces that are not there yet."""
_GIVEN_BY: Final[Mapping[Action, frozenset[str]]] = {
    action: _ON_A_WORKSPACE if action is Action.LIST else frozenset((action.value,)) for action in Action
}
"""The actions of a Capability of which each gives this one."""


@dataclass(frozen=True, slots=True)
class Target:
    """The workspace an action is about: its labels, and the subject its owner annotation names ("" for nobody)."""

    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an install decides by: its Capabilities, None where they cannot be read, and its default without any."""

    capabilities: Sequence[Capability] | None
    default: Default


@dataclass(frozen=True, slots=True)
class Launch:
    """What constraints look at: the image, every port, and how many workspaces the subject runs already.

    `running` is None where no further one is asked for: a change of a workspace that is counted already.
    """

    image: str
    ports: tuple[int, ...] = ()
    running: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer and the rule that gave it (`admin-role`, `default-open`, `capability/NAME`, …).

    Of a Capability it is the one whose constraints let the launch through or, in a refusal, came closest to it.
    """

    allowed: bool
    rule: str
    reason: str = ""
    """Why not, in words for the caller; empty where it is allowed."""
    problems: tuple[FieldError, ...] = ()
    """What stands against a launch, field by field."""
    used_up: bool = False
    """Only the number of workspaces stands against it: it can be asked again when one of them has stopped."""


def authorize(
    identity: Identity, action: Action, target: Target, rules: Rules, launch: Launch | None = None
) -> Decision:
    """Apply the rules in order. Constraints are looked at where a `launch` is given."""
    if identity.kind == "anonymous":
        return Decision(allowed=False, rule="anonymous", reason="log in first")
    if identity.is_admin:
        return Decision(allowed=True, rule=ADMIN_ROLE)
    if rules.capabilities is None:
        reason = "the rules of this install cannot be read right now; try again"
        return Decision(allowed=False, rule="capabilities-unreadable", reason=reason)
    if not rules.capabilities:
        return _by_default(identity, action, target, rules.default)
    if launch is not None:
        refused = _launched(grants(identity, action, target, rules.capabilities), launch)
        return refused or _unlabelled(identity, action, target, rules.capabilities)
    for capability in grants(identity, action, target, rules.capabilities):
        return Decision(allowed=True, rule=rule_of(capability))
    return _no_capability()


def covers(subjects: tuple[Subject, ...] | None, identity: Identity) -> bool:
    """Is the caller one of these? None is anyone identified; anonymous is never covered."""
    if identity.kind == "anonymous":
        return False
    return subjects is None or any(_is(subject, identity) for subject in subjects)


def rule_of(capability: Capability) -> str:
    """The rule that stands for this Capability."""
    return f"capability/{capability.name}"


def forbidden(capability: Capability, launch: Launch) -> tuple[FieldError, ...]:
    """What of a launch's image and ports the constraints of this Capability do not let through."""
    return (*_image_problems(capability, launch.image), *_port_problems(capability, launch.ports))


def full(rule: str, limit: int) -> str:
    """That no further workspace may run, and what to do about it, as a sentence without its full stop."""
    name = rule.removeprefix("capability/")
    places = "the one workspace" if limit == 1 else f"the {limit} workspaces"
    return f"{places} that Capability {name} allows at once " + (
        "is in use: stop or delete it" if limit == 1 else "are in use: stop or delete one"
    )


def grants(
    identity: Identity, action: Action, target: Target, capabilities: Sequence[Capability]
) -> Iterator[Capability]:
    """Every Capability that gives the action, covers the caller and selects the target, in the order given."""
    given = _GIVEN_BY[action]
    for capability in capabilities:
        if (
            not given.isdisjoint(capability.actions)
            and covers(capability.subjects, identity)
            and capability.selector.matches(target.labels)
        ):
            yield capability


def _launched(granting: Iterator[Capability], launch: Launch) -> Decision | None:
    """The first of these that lets the launch through; else the one that came closest; None where there is none."""
    closest: Decision | None = None
    for capability in granting:
        found = _constrained(capability, launch)
        if found.allowed:
            return found
        if closest is None or _distance(found) < _distance(closest):
            closest = found
    return closest


def _unlabelled(identity: Identity, action: Action, target: Target, capabilities: Sequence[Capability]) -> Decision:
    """The refusal of what no Capability grants: with the labels that it lacks for one that covers the caller."""
    for capability in capabilities:
        labels = capability.selector.match_labels
        if labels and any(grants(identity, action, Target({**target.labels, **labels}, target.owner), (capability,))):
            wanted = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
            reason = f"Capability {capability.name} allows it to you with the labels {wanted}: give it those"
            problems = (FieldError("labels", reason),)
            return Decision(allowed=False, rule="no-capability", reason=reason, problems=problems)
    return _no_capability()


def _distance(refused: Decision) -> tuple[bool, int]:
    return (not refused.used_up, len(refused.problems))


def _no_capability() -> Decision:
    return Decision(allowed=False, rule="no-capability", reason="no Capability allows it to you")


def _by_default(identity: Identity, action: Action, target: Target, default: Default) -> Decision:
    match default:
        case "open":
            return Decision(allowed=True, rule="default-open")
        case "owner":
            # What one launches is one's own from the start.
            if action is Action.LAUNCH or (bool(target.owner) and target.owner == identity.subject):
                return Decision(allowed=True, rule="default-owner")
            return Decision(allowed=False, rule="default-owner", reason="it belongs to somebody else")
        case _:
            reason = "this install allows only what a Capability allows"
            return Decision(allowed=False, rule="default-closed", reason=reason)


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


def _constrained(capability: Capability, launch: Launch) -> Decision:
    rule, limit = rule_of(capability), capability.constraints.max_concurrent
    problems = forbidden(capability, launch)
    used_up = not problems and limit is not None and launch.running is not None and launch.running >= limit
    if used_up and limit is not None:
        problems = (FieldError("maxConcurrent", full(rule, limit)),)
    reason = "; ".join(problem.reason for problem in problems)
    return Decision(not problems, rule, reason, problems, used_up)


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
