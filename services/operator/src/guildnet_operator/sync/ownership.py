"""Ownership of an object under one of our names, judged by uid alone: names and labels can be put on anything. Pure."""

from __future__ import annotations

from enum import Enum, auto

from guildnet.names import GROUP
from guildnet_operator.plan.manifests import ANNOTATION_CLAIM_OF
from guildnet_operator.status.children import Object
from guildnet_operator.watch.live import controller_uid


class Owner(Enum):
    """Who an object under one of our names belongs to."""

    OURS = auto()
    PREDECESSOR = auto()
    """A deleted Workspace of the same name; garbage collection is about to remove it."""
    STRANGER = auto()


def owner_of(kind: str, obj: Object, *, name: str, uid: str) -> Owner:
    """The owner of an object as seen from the Workspace `name` with this uid.

    The kind is said by the caller: the API server leaves it out of the items of a list.
    """
    if controller_uid(obj) == uid or (kind == "PersistentVolumeClaim" and _retained_for(obj) == uid):
        return Owner.OURS
    references = obj["metadata"].get("ownerReferences") or ()
    for item in references:
        group = item.get("apiVersion", "").partition("/")[0]
        if item.get("controller") and (group, item.get("kind"), item.get("name")) == (GROUP, "Workspace", name):
            return Owner.PREDECESSOR
    return Owner.STRANGER


def _retained_for(obj: Object) -> str | None:
    """The uid a retained claim is kept for. It has no controller, or it would go when its Workspace goes."""
    if controller_uid(obj):
        return None
    annotations = obj["metadata"].get("annotations") or {}
    value: str | None = annotations.get(ANNOTATION_CLAIM_OF)
    return value
