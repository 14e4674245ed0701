"""Kubernetes events and condition changes of one workspace, as one timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from guildnet.names import CLAIM_SUFFIX
from guildnet.workspace import Workspace

_SUFFIX_PARTS: Final = {"Pod": 2, "ReplicaSet": 1}
"""What Kubernetes hangs onto a Deployment's name, in dash-separated parts."""
MAX_MESSAGE_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True)
class Event:
    """One Kubernetes event. `time` is the last time it happened, RFC 3339."""

    name: str
    workspace: str
    time: str
    type: str
    reason: str
    message: str
    count: int
    about: str


def parse(obj: Mapping[str, Any]) -> Event:
    about = obj.get("involvedObject", {})
    kind, name = about.get("kind", ""), about.get("name", "")
    series = obj.get("series") or {}
    meta = obj["metadata"]
    time = (
        series.get("lastObservedTime") or obj.get("lastTimestamp") or obj.get("eventTime") or obj.get("firstTimestamp")
    )
    return Event(
        name=meta["name"],
        workspace=owner(kind, name),
        time=time or meta.get("creationTimestamp") or "",
        type=obj.get("type", "Normal"),
        reason=obj.get("reason", ""),
        message=obj.get("message", "")[:MAX_MESSAGE_CHARACTERS],
        count=int(series.get("count") or obj.get("count") or 1),
        about=f"{kind}/{name}",
    )


def owner(kind: str, name: str) -> str:
    """The workspace an object belongs to by its name: children are named like it, pods and replica sets after it."""
    if kind == "PersistentVolumeClaim":
        return name.removesuffix(CLAIM_SUFFIX) if name.endswith(CLAIM_SUFFIX) else ""
    parts = name.split("-")
    cut = _SUFFIX_PARTS.get(kind, 0)
    return "-".join(parts[: len(parts) - cut]) if len(parts) > cut else ""


def entries(ws: Workspace, events: Iterable[Event]) -> list[dict[str, Any]]:
    """The events since the workspace was created, oldest first: its name may have been another one's before."""
    made = ws.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if ws.created_at else ""
    shown = [
        {"t": e.time, "type": e.type, "reason": e.reason, "message": e.message, "count": e.count, "object": e.about}
        for e in events
        if e.time >= made
    ]
    return sorted(shown, key=lambda item: str(item["t"]))


def timeline(ws: Workspace, events: Iterable[Event]) -> list[dict[str, Any]]:
    """Events and the last change of every condition, oldest first."""
    changes = [
        {
            "t": item.last_transition_time or "",
            "type": "Condition",
            "reason": item.reason,
            "message": item.message,
            "object": f"Workspace/{ws.name}",
            "condition": item.type,
            "status": item.status,
        }
        for item in ws.status.conditions
    ]
    return sorted([*entries(ws, events), *changes], key=lambda item: str(item["t"]))
