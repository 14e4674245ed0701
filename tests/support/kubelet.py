"""What scheduler and kubelet do to the pods of a namespace, played: bound and Ready at once, gone when told to go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from guildnet.errors import GuildNetError
from guildnet.kube.client import Client
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import PODS

NODE = "node-1"


@asynccontextmanager
async def played_kubelet(kube: Client, namespace: str) -> AsyncIterator[None]:
    """Plays as long as the block lasts."""
    work: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def changed(change: Change[dict[str, Any]]) -> None:
        if change.new is not None:
            work.put_nowait(change.new)

    async def play() -> None:
        while True:
            pod = await work.get()
            with contextlib.suppress(GuildNetError):  # it changed meanwhile: the watch brings it again
                await _advance(kube, namespace, pod)

    pods = Reflector(kube, PODS, namespace=namespace, parse=dict, on_change=changed)
    tasks = [asyncio.create_task(pods.run()), *(asyncio.create_task(play()) for _ in range(2))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _advance(kube: Client, namespace: str, pod: dict[str, Any]) -> None:
    name = pod["metadata"]["name"]
    if pod["metadata"].get("deletionTimestamp"):
        await end_pod(kube, pod)
    elif not pod["spec"].get("nodeName"):
        await bind(kube, namespace, name)
    elif (pod.get("status") or {}).get("phase") != "Running":
        await kube.merge_patch(PODS, namespace, name, {"status": ready_status(pod)}, subresource="status")


async def run_pod(kube: Client, pod: dict[str, Any], *, ready: bool = True, **container: Any) -> dict[str, Any]:
    """Do what scheduler and kubelet do for a new pod; the pod then. For the rest see `running_status`."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    if not pod["spec"].get("nodeName"):
        await bind(kube, namespace, name)
    status = running_status(pod, ready=ready, **container)
    return await kube.merge_patch(PODS, namespace, name, {"status": status}, subresource="status")


async def end_pod(kube: Client, pod: dict[str, Any]) -> None:
    """Let this very pod go, as a kubelet does when all its containers have ended."""
    meta = pod["metadata"]
    await kube.delete(PODS, meta["namespace"], meta["name"], grace_period=0, uid=meta["uid"])


async def bind(kube: Client, namespace: str, name: str) -> None:
    """Put a pod on NODE, as the scheduler does."""
    binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": NODE}}
    await kube.request("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/binding", body=binding)


def ready_status(pod: dict[str, Any]) -> dict[str, Any]:
    """The status of this pod when it runs and answers."""
    return running_status(pod, ready=True)


def running_status(pod: dict[str, Any], *, ready: bool, **container: Any) -> dict[str, Any]:
    """The status of this pod when it runs, and answers where `ready`; `container` changes its containers' statuses."""
    containers = [
        {
            "name": item["name"],
            "image": item["image"],
            "imageID": "sha256:1",
            "ready": ready,
            "started": ready,
            "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            **container,
        }
        for item in pod["spec"]["containers"]
    ]
    conditions = [
        *({"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized")),
        *({"type": kind, "status": str(ready)} for kind in ("ContainersReady", "Ready")),
    ]
    return {"phase": "Running", "conditions": conditions, "containerStatuses": containers}
