"""The store of Workspaces: kopf's events, complete lists and our own writes, ordered by resourceVersion. Pure.

Whoever brings an object, the higher version wins, so that nothing that comes late undoes what is known already.
Resource versions of one kind are comparable numbers (Kubernetes 1.35, long true before).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog

from guildnet import workspace
from guildnet.kube import version
from guildnet.workspace import Workspace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Held:
    uid: str
    version: int


class WorkspaceStore:
    """Parsed Workspaces by name in `values`; those that cannot be read are named with the reason in `broken`."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._values: dict[str, Workspace] = {}
        self._deleted: dict[str, int] = {}
        """Versions of deletions since the last complete list."""
        self._listed = 0
        """Version of the last complete list, which tells everything up to there."""
        self.values: Mapping[str, Workspace] = MappingProxyType(self._values)
        self.broken: dict[str, str] = {}
        self.newest = 0
        """The highest version anything here has."""

    def identity(self, name: str) -> tuple[str, int] | None:
        """(uid, version) of the object of this name, also of one that cannot be read; None where there is none."""
        held = self._held.get(name)
        return None if held is None else (held.uid, held.version)

    def put(self, obj: Mapping[str, Any]) -> bool:
        """Take an object of an event or of an answer to a write; False where it is no news."""
        return version_of(obj) > self._listed and self._put(obj)

    def delete(self, obj: Mapping[str, Any]) -> bool:
        """Take a deletion; `obj` is the object as its DELETED event has it. False where it is no news."""
        name, uid, at = obj["metadata"]["name"], obj["metadata"].get("uid", ""), version_of(obj)
        held = self._held.get(name)
        if at <= self._listed or (held is not None and held.uid != uid and held.version > at):
            return False
        self.newest = max(self.newest, at)
        self._deleted[name] = max(at, held.version if held else 0)
        return self._drop(name)

    def put_listed(self, items: list[dict[str, Any]]) -> list[str]:
        """Take one page of a complete list; the names of those that were news."""
        return [item["metadata"]["name"] for item in items if self._put(item)]

    def end_list(self, names: set[str], at: int) -> list[str]:
        """Drop what a complete list of this version does not name; the names of those that went unnoticed."""
        gone = [name for name, held in self._held.items() if name not in names and held.version <= at]
        for name in gone:
            self._drop(name)
        self._deleted = {name: deleted for name, deleted in self._deleted.items() if deleted > at}
        self._listed = at
        self.newest = max(self.newest, at)
        return gone

    def forget_versions(self) -> None:
        """The cluster was restored from a backup: its versions begin again below those known, and none is older."""
        self._held = {name: _Held(held.uid, 0) for name, held in self._held.items()}
        self._deleted.clear()
        self._listed = self.newest = 0

    def _put(self, obj: Mapping[str, Any]) -> bool:
        name, at = obj["metadata"]["name"], version_of(obj)
        held = self._held.get(name)
        if at <= max(held.version if held else 0, self._deleted.get(name, 0)):
            return False
        self.newest = max(self.newest, at)
        self._held[name] = _Held(obj["metadata"].get("uid", ""), at)
        try:
            self._values[name] = workspace.parse(obj)
            self.broken.pop(name, None)
        except Exception as error:  # noqa: BLE001  one object nobody can read must not end the copy of all others
            log.warning("object left out", kind="Workspace", key=name, error=str(error))
            self._values.pop(name, None)
            self.broken[name] = str(error)
        return True

    def _drop(self, name: str) -> bool:
        self._values.pop(name, None)
        self.broken.pop(name, None)
        return self._held.pop(name, None) is not None


def version_of(obj: Mapping[str, Any]) -> int:
    """The resourceVersion of an object or of a list as a number; 0 for none."""
    return version.number((obj.get("metadata") or {}).get("resourceVersion")) or 0
