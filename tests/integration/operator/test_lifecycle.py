"""From a Workspace to its children and back, on a real API server with real controllers."""

from __future__ import annotations

from typing import Any

from guildnet.kube.resources import CONFIGMAPS, DEPLOYMENTS, EVENTS, INGRESSES, PVCS, SECRETS, SERVICES, WORKSPACES
from support.waiting import eventually
from support.world import Start, World, Writes


async def test_a_workspace_gets_its_children_and_is_ready_with_its_pod(start: Start, world: World, writes: Writes):
    async with start():
        created = await world.launch("one")
        deployment = await world.until(DEPLOYMENTS, "one")
        service = await world.until(SERVICES, "one")
        for child in (deployment, service):
            (owner,) = child["metadata"]["ownerReferences"]
            assert (owner["uid"], owner["controller"]) == (created["metadata"]["uid"], True)
        await world.run_pod("one")
        ready = await world.until_condition("one", "Ready", "True")
        status = await world.status("one")
    assert ready["observedGeneration"] == 1
    assert status["phase"] == "Running"
    assert status["readyReplicas"] == 1
    assert status["serviceUID"] == service["metadata"]["uid"]
    assert status["serviceIP"] == service["spec"]["clusterIP"]
    assert status["proxyTarget"] == f"http://one.{world.namespace}.svc:8080"
    label = f"one-{created['metadata']['uid'][:8]}"
    assert status["origin"] == {"host": label}
    assert status["url"] == f"http://{label}.guildnet.localhost:8080/"
    assert status["node"] == "node-1"
    about = "involvedObject.name=one,involvedObject.kind=Workspace"
    described = await world.kube.list(EVENTS, world.namespace, field_selector=about)
    assert [item["reason"] for item in described["items"]] == ["Ready"]
    of_the_workspace = [path for _, path in writes.without_events if "configmaps" not in path]
    assert len(of_the_workspace) <= 4, of_the_workspace


async def test_stopping_keeps_everything_but_the_pod_and_starting_brings_it_back(start: Start, world: World):
    async with start():
        await world.launch("rest")
        await world.run_pod("rest")
        await world.until_condition("rest", "Ready", "True")
        before = await world.status("rest")
        await world.edit("rest", running=False)
        await world.until_condition("rest", "Stopped", "False", "Stopping")
        await world.until_no_pods("rest")
        stopped = await world.until_condition("rest", "Stopped", "True")
        assert stopped["observedGeneration"] == 2
        status = await world.status("rest")
        assert (status["phase"], status["origin"]) == ("Stopped", before["origin"])
        assert status["serviceIP"] == before["serviceIP"]
        await world.edit("rest", running=True)
        await world.run_pod("rest")
        await world.until_condition("rest", "Ready", "True")
        assert (await world.status("rest"))["url"] == before["url"]


async def test_a_changed_spec_reaches_the_children_and_what_it_no_longer_says_goes(start: Start, world: World):
    async with start():
        env = [{"name": "KEPT", "value": "1"}, {"name": "DROPPED", "value": "2"}]
        ports = [{"containerPort": 3000, "name": "web"}, {"containerPort": 4000}]
        await world.launch("change", env=env, ports=ports, args=["--old"])
        await world.until(DEPLOYMENTS, "change")
        await world.edit("change", env=env[:1], ports=ports[:1], args=None, image="example.com/app:2")

        async def followed() -> bool:
            container = await _container(world, "change")
            service = await world.get(SERVICES, "change")
            assert container["image"] == "example.com/app:2"
            assert [item["name"] for item in container["env"]] == ["KEPT", "PORT"]
            assert "args" not in container
            assert [port["containerPort"] for port in container["ports"]] == [3000]
            assert [port["port"] for port in service["spec"]["ports"]] == [3000]
            return True

        await eventually(followed)


async def test_a_restart_asked_for_rolls_the_pod_once(start: Start, world: World):
    async with start():
        await world.launch("again")
        first = await world.run_pod("again")
        await world.until_condition("again", "Ready", "True")
        annotations = {"metadata": {"annotations": {"guildnet.io/restarted-at": "2026-11-24T10:00:00Z"}}}
        await world.kube.merge_patch(WORKSPACES, world.namespace, "again", annotations)
        await world.until_condition("again", "Ready", "False")

        async def replaced() -> bool:
            await world.kill_pods("again")
            return [pod["metadata"]["uid"] for pod in await world.pods("again")] not in ([], [first["metadata"]["uid"]])

        await eventually(replaced, within=20)
        await world.run_pod("again")
        await world.until_condition("again", "Ready", "True")
        assert (await world.get(DEPLOYMENTS, "again"))["metadata"]["generation"] == 2


async def test_a_child_that_is_deleted_is_made_again(start: Start, world: World):
    async with start():
        await world.launch("heal")
        for resource in (SERVICES, DEPLOYMENTS):
            lost = (await world.until(resource, "heal"))["metadata"]["uid"]
            await world.kube.delete(resource, world.namespace, "heal")

            async def back(resource: Any = resource, lost: str = lost) -> bool:
                found = await world.find(resource, "heal")
                return found is not None and found["metadata"]["uid"] != lost

            await eventually(back, within=15)
        service = await world.get(SERVICES, "heal")
        await eventually(lambda: _serves(world, "heal", service["metadata"]["uid"]))


async def test_a_child_that_is_edited_is_put_right(start: Start, world: World):
    async with start():
        await world.launch("edited")
        await world.until(DEPLOYMENTS, "edited")
        await world.until(SERVICES, "edited")
        await world.kube.merge_patch(DEPLOYMENTS, world.namespace, "edited", {"spec": {"replicas": 3}})
        await world.kube.merge_patch(
            SERVICES, world.namespace, "edited", {"spec": {"selector": {"guildnet.io/workspace": "other"}}}
        )

        async def right() -> bool:
            deployment, service = await world.get(DEPLOYMENTS, "edited"), await world.get(SERVICES, "edited")
            selector = service["spec"]["selector"]["guildnet.io/workspace"]
            return (deployment["spec"]["replicas"], selector) == (1, "edited")

        await eventually(right)


async def test_deleting_takes_the_children_along_but_not_a_retained_claim(start: Start, world: World):
    async with start():
        await world.launch("gone", image="example.com/code-server:1", storage={"size": "1Gi"})
        await world.launch("kept", storage={"size": "1Gi", "retain": True})
        await world.until(PVCS, "gone-storage")
        await world.until(SECRETS, "gone-password")
        claim = await world.until(PVCS, "kept-storage")
        assert "ownerReferences" not in claim["metadata"]
        for name in ("gone", "kept"):
            await world.until(DEPLOYMENTS, name)
            await world.kube.delete(WORKSPACES, world.namespace, name)
        for resource, name in (
            (DEPLOYMENTS, "gone"),
            (SERVICES, "gone"),
            (SECRETS, "gone-password"),
            (DEPLOYMENTS, "kept"),
        ):
            await world.until_gone(resource, name)
        assert (await world.get(PVCS, "kept-storage"))["metadata"]["uid"] == claim["metadata"]["uid"]


async def test_a_workspace_of_a_deleted_ones_name_waits_for_its_leftovers_and_is_another_origin(
    start: Start, world: World
):
    entries = {"metadata": {"name": "guildnet-entries"}, "data": {"tailnet": "g.ts.example"}}
    await world.kube.create(CONFIGMAPS, world.release, entries)
    async with start():
        await world.launch("twice")
        old = await eventually(lambda: _origin(world, "twice"))
        await world.kube.delete(WORKSPACES, world.namespace, "twice")
        successor = await world.launch("twice")
        uid = successor["metadata"]["uid"]

        async def own() -> bool:
            found = await world.find(DEPLOYMENTS, "twice")
            return found is not None and found["metadata"]["ownerReferences"][0]["uid"] == uid

        await eventually(own, within=30)
        selector = (await world.until(SERVICES, "twice"))["spec"]["selector"]
        assert selector["guildnet.io/workspace-uid"] == uid, "the Service would lead to the pod of the deleted one"
        await world.run_pod("twice")
        await world.until_condition("twice", "Ready", "True")
        new = await _origin(world, "twice")
    assert new is not None
    assert new["host"] != old["host"]
    assert new["port"] > old["port"]


async def test_an_ingress_that_is_no_longer_wanted_is_taken_away(start: Start, world: World):
    async with start(direct_exposure=True):
        await world.launch("out", exposure={"type": "Ingress", "domain": "apps.example.com"})
        found = await world.until(INGRESSES, "out")
        assert found["spec"]["rules"][0]["host"] == "out.apps.example.com"
        await world.edit("out", exposure=None)
        await world.until_gone(INGRESSES, "out")


async def test_the_tailnet_name_becomes_the_url_as_soon_as_the_proxy_publishes_it(start: Start, world: World):

    async with start():
        await world.launch("tail")
        await world.run_pod("tail")
        await world.until_condition("tail", "Ready", "True")
        entries = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "guildnet-entries"},
            "data": {"tailnet": "guildnet.tailtest.example"},
        }
        await world.kube.create(CONFIGMAPS, world.release, entries)

        async def moved() -> bool:
            status = await world.status("tail")
            return bool(status["url"] == f"https://guildnet.tailtest.example:{status['origin'].get('port')}/")

        await eventually(moved)


async def _container(world: World, name: str) -> dict[str, Any]:
    deployment = await world.get(DEPLOYMENTS, name)
    container: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return container


async def _serves(world: World, name: str, uid: str) -> bool:
    return (await world.status(name)).get("serviceUID") == uid


async def _origin(world: World, name: str) -> dict[str, Any] | None:
    return (await world.status(name)).get("origin")
