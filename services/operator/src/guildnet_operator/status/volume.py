"""The volume of a workspace: are its files kept when it stops, and does its claim grow? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guildnet.workspace import KEPT, LOST_ON_STOP
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Snapshot
from guildnet_operator.status.verdict import Verdict

_FAILED: Final = ("ControllerResizeError", "NodeResizeError", "ModifyVolumeError")
"""Conditions of a claim (`PersistentVolumeClaimConditionType`) whose volume cannot be made what was asked for."""


def files(snapshot: Snapshot) -> str | None:
    """In one word: are the files below the mount path there again after a stop? None while nobody knows."""
    if snapshot.plan.claim is None:
        return LOST_ON_STOP
    live = snapshot.children.claim
    if live is None:
        return None
    return LOST_ON_STOP if (live.get("status") or {}).get("phase") == "Lost" else KEPT


def resizing(live: Mapping[str, Any]) -> Verdict | None:
    """What a bound claim says of a change of its size; None where it has the size that is asked for."""
    conditions = {item["type"]: item for item in (live.get("status") or {}).get("conditions") or ()}
    said = {kind: item for kind, item in conditions.items() if item.get("status") == "True"}
    name, sizes = live["metadata"]["name"], _sizes(live)
    for kind in _FAILED:
        if kind in said:
            words = (said[kind].get("message") or "no details").rstrip(".")
            message = f"Claim {name} cannot grow {sizes}: {words}. It keeps the size that it has, and its data."
            return Verdict("True", Reason.RESIZE_FAILED, message)
    if "FileSystemResizePending" in said:
        message = f"Claim {name} grows {sizes}: its file system follows at the next start at the latest."
        return Verdict("True", Reason.RESIZING, message)
    if "Resizing" in said:
        return Verdict("True", Reason.RESIZING, f"Claim {name} grows {sizes}.")
    return None


def _sizes(live: Mapping[str, Any]) -> str:
    has = ((live.get("status") or {}).get("capacity") or {}).get("storage", "its size")
    return f"from {has} to {live['spec']['resources']['requests']['storage']}"
