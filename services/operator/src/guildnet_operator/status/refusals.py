"""What stands in the way of a child, in words: the kinds of refusal of an API server, each with a next step. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Problem

_MISSING_RIGHT: Final = re.compile(r'User "[^"]*" cannot ')
_WEBHOOK: Final = re.compile(r'admission webhook "[^"]*" denied|ValidatingAdmissionPolicy')
_OTHER_CLASS: Final = re.compile(r"^\s*[-+]\s+StorageClassName:", re.MULTILINE)
_NO_GROWTH: Final = (
    "must support resize",  # the admission plugin PersistentVolumeClaimResize
    "immutable after creation except resources.requests",  # validation, of a claim that has no volume yet
)

_KEPT_SIZE: Final = (
    "The volume keeps the size it has, and its data. Set spec.storage.size back, or have its storage class allow "
    "expansion (allowVolumeExpansion: true), or create a new Workspace with a volume of the new size."
)

Kind = tuple[Callable[[str], object], Reason, str]

_KINDS: Final[tuple[Kind, ...]] = (
    (
        lambda words: "exceeded quota" in words,
        Reason.QUOTA_EXCEEDED,
        "Stop or delete another workspace, ask for less, or have the quota raised.",
    ),
    (
        lambda words: "must specify" in words,
        Reason.QUOTA_EXCEEDED,
        "The quota counts these: set them (spec.resources), or have a LimitRange give defaults.",
    ),
    (
        _OTHER_CLASS.search,
        Reason.IMMUTABLE,
        "A volume stays in its storage class: set spec.storage.storageClassName back, or create a new Workspace.",
    ),
    (
        lambda words: any(part in words for part in _NO_GROWTH),
        Reason.GROWTH_REFUSED,
        _KEPT_SIZE,
    ),
    (
        lambda words: "field is immutable" in words,
        Reason.IMMUTABLE,
        "That field never changes: set it back, or create a new Workspace.",
    ),
    (
        lambda words: "violates PodSecurity" in words,
        Reason.POD_SECURITY,
        "The namespace admits only restricted pods: change what the message names.",
    ),
    (
        _MISSING_RIGHT.search,
        Reason.FORBIDDEN,
        "The operator lacks this right: an administrator has to grant it (helm upgrade restores the chart's roles).",
    ),
    (
        _WEBHOOK.search,
        Reason.REFUSED,
        "A policy of this cluster says so: change what it names, or ask whoever keeps that policy.",
    ),
    (
        lambda words: "too large" in words,
        Reason.TOO_LARGE,
        "Make the spec smaller: env, args and notes count; long values belong in a ConfigMap or a volume.",
    ),
    (lambda _: True, Reason.REFUSED, "Change the field it names in the Workspace's spec."),
)


def classify(message: str) -> tuple[Reason, str]:
    """Which kind of refusal the API server's words are, and what a person can do about it."""
    return next((reason, step) for is_one, reason, step in _KINDS if is_one(message))


def reason_of(problem: Problem) -> Reason:
    """The problem's reason; of a refusal, which kind it is."""
    return classify(problem.message)[0] if problem.reason is Reason.REFUSED else problem.reason


def sentences(problem: Problem) -> str:
    """What became of this child, and what a person can do about it."""
    child = f"{problem.kind} {problem.name}"
    match problem.reason:
        case Reason.NAME_TAKEN:
            return f"{child} cannot be made or changed: the name is taken."
        case Reason.LEFTOVER:
            return (
                f"{child} of the deleted Workspace of the same name is still there. "
                "It is removed by the cluster's garbage collector; nothing to do but wait."
            )
        case Reason.CHILD_LEAVING:
            held = f", as soon as its finalizers let it go: {problem.message}" if problem.message else ""
            return f"{child} is being deleted, and is made again when it is gone{held}."
        case Reason.CONTESTED:
            return (
                f"Somebody else {problem.message} of {child} again and again, so it is put right more and more "
                "seldom, at last once in a minute. Have that program leave it alone, or say in the Workspace's spec "
                "what it wants."
            )
        case Reason.UNAVAILABLE:
            return (
                f"The API server cannot do what {child} needs: {problem.message}. It is tried again by itself; where "
                "that lasts, an administrator has to look at what the message names."
            )
        case _:
            return f"{child} cannot be made or changed: {problem.message}. {classify(problem.message)[1]}"
