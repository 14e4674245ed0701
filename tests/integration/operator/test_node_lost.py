"""A node that stops reporting is named as what it is, by the cluster's own judgement: the real controller's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guildnet.kube.client import Client, connect
from guildnet.kube.resources import NAMESPACES, NODES, PODS
from guildnet_local.build import programs
from guildnet_operator.app import operator
from guildnet_operator.settings import Settings
from support.apiserver import CONTROLLER_PROGRAMS, Servers
from support.kubelet import NODE, played_kubelet
from support.waiting import eventually
from support.world import World

GRACE = 4


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """An API server whose controllers watch over nodes."""
    made = Servers(
        tmp_path / "apiserver", programs.ensure(CONTROLLER_PROGRAMS, report=lambda _: None), controllers=True
    )
    made.node_grace = GRACE
    yield made
    made.stop()


async def report(kube: Client) -> None:
    """What a kubelet says of its node, every few seconds as long as it lives."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now}
    await kube.merge_patch(NODES, None, NODE, {"status": {"conditions": [said]}}, subresource="status")


async def node_ready(kube: Client) -> str:
    node = await kube.get(NODES, None, NODE)
    return next((item["status"] for item in node["status"].get("conditions", []) if item["type"] == "Ready"), "")


async def test_a_node_that_stopped_reporting_is_named_and_forgotten_when_it_is_back(servers: Servers):
    server = await asyncio.to_thread(servers.start)
    settings = Settings(kubeconfig=str(server.kubeconfig), k8s_namespace="w", release_namespace="w", ops_port=0)
    async with connect(str(server.kubeconfig)) as kube:
        await kube.create(NAMESPACES, None, {"metadata": {"name": "w"}})
        await kube.create(NODES, None, {"metadata": {"name": NODE}})
        await report(kube)
        world = World(kube, "w", "w")
        async with operator(settings), played_kubelet(kube, "w"):
            await world.launch("far")
            await world.until_condition("far", "Ready", "True")

            async def lost() -> bool:
                return await node_ready(kube) == "Unknown"

            await eventually(lost, within=40)
            known = time.monotonic()
            found = await world.until_condition("far", "Ready", "False", "NodeLost")
            assert time.monotonic() - known <= 10
            assert NODE in found["message"]
            await world.until_condition("far", "Degraded", "True", "NodeLost")

            await report(kube)
            (pod,) = await world.pods("far")
            conditions = [{**item, "status": "True"} for item in pod["status"]["conditions"]]
            body = {"status": {"conditions": conditions}}
            await kube.merge_patch(PODS, "w", pod["metadata"]["name"], body, subresource="status")
            await world.until_condition("far", "Ready", "True")
            await world.until_condition("far", "Degraded", "False")
