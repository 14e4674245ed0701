"""Pods as the api reads them: node, phase and the state of each container; tolerant of what is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from guildnet.names import LABEL_WORKSPACE, LABEL_WORKSPACE_UID


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod. `state` is waiting, running or terminated; `restart` counts from 0."""

    name: str
    init: bool
    state: str
    reason: str
    message: str
    restart: int


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a workspace. `created` is RFC 3339 text, as Kubernetes sends it, and sorts by time."""

    name: str
    uid: str
    workspace: str
    workspace_uid: str
    node: str
    phase: str
    created: str
    deleting: bool
    resource_version: str
    containers: tuple[Container, ...]
    secrets: frozenset[str] = frozenset()
    """The names of the Secrets that its env refers to."""

    def container(self, name: str | None) -> Container | None:
        """The container of this name, or without one the first that is not an init container."""
        if name:
            return next((c for c in self.containers if c.name == name), None)
        return next((c for c in self.containers if not c.init), None)


def parse(obj: Mapping[str, Any]) -> Pod:
    meta, spec, status = obj["metadata"], obj.get("spec", {}), obj.get("status", {})
    return Pod(
        name=meta["name"],
        uid=meta.get("uid", ""),
        workspace=meta.get("labels", {}).get(LABEL_WORKSPACE, ""),
        workspace_uid=meta.get("labels", {}).get(LABEL_WORKSPACE_UID, ""),
        node=spec.get("nodeName", ""),
        phase=status.get("phase", ""),
        created=meta.get("creationTimestamp") or "",
        deleting="deletionTimestamp" in meta,
        resource_version=meta.get("resourceVersion", ""),
        containers=(
            *_containers(spec.get("initContainers", ()), status.get("initContainerStatuses", ()), init=True),
            *_containers(spec.get("containers", ()), status.get("containerStatuses", ()), init=False),
        ),
        secrets=frozenset(_secrets(spec.get("containers", ()))),
    )


def _secrets(specs: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for spec in specs:
        for item in spec.get("env") or ():
            name = ((item.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name")
            if name:
                yield name


def _containers(
    specs: Iterable[Mapping[str, Any]], statuses: Iterable[Mapping[str, Any]], *, init: bool
) -> Iterable[Container]:
    by_name = {status["name"]: status for status in statuses}
    for spec in specs:
        status = by_name.get(spec["name"], {})
        states: Mapping[str, Any] = status.get("state") or {"waiting": {}}
        state, detail = next(iter(states.items()))
        yield Container(
            name=spec["name"],
            init=init,
            state=state,
            reason=detail.get("reason", ""),
            message=detail.get("message", ""),
            restart=int(status.get("restartCount", 0)),
        )


def current(pods: Iterable[Pod]) -> Pod | None:
    """The pod that stands for a workspace: the newest one that is not going away, else the newest."""
    return max(pods, key=lambda pod: (not pod.deleting, pod.created, pod.name), default=None)
