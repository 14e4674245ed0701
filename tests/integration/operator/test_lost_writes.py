"""A write that the API server turned down is made again, also where nothing else happens that would remind of it."""

from __future__ import annotations

from pathlib import Path

from guildnet.kube.resources import DEPLOYMENTS, WORKSPACES
from support.apiserver import ApiServer
from support.faultproxy import FaultProxy
from support.faults import AtEvent, AtWrite, WatchFault, WriteFault
from support.waiting import eventually
from support.world import Start, World

STATUS = "merge workspaces/status quiet"


async def test_a_status_that_met_a_conflict_is_written_without_another_event(
    api_server_with_controllers: ApiServer, start: Start, world: World, tmp_path: Path
):
    proxy = FaultProxy(api_server_with_controllers)
    kubeconfig = tmp_path / "kubeconfig"
    async with proxy.serve(kubeconfig), start(kubeconfig=str(kubeconfig)):
        proxy.arm(AtWrite(STATUS, 1, WriteFault.CONFLICT))
        await world.launch("quiet")
        # Nobody runs its pod: by the time of the first status everything else has happened.
        await world.until_condition("quiet", "Scheduled", "Unknown")
        assert proxy.fired
    assert [write.code for write in proxy.seen.answered if str(write.request) == STATUS] == [0, 200]


async def test_what_the_garbage_collector_took_is_not_made_again_while_the_watch_is_late(
    api_server_with_controllers: ApiServer, start: Start, world: World, tmp_path: Path
):
    proxy = FaultProxy(api_server_with_controllers)
    kubeconfig = tmp_path / "kubeconfig"
    async with proxy.serve(kubeconfig), start(kubeconfig=str(kubeconfig)) as running:
        await world.launch("going")
        await world.run_pod("going")
        await world.until_condition("going", "Ready", "True")
        proxy.arm(AtEvent("workspaces", "DELETED", WatchFault.STALL))
        worked = running.queue.worked
        await world.kube.delete(WORKSPACES, world.namespace, "going")
        await world.until_gone(DEPLOYMENTS, "going")
        await eventually(lambda: running.queue.worked > worked and running.queue.idle())
        assert proxy.fired
        assert running.cluster.workspaces.get("going") is not None, "the watch was not late: nothing was proved"
    assert [str(write.request) for write in proxy.seen.answered].count("create deployments going") == 1
