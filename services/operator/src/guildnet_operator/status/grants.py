"""What a Capability grants to whom, as its condition `Valid` says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guildnet import capability
from guildnet.capability import Capability, Expression, Subject

CONDITION: Final = "Valid"
GRANTS, GRANTS_NOBODY, NOT_UNDERSTOOD, OWNERS_FORM = "Grants", "GrantsNobody", "NotUnderstood", "SubjectInOwnersForm"
MAX_MESSAGE: Final = 4096
_OWNERS: Final = ("token:", "node:")
"""How the owner annotation of a Workspace begins, which people copy from it: no login does."""


def status_of(obj: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    """The whole status of this Capability as JSON; `now` (RFC 3339) is when its validity changed, if it did."""
    status, reason, message = verdict(obj)
    generation = obj["metadata"].get("generation", 0)
    conditions = (obj.get("status") or {}).get("conditions") or ()
    before: Mapping[str, Any] = next((item for item in conditions if item["type"] == CONDITION), {})
    since = before["lastTransitionTime"] if before.get("status") == status else now
    return {
        "observedGeneration": generation,
        "conditions": [
            {
                "type": CONDITION,
                "status": status,
                "reason": reason,
                "message": message[:MAX_MESSAGE],
                "lastTransitionTime": since,
                "observedGeneration": generation,
            }
        ],
    }


def verdict(obj: Mapping[str, Any]) -> tuple[str, str, str]:
    """(status, reason, message) of the condition."""
    found = capability.understood(obj)
    if found is None:
        return "False", NOT_UNDERSTOOD, (
            "Its spec breaks the schema: it grants nothing to anybody, and as long as it is there only what other "
            "Capabilities grant is allowed. Correct or delete it."
        )  # fmt: skip
    if found.subjects == ():
        return "False", GRANTS_NOBODY, (
            "spec.subjects is empty, which covers nobody: name some, or leave it out to cover everybody."
        )  # fmt: skip
    wrong = [subject.name for subject in found.subjects or () if _in_owners_form(subject)]
    if wrong:
        login = wrong[0].partition(":")[2]
        return "False", OWNERS_FORM, (
            f"Nobody is called {wrong[0]}: that is how an owner annotation names somebody. A subject of kind User has "
            f"the name alone: {login}."
        )  # fmt: skip
    return "True", GRANTS, sentence(found)


def sentence(found: Capability) -> str:
    """What it grants, to whom, on what and within which limits."""
    actions = _listed(sorted(found.actions))
    limits = "".join(f", {limit}" for limit in _limits(found))
    return f"{_whom(found.subjects)} may {actions} {_what(found)}{limits}."


def _in_owners_form(subject: Subject) -> bool:
    return subject.kind == "User" and subject.name.startswith(_OWNERS)


def _whom(subjects: Sequence[Subject] | None) -> str:
    if subjects is None or any(subject.kind == "Any" for subject in subjects):
        return "Everybody who is identified"
    return _listed([f"{subject.kind.lower()} {subject.name}" for subject in subjects])


def _what(found: Capability) -> str:
    labels = [f"{key}={value}" for key, value in sorted(found.selector.match_labels.items())]
    wanted = [*labels, *map(_expressed, found.selector.match_expressions)]
    return f"workspaces with {_listed(wanted)}" if wanted else "every workspace"


def _expressed(expression: Expression) -> str:
    match expression.operator:
        case "In":
            return f"{expression.key} in ({', '.join(expression.values)})"
        case "NotIn":
            return f"{expression.key} not in ({', '.join(expression.values)})"
        case "Exists":
            return f"a label {expression.key}"
        case _:
            return f"no label {expression.key}"


def _limits(found: Capability) -> list[str]:
    limits = found.constraints
    return [
        *([f"of images {_listed(limits.allowed_images)}"] if limits.allowed_images else []),
        *(["of no image"] if limits.allowed_images == () else []),
        *([f"on ports {_listed([str(port) for port in limits.allowed_ports])}"] if limits.allowed_ports else []),
        *(["on no port"] if limits.allowed_ports == () else []),
        *([f"at most {limits.max_concurrent} running at a time each"] if limits.max_concurrent else []),
    ]


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
