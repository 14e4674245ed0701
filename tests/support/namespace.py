"""One namespace in the hands of somebody with every right: Workspaces are made and edited, and objects looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from guildnet.errors import NotFound
from guildnet.kube.client import Client
from guildnet.kube.resources import PODS, WORKSPACES, Resource
from guildnet.names import LABEL_WORKSPACE_UID
from support.waiting import eventually

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Namespace:
    """What the tests of the operator and the proofs do to a namespace alike; each says how long it waits."""

    WITHIN: ClassVar[float] = 20.0
    EVERY: ClassVar[float] = 0.02

    kube: Client
    namespace: str

    async def launch(self, name: str, *, annotations: dict[str, str] | None = None, **spec: Any) -> Json:
        body = {
            "metadata": {"name": name, "annotations": annotations or {}},
            "spec": {"image": "example.com/app:1", **spec},
        }
        return await self.kube.create(WORKSPACES, self.namespace, body)

    async def edit(self, name: str, **spec: Any) -> Json:
        return await self.kube.merge_patch(WORKSPACES, self.namespace, name, {"spec": spec})

    async def get(self, resource: Resource, name: str) -> Json:
        return await self.kube.get(resource, self.namespace, name)

    async def find(self, resource: Resource, name: str) -> Json | None:
        try:
            return await self.get(resource, name)
        except NotFound:
            return None

    async def until_gone(self, resource: Resource, name: str) -> None:
        async def gone() -> bool:
            return await self.find(resource, name) is None

        await eventually(gone, within=self.WITHIN, every=self.EVERY)

    async def pods_of(self, uid: str) -> list[Json]:
        """The pods of the Workspace with this uid, but for those that are to end."""
        found = await self.kube.list(PODS, self.namespace, label_selector=of_workspace(uid))
        return [item for item in found["items"] if not item["metadata"].get("deletionTimestamp")]


def of_workspace(uid: str) -> str:
    """The label selector of what belongs to the pods of this very Workspace."""
    return f"{LABEL_WORKSPACE_UID}={uid}"
