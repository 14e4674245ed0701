"""How many workspaces an owner may run at once: `maxConcurrent`, as operator and api both read it. Pure.

The operator decides, because it alone sees every launch and start in one order; the api asks here beforehand, to refuse
at once what has no place. A limit is one on the owner's running workspaces together, whoever launched or starts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

from guildnet.access import ADMIN_ROLE, Launch, forbidden, full, rule_of
from guildnet.capability import Capability, Subject
from guildnet.names import ANNOTATION_LAUNCH_RULE
from guildnet.workspace.model import Workspace
from guildnet.workspace.ports import served_ports

CONDITION: Final = "Admitted"
"""The condition in which the operator says whether a Workspace may run."""
LIMIT_REACHED: Final = "LimitReached"
"""Its reason where the owner runs as many as it may."""


class Limit(NamedTuple):
    """At most `most` workspaces of one owner at once, by this rule (`capability/NAME`)."""

    most: int
    rule: str

    @property
    def words(self) -> str:
        """What a person is told who meets it."""
        return full(self.rule, self.most)


def wants_to_run(ws: Workspace) -> bool:
    """Does it take one of its owner's places, or wait for one?"""
    return ws.spec.running and not ws.deleting


def limit_of(ws: Workspace, capabilities: Sequence[Capability]) -> Limit | None:
    """How many workspaces its owner may run with this one among them; None for no limit.

    That of the most generous Capability which lets it be launched: the one recorded at its launch, and those that cover
    its owner whoever that is, or by login. Roles, groups and tags of an owner are not known here. A workspace that no
    Capability lets be launched was made by other means, and is not limited.
    """
    recorded = ws.annotations.get(ANNOTATION_LAUNCH_RULE, "")
    if recorded == ADMIN_ROLE:
        return None
    granting = [
        capability
        for capability in capabilities
        if "launch" in capability.actions
        and (rule_of(capability) == recorded or _covers(capability.subjects, ws.owner))
        and capability.selector.matches(ws.labels)
    ]
    launch = Launch(ws.spec.image, tuple(port.container_port for port in served_ports(ws.spec)))
    # Where no constraint lets its image and ports through, it is still one of those that are counted.
    granting = [capability for capability in granting if not forbidden(capability, launch)] or granting
    limits = [(capability.constraints.max_concurrent, rule_of(capability)) for capability in granting]
    if not limits or any(count is None for count, _ in limits):
        return None
    return max((Limit(count, rule) for count, rule in limits if count is not None), key=lambda limit: limit.most)


def has_place(ws: Workspace, limit: Limit, taken: int, waiting: Iterable[tuple[Workspace, Limit | None]]) -> bool:
    """Whether one that wants to run may: `taken` places of its owner are, and those that wait longer go first."""
    for other, of_other in sorted(waiting, key=lambda item: _age(item[0])):
        if _age(other) < _age(ws) and (of_other is None or taken < of_other.most):
            taken += 1
    return taken < limit.most


def _age(ws: Workspace) -> tuple[float, str]:
    return (ws.created_at.timestamp() if ws.created_at else inf, ws.name)


def _covers(subjects: tuple[Subject, ...] | None, owner: str) -> bool:
    """As `access.covers`, for an owner of whom only the text of the annotation is known; "" is nobody in particular."""
    if subjects is None:
        return True
    login = owner.removeprefix("token:")
    return any(item.kind == "Any" or (item.kind == "User" and bool(login) and item.name == login) for item in subjects)
