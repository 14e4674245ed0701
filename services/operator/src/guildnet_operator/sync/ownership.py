"""Ownership of an object under one of our names, judged by uid alone: names and labels can be put on anything. Pure."""

from __future__ import annotations

from enum import Enum, auto

from guildnet.names import ANNOTATION_OWNER, GROUP, LABEL_MANAGED
from guildnet_operator.plan.manifests import ANNOTATION_CLAIM_OF
from guildnet_operator.status.children import Object
from guildnet_operator.watch.live import controller_uid


class Owner(Enum):
    """Who an object under one of our names belongs to."""

    OURS = auto()
    PREDECESSOR = auto()
    """A deleted Workspace of the same name; garbage collection is about to remove it."""
    STRANGER = auto()


def owner_of(kind: str, obj: Object, *, name: str, uid: str, owner: str = "") -> Owner:
    """The owner of an object as seen from the Workspace `name` with this uid, which `owner` launched.

    The kind is said by the caller: the API server leaves it out of the items of a list.
    """
    if controller_uid(obj) == uid or (kind == "PersistentVolumeClaim" and _retained_for(obj) == uid):
        return Owner.OURS
    references = obj["metadata"].get("ownerReferences") or ()
    if kind == "PersistentVolumeClaim" and not references and _left_by(obj) == owner:
        return Owner.OURS
    for item in references:
        group = item.get("apiVersion", "").partition("/")[0]
        if item.get("controller") and (group, item.get("kind"), item.get("name")) == (GROUP, "Workspace", name):
            return Owner.PREDECESSOR
    return Owner.STRANGER


def _left_by(obj: Object) -> str | None:
    """Whose Workspace of this name left a retained claim: there can be no other Workspace of that name by now.

    None for a claim that no operator made, or whose Workspace is not known to have had this name.
    """
    annotations = obj["metadata"].get("annotations") or {}
    labels = obj["metadata"].get("labels") or {}
    if ANNOTATION_CLAIM_OF not in annotations or labels.get(LABEL_MANAGED) != "true":
        return None
    value: str = annotations.get(ANNOTATION_OWNER, "")
    return value


def _retained_for(obj: Object) -> str | None:
    """The uid a retained claim is kept for. It has no controller, or it would go when its Workspace goes."""
    if controller_uid(obj):
        return None
    annotations = obj["metadata"].get("annotations") or {}
    value: str | None = annotations.get(ANNOTATION_CLAIM_OF)
    return value
