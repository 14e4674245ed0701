"""Objects of one kind by the Workspace that they are about: pods, ReplicaSets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from guildnet.kube.reflector import Change
from guildnet_operator.status.children import PodView, ReplicaSetView

V = TypeVar("V", PodView, ReplicaSetView)


class Grouped(Generic[V]):
    """The objects of one kind by the Workspace whose label they carry."""

    def __init__(self) -> None:
        self._by_workspace: dict[str, dict[str, V]] = {}

    def of(self, name: str) -> Iterator[V]:
        return iter(self._by_workspace.get(name, {}).values())

    def change(self, change: Change[V]) -> None:
        if change.old is not None:
            group = self._by_workspace.get(change.old.workspace, {})
            group.pop(change.old.name, None)
            if not group:
                self._by_workspace.pop(change.old.workspace, None)
        if change.new is not None:
            self._by_workspace.setdefault(change.new.workspace, {})[change.new.name] = change.new
