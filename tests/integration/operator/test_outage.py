"""An API server that goes away and comes back costs nothing but the time it was away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guildnet.kube.client import connect
from guildnet.kube.resources import DEPLOYMENTS, NAMESPACES, SERVICES
from guildnet_local.build import programs
from guildnet_operator.app import operator
from guildnet_operator.settings import Settings
from support.apiserver import PROGRAMS, Servers, ready
from support.waiting import eventually
from support.world import World


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """An API server of this test's own, to be stopped."""
    made = Servers(tmp_path / "apiserver", programs.ensure(PROGRAMS, report=lambda _: None))
    yield made
    made.stop()


async def test_what_is_asked_for_after_an_outage_is_done(servers: Servers):
    import asyncio

    server = await asyncio.to_thread(servers.start)
    settings = Settings(kubeconfig=str(server.kubeconfig), k8s_namespace="w", release_namespace="w", ops_port=0)
    async with connect(str(server.kubeconfig)) as client:
        await client.create(NAMESPACES, None, {"metadata": {"name": "w"}})
        world = World(client, "w", "w")
        async with operator(settings) as running:
            await world.launch("before")
            await world.until(DEPLOYMENTS, "before")
            servers.processes[-1].stop()
            lost = await eventually(lambda: running.cluster.workspaces.last_error, within=15)
            assert lost is not None
            servers.start_apiserver()
            await eventually(lambda: asyncio.to_thread(ready, server), within=60, every=0.2)
            await world.launch("after")
            for resource in (DEPLOYMENTS, SERVICES):
                await eventually(lambda resource=resource: world.find(resource, "after"), within=30)
            assert not running.task.done()
