"""Hands for the scenarios: what people and a kubelet do to one namespace while the operator works."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

from guildnet.kube.resources import DEPLOYMENTS, REPLICASETS, SERVICES, WORKSPACES, Resource
from proofs.crash.node import run_pod
from proofs.crash.processes import OperatorProcess
from support.namespace import Namespace, of_workspace
from support.waiting import eventually

Json = dict[str, Any]

STEP_TIMEOUT_SECONDS = 60.0
"""Seconds a step may take, faults, restarts and a loaded machine included."""


@dataclass(frozen=True, slots=True)
class Hands(Namespace):
    """One namespace with an operator for it."""

    WITHIN: ClassVar[float] = STEP_TIMEOUT_SECONDS
    EVERY: ClassVar[float] = 0.15

    operator: OperatorProcess

    async def tamper(self, resource: Resource, name: str, body: Json) -> None:
        """Change a child by hand."""
        await self.kube.merge_patch(resource, self.namespace, name, body, field_manager="somebody")

    async def delete(self, resource: Resource, name: str) -> None:
        await self.kube.delete(resource, self.namespace, name)

    async def made(self, name: str) -> None:
        """Wait until the operator has made all there is to make before a pod runs; the port and the Deployment are
        last, in no order."""

        async def is_made() -> bool:
            found = await self._workspace(name)
            origin = (found.get("status") or {}).get("origin") or {}
            return _observed(found) and "port" in origin and await self.find(DEPLOYMENTS, name) is not None

        await self._until(is_made)

    async def ready(self, *names: str) -> None:
        """Be the kubelet of these Workspaces' pods until they are Ready, and nothing is left to be written.

        One whose change could not be written yet is Ready by its old pod, and says Degraded.
        """
        await asyncio.gather(*(self._ready(name) for name in names))

    async def _ready(self, name: str) -> None:
        async def is_ready() -> bool:
            found = await self._workspace(name)
            if not _observed(found):
                return False
            settled = _condition(found, "Ready") == "True" and _condition(found, "Degraded") == "False"
            if settled and await self._runs(name, found["metadata"]["uid"]):
                return True
            for pod in await self.pods_of(found["metadata"]["uid"]):
                await run_pod(self.kube, pod)
            return False

        await self._until(is_ready)

    async def _runs(self, name: str, uid: str) -> bool:
        """Do the Deployment, its ReplicaSets and the pods say so too? A status may not tell of a pod that just went.

        Each controller has to have seen what the one before it wrote, from the top down.
        """
        deployment = await self.find(DEPLOYMENTS, name)
        sets = (await self.kube.list(REPLICASETS, self.namespace, label_selector=of_workspace(uid)))["items"]
        pods = await self.pods_of(uid)
        if deployment is None or not all(map(_seen, (deployment, *sets))):
            return False
        status = deployment["status"]
        counts = status.get("replicas"), status.get("readyReplicas"), status.get("updatedReplicas")
        return counts == (1, 1, 1) and [pod["status"].get("phase") for pod in pods] == ["Running"]

    async def stopped(self, name: str) -> None:
        async def is_stopped() -> bool:
            found = await self._workspace(name)
            return _observed(found) and _condition(found, "Stopped") == "True"

        await self._until(is_stopped)

    async def until_another(self, resource: Resource, name: str, uid: str) -> None:
        """Wait for an object of this name that is not the one with this uid."""

        async def another() -> bool:
            found = await self.find(resource, name)
            return found is not None and found["metadata"]["uid"] != uid

        await self._until(another)

    async def says(self, resource: Resource, name: str, *path: str, value: Any) -> None:
        """Wait until this field of the object has this value."""

        async def same() -> bool:
            found: Any = await self.find(resource, name)
            for key in path:
                found = (found or {}).get(key)
            return bool(found == value)

        await self._until(same)

    async def uid(self, resource: Resource, name: str) -> str:
        return str((await self.get(resource, name))["metadata"]["uid"])

    async def children_gone(self, name: str) -> None:
        for resource in (WORKSPACES, DEPLOYMENTS, SERVICES):
            await self.until_gone(resource, name)

    async def _workspace(self, name: str) -> Json:
        return await self.get(WORKSPACES, name)

    async def _until(self, check: Any) -> None:
        await eventually(check, within=self.WITHIN, every=self.EVERY)


def _seen(item: Json) -> bool:
    """Has its controller seen it as it is now?"""
    return bool((item.get("status") or {}).get("observedGeneration") == item["metadata"]["generation"])


def _observed(workspace: Json) -> bool:
    status = workspace.get("status") or {}
    return bool(status.get("observedGeneration") == workspace["metadata"]["generation"] and status.get("phase"))


def _condition(workspace: Json, kind: str) -> str:
    conditions = (workspace.get("status") or {}).get("conditions") or []
    return str(next((item["status"] for item in conditions if item["type"] == kind), ""))
