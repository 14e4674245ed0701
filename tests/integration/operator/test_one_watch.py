"""Workspaces are watched once, by kopf; what it slept through is made up for within seconds."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from guildnet.kube.client import connect
from guildnet.kube.resources import DEPLOYMENTS, NAMESPACES, WORKSPACES
from guildnet_local.build import programs
from guildnet_operator.app import operator
from guildnet_operator.settings import Settings
from proofs.crash.outages import Refusal, expired_in_stream, refused
from support.apiserver import PROGRAMS, ApiServer, Servers
from support.faultproxy import FaultProxy
from support.process import Process
from support.waiting import eventually
from support.world import Start, World

PROGRAM = Path(sys.executable).parent / "guildnet-operator"
SECONDS = 10.0


def watches(audit_log: Path, resource: str) -> list[str]:
    """User agents of the watches of a resource that the API server has begun to answer, by its own log."""
    lines = [json.loads(line) for line in audit_log.read_text().splitlines()]
    return [
        line["userAgent"]
        for line in lines
        if line["verb"] == "watch"
        and line["stage"] == "ResponseStarted"
        and line["objectRef"]["resource"] == resource
        and line["objectRef"].get("namespace") == "w"
    ]


async def test_the_api_server_sees_one_watch_of_workspaces(tmp_path: Path):
    servers = Servers(tmp_path / "apiserver", programs.ensure(PROGRAMS, report=lambda _: None), audit=True)
    try:
        server = await asyncio.to_thread(servers.start)
        settings = Settings(kubeconfig=str(server.kubeconfig), k8s_namespace="w", release_namespace="w", ops_port=0)
        async with connect(str(server.kubeconfig)) as client:
            await client.create(NAMESPACES, None, {"metadata": {"name": "w"}})
            world = World(client, "w", "w")
            async with operator(settings) as running:
                await world.launch("a")
                await world.until(DEPLOYMENTS, "a")
                await world.kube.delete(WORKSPACES, "w", "a")
                await eventually(lambda: "a" not in running.cluster.workspaces.store)
                assert len(watches(servers.audit_log, "workspaces")) == 1
                assert len(watches(servers.audit_log, "deployments")) == 1, "as of every other kind"
    finally:
        await asyncio.to_thread(servers.stop)


@pytest.fixture
async def process(api_server_with_controllers: ApiServer, world: World, tmp_path: Path) -> AsyncIterator[Process]:
    """The operator as a process, with one settled Workspace."""
    env = {
        "KUBECONFIG": str(api_server_with_controllers.kubeconfig),
        "K8S_NAMESPACE": world.namespace,
        "RELEASE_NAMESPACE": world.release,
        "OPS_PORT": "0",
    }
    started = Process([PROGRAM], tmp_path / "operator.log", env=env)
    try:
        await world.launch("old")
        await world.until(DEPLOYMENTS, "old")
        await world.until_condition("old", "Scheduled", "Unknown")
        yield started
    finally:
        os.kill(started.pid, signal.SIGCONT)
        started.stop(kill=True)


async def test_a_process_that_was_asleep_makes_up_for_it_within_seconds(process: Process, world: World):
    os.kill(process.pid, signal.SIGSTOP)
    await world.kube.delete(WORKSPACES, world.namespace, "old")
    await world.launch("new")
    await asyncio.sleep(2.0)
    assert await world.find(DEPLOYMENTS, "new") is None, "it was not asleep: nothing was proved"
    os.kill(process.pid, signal.SIGCONT)
    await eventually(lambda: world.find(DEPLOYMENTS, "new"), within=SECONDS)
    await world.until_condition("new", "Scheduled", "Unknown")


def _of_workspaces(refusal: Refusal, times: float) -> Refusal:
    """So many watches of Workspaces, and with times=inf every request for them, meet this refusal."""
    left = times

    def refuse(request: web.BaseRequest) -> web.StreamResponse | None:
        nonlocal left
        if not request.path.endswith("/workspaces") or left <= 0:
            return None
        refused = refusal(request)
        left -= refused is not None
        return refused

    return refuse


@pytest.mark.parametrize("expired", [0, 1], ids=["it goes on from where it was", "its version has expired"])
async def test_what_happened_while_the_watch_was_down_is_made_up_for_also_a_deletion(
    api_server_with_controllers: ApiServer, start: Start, world: World, tmp_path: Path, expired: int
):
    proxy = FaultProxy(api_server_with_controllers)
    kubeconfig = tmp_path / "kubeconfig"
    async with proxy.serve(kubeconfig), start(kubeconfig=str(kubeconfig)) as running:
        await world.launch("old")
        await world.until(DEPLOYMENTS, "old")
        await eventually(lambda: proxy.streams.open["workspaces"] == 1)
        lists = running.cluster.workspaces.lists
        proxy.refuse = _of_workspaces(refused, math.inf)
        proxy.cut()
        await world.kube.delete(WORKSPACES, world.namespace, "old")
        await world.launch("new")
        await eventually(lambda: running.cluster.workspaces.last_error)
        proxy.refuse = _of_workspaces(expired_in_stream, expired)
        await eventually(lambda: "old" not in running.cluster.workspaces.store, within=SECONDS)
        await eventually(lambda: world.find(DEPLOYMENTS, "new"), within=SECONDS)
        await eventually(lambda: proxy.streams.open["workspaces"] == 1, within=SECONDS)
        assert running.cluster.workspaces.lists - lists == expired, "a list of ours only where kopf listed anew"
