"""Each account may do what the chart's rights.yaml says and nothing else, asked of a real API server cell by cell."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from guildnet.kube.client import Client, connect
from guildnet.kube.resources import NAMESPACES, ROLEBINDINGS, ROLES, WORKSPACES, Resource
from guildnet_operator import metrics
from guildnet_operator.app import operator
from guildnet_operator.settings import Settings
from proofs import Figure
from proofs.crash.__main__ import quiet
from support.apiserver import ApiServer, make_namespace, service_account_token
from support.chart import rendered
from support.kubelet import played_kubelet
from support.rights import ANY, accounts, allowed, rights
from support.shared import shared_apiserver
from support.waiting import eventually
from support.world import World

VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
SENSITIVE: Final = (
    ("workspaces", "secrets"), ("workspaces", "pods"), ("workspaces", "pods/exec"), ("workspaces", "pods/attach"),
    ("workspaces", "pods/portforward"), ("workspaces", "pods/proxy"), ("workspaces", "configmaps"),
    ("workspaces", "deployments.apps"), ("workspaces", "workspaces/status.guildnet.io"),
    ("workspaces", "serviceaccounts/token"), ("workspaces", "roles.rbac.authorization.k8s.io"),
    ("workspaces", "rolebindings.rbac.authorization.k8s.io"), ("release", "secrets"), ("release", "configmaps"),
    ("release", "pods"), ("release", "deployments.apps"), ("release", "workspaces.guildnet.io"),
    ("release", "roles.rbac.authorization.k8s.io"), ("elsewhere", "secrets"), ("elsewhere", "workspaces.guildnet.io"),
    ("elsewhere", "deployments.apps"), ("cluster", "nodes"), ("cluster", "namespaces"), ("cluster", "secrets"),
    ("cluster", "persistentvolumes"), ("cluster", "clusterroles.rbac.authorization.k8s.io"),
    ("cluster", "customresourcedefinitions.apiextensions.k8s.io"), ("cluster", "workspaces.guildnet.io"),
    ("cluster", "subjectaccessreviews.authorization.k8s.io"),
)  # fmt: skip
"""What is asked of every account, whether it is given to anybody or not."""
CLUSTERROLES: Final = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
BINDINGS: Final = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
KINDS: Final = {"Role": ROLES, "RoleBinding": ROLEBINDINGS, "ClusterRole": CLUSTERROLES, "ClusterRoleBinding": BINDINGS}
REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """One question: may the account do this there, to this object (`*`: to any)?"""

    account: str
    verb: str
    place: str
    resource: str
    name: str

    @property
    def wanted(self) -> bool:
        return allowed(self.account, self.verb, self.place, self.resource, self.name, tailnet=True)


def cells() -> Iterator[Cell]:
    """Every account × verb × resource that any of them has or none must have, by name and without one."""
    given = {(right.place, right.resource, right.name) for account in accounts() for right in rights(account)}
    asked = sorted({*given, *((place, resource, ANY) for place, resource in SENSITIVE)})
    for account, verb, (place, resource, name) in itertools.product(accounts(), VERBS, asked):
        yield Cell(account, verb, place, resource, name)


async def _ask(kube: Client, cell: Cell, namespaces: dict[str, str], release: str) -> bool:
    kind, _, group = cell.resource.partition(".")
    resource, _, subresource = kind.partition("/")
    attributes = {
        "namespace": namespaces[cell.place], "verb": cell.verb, "group": group, "resource": resource,
        "subresource": subresource, "name": "" if cell.name == ANY else cell.name,
    }  # fmt: skip
    spec = {
        "user": f"system:serviceaccount:{release}:guildnet-{cell.account}",
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{release}", "system:authenticated"],
        "resourceAttributes": attributes,
    }
    answer = await kube.request("POST", REVIEWS, body={"spec": spec})
    return bool(answer["status"]["allowed"])


async def _install(kube: Client, world: World) -> None:
    """The roles and bindings of the chart with a tailnet, which gives the most rights."""
    values = {"workspaces": {"namespace": world.namespace}, "tailnet": {"enabled": True}}
    for item in rendered(world.release, values):
        if item["kind"] in KINDS:
            await kube.create(KINDS[item["kind"]], item["metadata"].get("namespace"), item)


async def _asked(kube: Client, world: World) -> list[tuple[Cell, bool]]:
    namespaces = {
        "workspaces": world.namespace, "release": world.release, "cluster": "", "elsewhere": "kube-system",
    }  # fmt: skip
    places = asyncio.Semaphore(AT_ONCE)

    async def one(cell: Cell) -> tuple[Cell, bool]:
        async with places:
            return cell, await _ask(kube, cell, namespaces, world.release)

    return list(await asyncio.gather(*map(one, cells())))


async def _refused(server: ApiServer, kube: Client, world: World) -> int:
    """Requests of an operator with these rights that are refused while it does all that it can do."""
    counter = {"metadata": {"name": "guildnet-ports"}}
    await kube.request("POST", f"/api/v1/namespaces/{world.release}/configmaps", body=counter)
    token = await service_account_token(kube, world.release, "guildnet-operator")
    settings = Settings(
        kubeconfig=str(server.kubeconfig_for(token, world.namespace)), k8s_namespace=world.namespace,
        release_namespace=world.release, ops_port=0, lease_identity="the-pod", direct_exposure=True,
        workspace_network_policy=True, domain_origin="https://guildnet.example.com",
    )  # fmt: skip
    before = _refusals()
    async with played_kubelet(kube, world.namespace), operator(settings):
        exposure = {"type": "Ingress", "domain": "apps.example.com"}
        env = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "team", "key": "k", "optional": True}}}]
        await world.launch(
            "lab", image="example.com/code-server:1", storage={"size": "1Gi"}, exposure=exposure, env=env
        )
        await world.until_condition("lab", "Ready", "True")
        await world.edit("lab", image="example.com/code-server:2", exposure=None)
        await eventually(lambda: _current(world), within=20)
        await world.edit("lab", running=False)
        await world.until_condition("lab", "Stopped", "True")
        await world.edit("lab", running=True)
        await world.until_condition("lab", "Ready", "True")
        await kube.delete(WORKSPACES, world.namespace, "lab")
        await world.until_gone(WORKSPACES, "lab")
    return _refusals() - before


async def _current(world: World) -> bool:
    status = await world.status("lab")
    ready = await world.condition("lab", "Ready")
    generation = (await world.get(WORKSPACES, "lab"))["metadata"]["generation"]
    return bool(status.get("observedGeneration") == generation and ready.get("status") == "True")


def _refusals() -> int:
    registry: CollectorRegistry = metrics.REGISTRY
    samples = (sample for family in registry.collect() for sample in family.samples)
    return int(sum(
        sample.value for sample in samples
        if sample.name == "guildnet_operator_api_requests_total" and sample.labels.get("code") == "403"
    ))  # fmt: skip


async def _prove(server: ApiServer) -> tuple[list[tuple[Cell, bool]], int]:
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        namespace = await make_namespace(kube)
        release = f"{namespace}-release"
        await kube.create(NAMESPACES, None, {"metadata": {"name": release}})
        world = World(kube, namespace, release)
        await _install(kube, world)
        return await _asked(kube, world), await _refused(server, kube, world)


def prove() -> Figure:
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        found, refused = asyncio.run(_prove(server))
    wrong = [(cell, may) for cell, may in found if may != cell.wanted]
    for cell, may in wrong:
        print(f"  {cell}: {'allowed' if may else 'refused'}")
    granted = sum(may for _, may in found)
    text = (
        f"{len(found) - len(wrong)} of {len(found)} cells as designed ({granted} allowed), {len(accounts())} accounts; "
        f"{refused} requests refused of an operator with these rights alone"
    )
    return Figure(text, not wrong and len(found) >= 200 and not refused)
