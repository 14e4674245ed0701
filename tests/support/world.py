"""A namespace as people, kubelets and strangers work on it while an operator runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from guildnet.errors import NotFound
from guildnet.kube.resources import (
    CONFIGMAPS,
    INGRESSES,
    PODS,
    PVCS,
    SECRETS,
    SERVICES,
    WORKSPACES,
    Resource,
)
from guildnet_operator.app import Operator
from support.kubelet import end_pod, run_pod
from support.namespace import Namespace
from support.waiting import eventually

Json = dict[str, Any]
Start = Callable[..., AbstractAsyncContextManager[Operator]]

KINDS: tuple[Resource, ...] = (WORKSPACES, SERVICES, PVCS, SECRETS, INGRESSES)


@dataclass(slots=True)
class Writes:
    """Every request that is not a read, as (method, path), whoever in this process sends it but the test itself."""

    seen: list[tuple[str, str]] = field(default_factory=list)
    stale: list[tuple[str, str]] = field(default_factory=list)
    """Those of them that changed nothing, for somebody else had changed the object first (409)."""

    def clear(self) -> None:
        self.seen.clear()
        self.stale.clear()

    @property
    def without_events(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.seen if not path.endswith("/events")]


@dataclass(frozen=True, slots=True)
class World(Namespace):
    """The namespace as somebody with every right sees it, and the one of the release."""

    release: str

    async def status(self, name: str) -> Json:
        return (await self.get(WORKSPACES, name)).get("status") or {}

    async def condition(self, name: str, kind: str) -> Json:
        conditions = (await self.status(name)).get("conditions") or []
        return next((item for item in conditions if item["type"] == kind), {})

    async def until_condition(self, name: str, kind: str, status: str, reason: str | None = None) -> Json:
        async def holds() -> Json | None:
            found = await self.condition(name, kind)
            assert found.get("status") == status, found
            assert reason is None or found["reason"] == reason, found
            return found

        return await eventually(holds, within=15)

    async def until(self, resource: Resource, name: str) -> Json:
        """The object, as soon as it is there."""
        return await eventually(lambda: self.find(resource, name), within=15)

    async def pods(self, name: str) -> list[Json]:
        """Those of the Workspace that has this name now: pods of a deleted one stay a while longer."""
        uid = (await self.get(WORKSPACES, name))["metadata"]["uid"]
        return await self.pods_of(uid)

    async def run_pod(self, name: str, *, ready: bool = True, **container: Any) -> Json:
        """Do what scheduler and kubelet do for the pod of this workspace."""
        (pod,) = await eventually(lambda: self.pods(name), within=15)
        return await run_pod(self.kube, pod, ready=ready, **container)

    async def kill_pods(self, name: str) -> None:
        """Do what a kubelet does for pods that are to end: it lets them go."""
        found = await self.kube.list(PODS, self.namespace, label_selector=f"guildnet.io/workspace={name}")
        for item in found["items"]:
            if item["metadata"].get("deletionTimestamp"):
                with contextlib.suppress(NotFound):
                    await end_pod(self.kube, item)

    async def until_no_pods(self, name: str) -> None:
        async def none() -> bool:
            await self.kill_pods(name)
            found = await self.kube.list(PODS, self.namespace, label_selector=f"guildnet.io/workspace={name}")
            return not found["items"]

        await eventually(none, within=20)

    async def counter(self) -> str:
        found = await self.kube.get(CONFIGMAPS, self.release, "guildnet-ports")
        return str(found["data"]["next"])

    async def snapshot(self) -> dict[tuple[str, str], Json]:
        """The Workspaces and their children by kind and name, but for Deployments, whose controller writes late."""
        found = {}
        for resource in KINDS:
            for item in (await self.kube.list(resource, self.namespace))["items"]:
                found[resource.kind, item["metadata"]["name"]] = item
        return found
