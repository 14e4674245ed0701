"""The operator works with exactly the rights the chart gives it, and none of them reaches beyond its namespaces."""

from __future__ import annotations

from typing import Any

from guildnet.kube.client import Client
from guildnet.kube.resources import DEPLOYMENTS, PVCS, ROLEBINDINGS, ROLES, SECRETS, WORKSPACES
from guildnet_operator.watch.kopf_source import KopfSource
from support.apiserver import ApiServer, service_account_token
from support.chart import grant
from support.waiting import eventually
from support.world import Start, World


async def _grant_watching(kube: Client, namespace: str, account_namespace: str) -> None:
    rules = [{"apiGroups": ["guildnet.io"], "resources": ["workspaces"], "verbs": ["get", "list", "watch"]}]
    role = {"apiVersion": ROLES.api_version, "kind": "Role", "metadata": {"name": "operator"}, "rules": rules}
    await kube.create(ROLES, namespace, role)
    binding = {
        "apiVersion": ROLEBINDINGS.api_version,
        "kind": "RoleBinding",
        "metadata": {"name": "operator"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"},
        "subjects": [{"kind": "ServiceAccount", "name": "guildnet-operator", "namespace": account_namespace}],
    }
    await kube.create(ROLEBINDINGS, namespace, binding)


async def test_it_does_its_work_with_the_charts_roles_alone(
    start: Start, world: World, api_server_with_controllers: ApiServer, capsys: Any
):
    kube = world.kube
    counter = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "guildnet-ports"}}
    await kube.request("POST", f"/api/v1/namespaces/{world.release}/configmaps", body=counter)
    token = await grant(kube, "operator", release=world.release, workspaces=world.namespace)
    kubeconfig = str(api_server_with_controllers.kubeconfig_for(token, world.namespace))
    async with start(kubeconfig=kubeconfig, direct_exposure=True) as running:
        exposure = {"type": "Ingress", "domain": "apps.example.com"}
        image = "example.com/code-server:1"
        await world.launch("small", image=image, storage={"size": "1Gi"}, exposure=exposure)
        await world.run_pod("small")
        await world.until_condition("small", "Ready", "True")
        await world.edit("small", image="example.com/code-server:2", exposure=None)
        await eventually(lambda: _image(world, "small", "example.com/code-server:2"))
        for resource, name in ((PVCS, "small-storage"), (SECRETS, "small-password")):
            assert await world.find(resource, name) is not None
        await world.kube.delete(WORKSPACES, world.namespace, "small")
        await world.until_gone(DEPLOYMENTS, "small")
        assert running.cluster.workspaces.kopf.running
    said = capsys.readouterr().out
    assert "forbidden" not in said.lower()


async def test_kopf_delivers_the_events_of_a_workspace_with_the_right_to_watch_it_alone(
    world: World, api_server_with_controllers: ApiServer
):
    import asyncio

    token = await service_account_token(world.kube, world.release, "guildnet-operator")
    await _grant_watching(world.kube, world.namespace, world.release)
    kubeconfig = str(api_server_with_controllers.kubeconfig_for(token, f"{world.namespace}-kopf"))
    seen: list[str] = []
    task = asyncio.create_task(KopfSource(world.namespace, kubeconfig, _Names(seen)).run())
    try:
        await world.launch("told")
        await eventually(lambda: "told" in seen, within=15)
        seen.clear()
        await world.edit("told", notes="changed")
        await eventually(lambda: "told" in seen)
        seen.clear()
        await world.kube.delete(WORKSPACES, world.namespace, "told")
        await eventually(lambda: "told" in seen)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Names:
    """Keeps the names of the Workspaces that events are about."""

    def __init__(self, seen: list[str]) -> None:
        self._seen = seen

    def event(self, _kind: str | None, obj: Any) -> None:
        self._seen.append(obj["metadata"]["name"])

    def watching(self, *, listed: bool) -> None:
        pass

    def failed(self, message: str) -> None:
        pass

    def ended(self) -> None:
        pass


async def _image(world: World, name: str, image: str) -> bool:
    deployment = await world.get(DEPLOYMENTS, name)
    return bool(deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image)
