"""Differences between a desired object and the live one.

A desired object is a subset of the live one: the API server fills in defaults, and other managers may own other fields.
Compared the way the API server stores things, so that a settled object is never written again: a zero value it drops is
equal to a missing one, `1024Mi` is `1Gi`, and lists with a merge key are compared item by item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guildnet.names import ANNOTATION_HASH
from guildnet.workspace.quantities import quantity

_MERGE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "containers": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "port"),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "ownerReferences": ("uid",),
}
"""Lists that server-side apply merges by key: entries another manager added there are not ours to judge."""
_QUANTITIES: Final = frozenset({"requests", "limits"})
_PLAIN_BOOLEANS: Final = (".publishNotReadyAddresses", ".readOnly")
"""Fields whose false the API server does not store; a missing false elsewhere means that someone took it out."""
_SERVERS_OWN: Final = frozenset({"apiVersion", "kind"})


def differs(desired: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Must `desired` (with its hash annotation) be applied to `live`?"""
    wanted = desired["metadata"]["annotations"][ANNOTATION_HASH]
    found = (live["metadata"].get("annotations") or {}).get(ANNOTATION_HASH)
    return wanted != found or first_difference(desired, live) is not None


def first_difference(desired: Mapping[str, Any], live: Mapping[str, Any]) -> str | None:
    """The path of the first desired field that the live object does not have, for the log; None when it has all."""
    for key, value in desired.items():
        if key in _SERVERS_OWN:
            continue
        path = _compare(key, value, live.get(key), quantity=key in _QUANTITIES)
        if path is not None:
            return path
    return None


def _compare(path: str, desired: Any, live: Any, *, quantity: bool) -> str | None:
    if live is None and not desired and (desired is not False or path.endswith(_PLAIN_BOOLEANS)):
        # The API server drops an empty text, list or map and a zero; a false only where the field is no pointer.
        return None
    # Concrete types: these values are JSON, and asking for abstract ones takes most of the time of a settled reconcile.
    if isinstance(desired, dict):
        return _compare_maps(path, desired, live, quantity=quantity)
    if isinstance(desired, list):
        return _compare_lists(path, desired, live)
    return None if _same(desired, live, as_quantity=quantity) else path


def _compare_maps(path: str, desired: Mapping[str, Any], live: Any, *, quantity: bool) -> str | None:
    if not isinstance(live, dict):
        return path
    for key, value in desired.items():
        found = _compare(f"{path}.{key}", value, live.get(key), quantity=quantity or key in _QUANTITIES)
        if found is not None:
            return found
    return None


def _compare_lists(path: str, desired: Sequence[Any], live: Any) -> str | None:
    if not isinstance(live, list):
        return path
    keys = _MERGE_KEYS.get(path.rpartition(".")[2])
    if keys is not None:
        by_key = {_first(item, keys): item for item in live}
        pairs = [(f"{path}[{_first(item, keys)}]", item, by_key.get(_first(item, keys))) for item in desired]
    elif len(desired) != len(live):
        return path
    else:
        pairs = [(f"{path}[{index}]", item, live[index]) for index, item in enumerate(desired)]
    for name, item, other in pairs:
        found = name if other is None else _compare(name, item, other, quantity=False)
        if found is not None:
            return found
    return None


def _first(item: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if key in item), None)


def _same(desired: Any, live: Any, *, as_quantity: bool) -> bool:
    if desired == live:
        return True
    if not as_quantity or live is None:
        return False
    try:
        return quantity(desired) == quantity(live)
    except ValueError:
        return False
