"""A Capability as a frozen value, and whether its selector covers a set of labels.

Reading one never fails on odd content: a Capability that cannot be understood still exists – and so closes the
install – but grants nothing. Dropping it instead could turn "one Capability" into "none", which allows everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from guildnet.errors import FieldError, Invalid

SubjectKind = Literal["User", "Tag", "Role", "Group", "Any"]
Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
_SUBJECT_KINDS = frozenset({"User", "Tag", "Role", "Group", "Any"})
_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


@dataclass(frozen=True, slots=True)
class Expression:
    """One line of `matchExpressions`, with Kubernetes' meaning: NotIn and DoesNotExist hold for an absent key."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in self.values
            case "NotIn":
                return self.key not in labels or labels[self.key] not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Selector:
    """A LabelSelector: both halves must hold; an empty one matches everything."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[Expression, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            expression.matches(labels) for expression in self.match_expressions
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a Capability covers; kind Any covers whoever is identified and has no name."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Constraints:
    """Limits on what is launched under a Capability; None means no limit of that sort."""

    allowed_images: tuple[str, ...] | None = None
    allowed_ports: tuple[int, ...] | None = None
    max_concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class Capability:
    """One rule: these subjects may do these actions on the workspaces the selector covers."""

    name: str
    actions: frozenset[str] = frozenset()
    selector: Selector = Selector()
    subjects: tuple[Subject, ...] | None = None
    """None: anyone who is identified. An empty tuple covers nobody."""
    constraints: Constraints = Constraints()


def parse(obj: Mapping[str, Any]) -> Capability:
    """Read a Capability as the API server sends it.

    Raises Invalid only where the object has no name; a spec that breaks the schema gives a Capability without actions.
    """
    name = (obj.get("metadata") or {}).get("name")
    if not isinstance(name, str) or not name:
        raise Invalid("the Capability has no name", details=[FieldError("metadata.name", "must not be empty")])
    return understood(obj) or Capability(name=name)


def understood(obj: Mapping[str, Any]) -> Capability | None:
    """A Capability with a name, or None where its spec breaks the schema."""
    try:
        return _understood(obj["metadata"]["name"], _mapping(obj.get("spec")))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _understood(name: str, spec: Mapping[str, Any]) -> Capability:
    return Capability(
        name=name,
        actions=frozenset(_strings(spec["actions"])),
        selector=_selector(_mapping(spec.get("selector"))),
        subjects=_subjects(spec.get("subjects")),
        constraints=_constraints(_mapping(spec.get("constraints"))),
    )


def _selector(raw: Mapping[str, Any]) -> Selector:
    labels = _mapping(raw.get("matchLabels"))
    _strings(list(labels.values()))
    return Selector(
        match_labels=dict(labels),
        match_expressions=tuple(_expression(item) for item in _list(raw.get("matchExpressions"))),
    )


def _expression(raw: Mapping[str, Any]) -> Expression:
    if raw["operator"] not in _OPERATORS:
        raise ValueError(raw)
    return Expression(key=raw["key"], operator=raw["operator"], values=_strings(_list(raw.get("values"))))


def _subjects(raw: Any) -> tuple[Subject, ...] | None:
    if raw is None:
        return None
    subjects = tuple(Subject(kind=item["kind"], name=item.get("name") or "") for item in raw)
    if any(subject.kind not in _SUBJECT_KINDS for subject in subjects):
        raise ValueError(raw)
    return subjects


def _constraints(raw: Mapping[str, Any]) -> Constraints:
    images, ports, concurrent = raw.get("allowedImages"), raw.get("allowedPorts"), raw.get("maxConcurrent")
    return Constraints(
        allowed_images=None if images is None else _strings(images),
        allowed_ports=None if ports is None else tuple(int(port) for port in ports),
        max_concurrent=None if concurrent is None else int(concurrent),
    )


def _mapping(raw: Any) -> Mapping[str, Any]:
    """Absent is empty; anything else that is no mapping was meant as something and is not to be read as nothing."""
    if not isinstance(raw, Mapping | None):
        raise TypeError(raw)
    return raw or {}


def _list(raw: Any) -> list[Any]:
    if not isinstance(raw, list | None):
        raise TypeError(raw)
    return raw or []


def _strings(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        raise TypeError(raw)
    return tuple(raw)
