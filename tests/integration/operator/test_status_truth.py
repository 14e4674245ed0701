"""The status is right whatever cannot be written: it is observed and written in every pass."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from guildnet import workspace
from guildnet.kube.resources import CONFIGMAPS, DEPLOYMENTS, EVENTS, PODS, SERVICES, WORKSPACES
from guildnet.names import origin_label
from guildnet.workspace.origin import port_request
from guildnet_operator.sync import children
from support.apiserver import ApiServer
from support.faultproxy import FaultProxy
from support.faults import AtEvent, WatchFault
from support.waiting import eventually
from support.world import Start, World

WEBHOOK = 'Internal error occurred: failed calling webhook "x.example": connection refused'
Broken = Callable[[str, str], bool]


def webhook_down(broken: Broken) -> Callable[[web.BaseRequest], web.StreamResponse | None]:
    """The answer to requests (method, path) for which an admission webhook that is down would be asked."""
    status = {"kind": "Status", "code": 500, "reason": "InternalError", "message": WEBHOOK}

    def refuse(request: web.BaseRequest) -> web.StreamResponse | None:
        return web.json_response(status, status=500) if broken(request.method, request.path) else None

    return refuse


@pytest.fixture
def proxied(api_server_with_controllers: ApiServer, start: Start, tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def running(**settings: Any) -> AsyncIterator[FaultProxy]:
        proxy = FaultProxy(api_server_with_controllers)
        kubeconfig = tmp_path / "kubeconfig"
        async with proxy.serve(kubeconfig), start(kubeconfig=str(kubeconfig), **settings):
            yield proxy

    return running


async def test_a_new_workspace_says_what_its_deployment_cannot_be_made_for(proxied: Any, world: World):
    async with proxied() as proxy:
        proxy.refuse = webhook_down(lambda method, path: method == "POST" and path.endswith("/deployments"))
        await world.launch("poor")
        found = await world.until_condition("poor", "Ready", "False", "Unavailable")
        assert WEBHOOK in found["message"]
        assert "Deployment poor" in found["message"]
        assert (await world.status("poor"))["phase"] == "Failed"
        await world.until_condition("poor", "RouteReady", "True")
        proxy.refuse = lambda _: None
        await world.until(DEPLOYMENTS, "poor")
        await world.until_condition("poor", "Degraded", "False")


async def test_a_pod_that_is_gone_is_told_while_the_service_cannot_be_put_right(proxied: Any, world: World):
    async with proxied() as proxy:
        await world.launch("dead")
        pod = await world.run_pod("dead")
        await world.until_condition("dead", "Ready", "True")
        proxy.refuse = webhook_down(lambda method, path: method == "PATCH" and path.endswith("/services/dead"))
        other = {"spec": {"selector": {"guildnet.io/workspace": "other"}}}
        await world.kube.merge_patch(SERVICES, world.namespace, "dead", other, field_manager="somebody")
        route = await world.until_condition("dead", "RouteReady", "False", "Unavailable")
        assert WEBHOOK in route["message"]
        assert (await world.condition("dead", "Ready"))["status"] == "True"
        await world.kube.delete(PODS, world.namespace, pod["metadata"]["name"], grace_period=0)
        await world.until_condition("dead", "Ready", "False")
        assert (await world.status("dead"))["phase"] == "Pending"


async def test_one_write_that_fails_once_is_no_news(proxied: Any, world: World):
    async with proxied() as proxy:
        failed: list[str] = []

        def once(method: str, path: str) -> bool:
            if method != "POST" or not path.endswith("/services") or failed:
                return False
            failed.append(path)
            return True

        proxy.refuse = webhook_down(once)
        await world.launch("brief")
        await world.until(SERVICES, "brief")
        await world.run_pod("brief")
        await world.until_condition("brief", "Ready", "True")
        events = (await world.kube.list(EVENTS, world.namespace))["items"]
        assert failed
        told = [item["reason"] for item in events if item["involvedObject"]["kind"] == "Workspace"]
        assert "Unavailable" not in told


async def test_a_write_that_is_never_answered_holds_nothing_up(
    proxied: Any, world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(children, "SLOW_WRITE_SECONDS", 0.5)
    async with proxied() as proxy:
        await world.launch("slow")
        pod = await world.run_pod("slow")
        await world.until_condition("slow", "Ready", "True")
        proxy.hold = lambda asked: str(asked) == "apply services slow"
        other = {"spec": {"selector": {"guildnet.io/workspace": "other"}}}
        await world.kube.merge_patch(SERVICES, world.namespace, "slow", other, field_manager="somebody")
        degraded = await world.until_condition("slow", "Degraded", "True", "Unavailable")
        assert "Service slow" in degraded["message"]
        assert "not answered yet" in degraded["message"]
        await world.kube.delete(PODS, world.namespace, pod["metadata"]["name"], grace_period=0)
        await world.until_condition("slow", "Ready", "False")


async def test_the_status_of_a_deleted_workspace_never_lands_on_its_successor(proxied: Any, world: World):
    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "g.ts.example"}}
    await world.kube.create(CONFIGMAPS, world.release, entries)
    async with proxied() as proxy:
        await world.launch("twice")
        pod = await world.run_pod("twice")
        await world.until_condition("twice", "Ready", "True")
        port = (await world.status("twice"))["origin"]["port"]
        proxy.arm(AtEvent("workspaces", "DELETED", WatchFault.STALL))
        await world.kube.delete(WORKSPACES, world.namespace, "twice", propagation="Orphan")
        await world.until_gone(WORKSPACES, "twice")
        successor = await world.launch("twice")
        # The operator has yet to hear of it, and writes what it sees of the pod.
        refused = len([w for w in proxy.seen.answered if w.request.resource == "workspaces/status" and w.code == 409])
        status = {"conditions": [{"type": "Ready", "status": "False"}]}
        await world.kube.merge_patch(
            PODS, world.namespace, pod["metadata"]["name"], {"status": status}, subresource="status"
        )

        async def written() -> bool:
            seen = [w.code for w in proxy.seen.answered if w.request.resource == "workspaces/status"]
            return len([code for code in seen if code == 409]) > refused or bool(await world.status("twice"))

        await eventually(written)
        assert proxy.fired
        found = await eventually(lambda: _origin(world, "twice"))
        assert found["host"] == origin_label("twice", successor["metadata"]["uid"])
        assert found["port"] > port


async def _origin(world: World, name: str) -> dict[str, Any] | None:
    return (await world.status(name)).get("origin")


async def test_a_port_that_came_with_the_status_of_another_is_refused(proxied: Any, world: World):
    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "g.ts.example"}}
    await world.kube.create(CONFIGMAPS, world.release, entries)
    created = await world.launch("heir")
    foreign = {"status": {"phase": "Running", "origin": {"port": 20007, "host": "heir-00000000"}}}
    await world.kube.merge_patch(WORKSPACES, world.namespace, "heir", foreign, subresource="status")
    async with proxied():

        async def own() -> bool:
            found = (await world.status("heir"))["origin"]
            own = origin_label("heir", created["metadata"]["uid"])
            return bool(found["host"] == own and found["port"] > 20007)

        await eventually(own)


async def test_a_port_counter_that_cannot_be_had_is_a_condition_and_nothing_else_waits_for_it(
    proxied: Any, world: World
):
    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "g.ts.example"}}
    await world.kube.create(CONFIGMAPS, world.release, entries)
    async with proxied() as proxy:
        refusal = json.dumps(
            {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "configmaps is forbidden"}
        )

        def refuse(request: web.BaseRequest) -> web.StreamResponse | None:
            wanted = request.method == "POST" and request.path.endswith("/configmaps")
            return web.Response(status=403, text=refusal, content_type="application/json") if wanted else None

        proxy.refuse = refuse
        await world.launch("portless")
        await world.run_pod("portless")
        await world.until_condition("portless", "Ready", "True")
        route = await world.until_condition("portless", "RouteReady", "False", "PortPending")
        assert "configmaps is forbidden" in route["message"]
        assert "helm upgrade" in route["message"]
        proxy.refuse = lambda _: None
        await world.until_condition("portless", "RouteReady", "True")
        assert (await world.status("portless"))["url"].startswith("https://g.ts.example:")


async def test_a_port_behind_the_first_gets_an_origin_when_it_is_asked_for_and_keeps_it(start: Start, world: World):
    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "g.ts.example"}}
    await world.kube.create(CONFIGMAPS, world.release, entries)
    async with start():
        made = await world.launch("two", ports=[{"containerPort": 8080}, {"containerPort": 9000}])
        uid = made["metadata"]["uid"]
        await eventually(lambda: has_origin(world, "two"))
        assert "ports" not in (await world.status("two"))["origin"], "nobody has asked"
        asked = {"data": {port_request(uid, 9000): "two", port_request(uid, 7777): "two", port_request("x", 1): "gone"}}
        await world.kube.merge_patch(CONFIGMAPS, world.release, "guildnet-entries", asked)

        async def given() -> bool:
            return bool((await world.status("two"))["origin"].get("ports"))

        await eventually(given)
        origin = (await world.status("two"))["origin"]
        assert [item["containerPort"] for item in origin["ports"]] == [9000], "7777 is not one of its ports"
        assert origin["ports"][0]["port"] > origin["port"]
        taken_out = {"data": dict.fromkeys(asked["data"])}
        await world.kube.merge_patch(CONFIGMAPS, world.release, "guildnet-entries", taken_out)
        await world.edit("two", notes="another generation")
        await eventually(lambda: observed(world, "two", 2))
        assert (await world.status("two"))["origin"] == origin
        await world.edit("two", ports=[{"containerPort": 8080}])
        await eventually(lambda: observed(world, "two", 3))
        assert "ports" not in (await world.status("two"))["origin"], "what it does not declare has none"


async def has_origin(world: World, name: str) -> bool:
    return bool((await world.status(name)).get("origin"))


async def observed(world: World, name: str, generation: int) -> bool:
    return bool((await world.status(name)).get("observedGeneration") == generation)


async def test_no_port_is_reserved_where_no_entry_needs_one(start: Start, world: World):
    async with start():
        await world.launch("local")
        await world.run_pod("local")
        await world.until_condition("local", "Ready", "True")
        assert await world.find(CONFIGMAPS, "guildnet-ports") is None
        assert (await world.status("local"))["origin"].get("port") is None
        assert (await world.condition("local", "RouteReady"))["status"] == "True"


async def test_what_a_node_left_behind_does_not_keep_it_from_being_stopped(start: Start, world: World):
    async with start():
        await world.launch("evicted")
        pod = await world.run_pod("evicted")
        await world.until_condition("evicted", "Ready", "True")
        gone = {
            "phase": "Failed",
            "reason": "Evicted",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": None,
        }
        await world.kube.merge_patch(
            PODS, world.namespace, pod["metadata"]["name"], {"status": gone}, subresource="status"
        )

        async def another() -> bool:
            return len(await world.pods("evicted")) == 2

        await eventually(another)
        await world.edit("evicted", running=False)
        await world.until_condition("evicted", "Stopped", "True")
        assert (await world.status("evicted"))["phase"] == "Stopped"
        assert await world.find(PODS, pod["metadata"]["name"]) is not None


async def test_a_stored_workspace_that_cannot_be_read_gets_an_event(
    start: Start, world: World, monkeypatch: pytest.MonkeyPatch
):
    parse = workspace.parse

    def picky(obj: Any) -> Any:
        if obj["metadata"]["name"] == "odd":
            raise ValueError("spec.image is no text")
        return parse(obj)

    monkeypatch.setattr(workspace, "parse", picky)
    async with start() as running:
        await world.launch("odd")

        async def told() -> list[Any]:
            events = (await world.kube.list(EVENTS, world.namespace))["items"]
            return [item for item in events if item["reason"] == "Unreadable"]

        (event,) = await eventually(told)
        assert event["involvedObject"]["name"] == "odd"
        assert "spec.image is no text" in event["message"]
        running.queue.add("odd")
        await eventually(running.queue.idle)
        assert len(await told()) == 1
