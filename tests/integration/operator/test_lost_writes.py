"""A write that the API server turned down is made again, also where nothing else happens that would remind of it."""

from __future__ import annotations

from pathlib import Path

from integration.operator.world import Start, World
from support.apiserver import ApiServer
from support.faultproxy import FaultProxy
from support.faults import AtWrite, WriteFault

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
