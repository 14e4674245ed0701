"""Managed fields of a live object: what is ours becomes an apply's, and who else owns a field. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from guildnet.names import FIELD_MANAGER_OPERATOR

_ENDS: Final = (".", "[", "")
"""What may follow the name of a field in a path."""


def takeover(live: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The JSON patch that turns the ownership of a POST into that of an apply; None when that was done before.

    The API server tells `create` and `apply` of the same manager apart: without this, a field that was created and is
    later left out of an apply would stay for ever (client-go's `csaupgrade` does the same).
    """
    fields = live["metadata"].get("managedFields") or []
    mine = [item for item in fields if item.get("manager") == FIELD_MANAGER_OPERATOR and not item.get("subresource")]
    if not any(item["operation"] == "Update" for item in mine):
        return None
    owned: dict[str, Any] = {}
    for item in mine:
        owned = _union(owned, item.get("fieldsV1") or {})
    applied = {**mine[0], "operation": "Apply", "fieldsV1": owned}
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*(i for i in fields if i not in mine), applied]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]


def other_manager(live: Mapping[str, Any], field: str) -> str:
    """Who else than the operator owns this field (a path of `diff.first_difference`); of several the latest one.

    Of a field that was taken out nobody is the owner: then it is whoever wrote last. "" where nobody else did.
    """
    fields = live["metadata"].get("managedFields") or []
    others = [
        item for item in fields if item.get("manager") != FIELD_MANAGER_OPERATOR and item.get("subresource") != "status"
    ]
    owners = [item for item in others if _owns(item.get("fieldsV1") or {}, field)]
    latest: Mapping[str, Any] = max(owners or others, key=lambda item: item.get("time") or "", default={})
    return str(latest.get("manager") or "")


def _owns(fields: Mapping[str, Any], rest: str) -> bool:
    """Does this tree of fields reach down to the path? Names may have dots in them, so each is tried as a whole."""
    if not rest or not fields:
        return True
    return any(
        _owns(below, rest[len(step) :].removeprefix("."))
        for key, below in fields.items()
        if (step := _step(key, rest)) is not None
    )


def _step(key: str, rest: str) -> str | None:
    """How far a key of the tree (`f:NAME`, `k:{…}`) leads along the path; None where it leads elsewhere."""
    kind, _, name = key.partition(":")
    if kind == "f" and rest.startswith(name) and rest[len(name) : len(name) + 1] in _ENDS:
        return name
    if kind == "k" and rest.startswith("["):
        inside = rest[1 : rest.index("]")]
        return f"[{inside}]" if inside in map(str, json.loads(name).values()) else None
    return None


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    shared = {key: _union(one[key], other[key]) for key in one.keys() & other.keys()}
    return {**one, **other, **shared}
