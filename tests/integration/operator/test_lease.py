"""Of two operators one writes: the one that holds the Lease, which is handed over, taken over, and never shared."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from guildnet import telemetry
from guildnet.kube.resources import DEPLOYMENTS, LEASES, SERVICEACCOUNTS, SERVICES
from guildnet_operator.app import Operator
from support.apiserver import ApiServer
from support.faultproxy import FaultProxy, answer
from support.waiting import eventually
from support.world import Start, World, Writes

Json = dict[str, Any]
NAME = "guildnet-operator"


async def holder(world: World) -> str:
    lease = await world.kube.get(LEASES, world.release, NAME)
    return str(lease["spec"].get("holderIdentity") or "")


def holds(operator: Operator) -> bool:
    return operator.lease.held


async def until_holds(operator: Operator, within: float) -> float:
    """Seconds until this operator leads."""
    began = time.monotonic()
    await eventually(lambda: holds(operator), within=within)
    return time.monotonic() - began


async def test_the_second_operator_stands_by_and_writes_nothing(start: Start, world: World, writes: Writes):
    async with start(lease_identity="one") as one:
        await until_holds(one, 15)
        async with start(lease_identity="two") as two:
            await world.launch("shared")
            await world.until(DEPLOYMENTS, "shared")
            await world.run_pod("shared")
            await world.until_condition("shared", "Ready", "True")
            assert not two.lease.held
            assert two.queue.worked == 0
            assert await holder(world) == "one"
    creates = [path.rsplit("/", 1)[1] for method, path in writes.seen if method == "POST"]
    assert (creates.count("deployments"), creates.count("services")) == (1, 1)


async def test_an_orderly_stop_hands_the_lease_over_at_once(start: Start, world: World):
    async with start(lease_identity="one", lease_seconds=60) as one:
        await until_holds(one, 15)
        waiting = start(lease_identity="two", lease_seconds=15)
        two = await waiting.__aenter__()
        await world.launch("before")
        await world.until(DEPLOYMENTS, "before")
    try:
        assert await until_holds(two, 10) < 5
        await world.launch("after")
        await world.until(DEPLOYMENTS, "after")
        lease = await world.kube.get(LEASES, world.release, NAME)
        assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("two", 2)
    finally:
        await waiting.__aexit__(None, None, None)


async def test_an_operator_that_died_is_replaced_when_its_lease_has_run_out(
    api_server_with_controllers: ApiServer, start: Start, world: World, tmp_path: Path
):
    proxy = FaultProxy(api_server_with_controllers)
    kubeconfig = tmp_path / "kubeconfig"
    async with proxy.serve(kubeconfig), start(lease_identity="one", kubeconfig=str(kubeconfig), lease_seconds=3) as one:
        await until_holds(one, 15)
        async with start(lease_identity="two", lease_seconds=3) as two:
            proxy.dead = True
            proxy.streams.cut()
            await world.launch("orphan")
            assert await until_holds(two, 15) <= 6
            await world.until(SERVICES, "orphan")
            assert not one.lease.held


async def test_who_cannot_renew_stops_writing_before_another_begins(
    api_server_with_controllers: ApiServer, start: Start, world: World, tmp_path: Path
):
    proxy = FaultProxy(api_server_with_controllers)
    proxy.refuse = lambda request: answer(503) if "/leases" in request.path and refusing else None
    refusing: list[bool] = []
    kubeconfig = tmp_path / "kubeconfig"
    async with proxy.serve(kubeconfig), start(lease_identity="one", kubeconfig=str(kubeconfig), lease_seconds=3) as one:
        await until_holds(one, 15)
        async with start(lease_identity="two", lease_seconds=3) as two:
            refusing.append(True)
            await eventually(lambda: not holds(one), within=5)
            # Everything but its lease is within its reach: it sees the Workspace, and it must not touch it.
            assert not holds(two)
            written = len(proxy.seen.writes)
            await world.launch("one-of-us")
            await world.until(DEPLOYMENTS, "one-of-us")
            assert holds(two)
            counted = [item for item in proxy.seen.writes[written:] if item[1] not in ("leases", "events")]
            assert counted == []
            refusing.clear()
            await eventually(lambda: not one.queue.age, within=5)
            assert holds(two)
            assert not holds(one)


async def test_whoever_leads_says_on_the_lease_how_far_it_is(start: Start, world: World):
    async with start(lease_identity="one", lease_seconds=6) as one:
        await until_holds(one, 15)
        await world.launch("counted")
        await world.until(DEPLOYMENTS, "counted")
        lease = await world.kube.get(LEASES, world.release, NAME)
        renewed = lease["spec"]["renewTime"]

        async def told() -> telemetry.OperatorReport | None:
            live = await world.kube.get(LEASES, world.release, NAME)
            return telemetry.read_report(live) if live["spec"]["renewTime"] != renewed else None

        report = await eventually(told, within=15)
    assert report is not None
    assert report.version == version("guildnet-operator")
    assert 0 <= report.queue_seconds < 5
    assert 0 <= report.watch_seconds < 60
    assert 0 < report.ports_left <= 65536


async def test_a_lease_deleted_by_somebody_is_made_again_and_nobody_stops(start: Start, world: World):
    async with start(lease_identity="one", lease_seconds=3) as one:
        await until_holds(one, 15)
        await world.kube.delete(LEASES, world.release, NAME)

        async def again() -> bool:
            found = await world.kube.list(LEASES, world.release, field_selector=f"metadata.name={NAME}")
            return bool(found["items"])

        await eventually(again, within=10)
        assert one.lease.held
        await world.launch("goes-on")
        await world.until(DEPLOYMENTS, "goes-on")


async def test_the_lease_goes_with_the_install(start: Start, world: World):
    await world.kube.create(SERVICEACCOUNTS, world.release, {"metadata": {"name": NAME}})
    async with start(lease_identity="one") as one:
        await until_holds(one, 15)
        await world.kube.delete(SERVICEACCOUNTS, world.release, NAME)

        async def gone() -> bool:
            found = await world.kube.list(LEASES, world.release, field_selector=f"metadata.name={NAME}")
            return not found["items"]

        await eventually(gone, within=20)
