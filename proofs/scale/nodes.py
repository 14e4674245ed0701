"""Instant nodes, in a process of their own: every Deployment's pod runs and is Ready as soon as it is seen.

`python -m proofs.scale.nodes KUBECONFIG` does what Deployment and ReplicaSet controllers, scheduler and kubelet would
do, with the four writes that are needed for it: on two cores the real ones would be all that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

import uvloop

from guildnet.errors import GuildNetError
from guildnet.kube.client import Client, connect
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import DEPLOYMENTS, PODS, REPLICASETS
from support.kubelet import NODE, ready_status

Json = dict[str, Any]
WORKERS = 12


def owner(kind: str, api: str, obj: Json) -> list[Json]:
    meta = obj["metadata"]
    return [{"apiVersion": api, "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": True}]


async def run(kube: Client, deployment: Json) -> None:
    meta, template = deployment["metadata"], deployment["spec"]["template"]
    labels, namespace = template["metadata"]["labels"], meta["namespace"]
    name = f"{meta['name']}-1"
    replica_set = {
        "metadata": {"name": name, "labels": labels, "ownerReferences": owner("Deployment", "apps/v1", deployment)},
        "spec": {"replicas": 1, "selector": deployment["spec"]["selector"], "template": template},
    }
    made = await kube.create(REPLICASETS, namespace, replica_set)
    pod = {
        "metadata": {"name": name, "labels": labels, "ownerReferences": owner("ReplicaSet", "apps/v1", made)},
        "spec": {**template["spec"], "nodeName": NODE},
    }
    created = await kube.create(PODS, namespace, pod)
    await kube.merge_patch(PODS, namespace, name, {"status": ready_status(created)}, subresource="status")
    counts = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    status = {"status": {**counts, "observedGeneration": meta["generation"]}}
    await kube.merge_patch(DEPLOYMENTS, namespace, meta["name"], status, subresource="status")


async def main(kubeconfig: str) -> None:
    work: asyncio.Queue[Json] = asyncio.Queue()
    seen: set[str] = set()

    def changed(change: Change[Json]) -> None:
        if change.new is not None and change.new["metadata"]["uid"] not in seen:
            seen.add(change.new["metadata"]["uid"])
            work.put_nowait(change.new)

    async def play(kube: Client) -> None:
        while True:
            deployment = await work.get()
            with contextlib.suppress(GuildNetError):  # it went while it was looked at
                await run(kube, deployment)

    async with connect(kubeconfig, user_agent="instant-nodes") as kube, asyncio.TaskGroup() as group:
        group.create_task(Reflector(kube, DEPLOYMENTS, parse=dict, on_change=changed).run())
        for _ in range(WORKERS):
            group.create_task(play(kube))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
