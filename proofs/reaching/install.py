"""The cluster that the proxy of the proof is told of: workspaces that lead to what is denied, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from guildnet.kube.resources import CAPABILITIES, ENDPOINTSLICES, NODES, SERVICES, WORKSPACES, Resource, path
from proofs.bench.cluster import NAMESPACE
from proofs.reaching import targets
from proofs.reaching.targets import OWN, POD, PORT, TEAM_MATES

Json = dict[str, Any]
ME: Final = "ann@example.com"
MINE, MATES, NAMED = "mine", "mates", "ward"
"""The caller's workspace, somebody else's, and one that is found by its name in DNS alone."""
RELEASE: Final = "guildnet"
RIGHTS: Final = {
    "actions": ["proxy", "list"], "subjects": [{"kind": "User", "name": ME}],
    "selector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
}  # fmt: skip
"""The caller may use every workspace that is not another team's, and what the operator of the install listed."""


def _meta(name: str, namespace: str = NAMESPACE) -> Json:
    return {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "1"}


def workspace(name: str, *, labels: Json | None = None, agent_host: str = "", service: bool = True) -> Json:
    spec: Json = {"image": "test", "ports": [{"containerPort": PORT}]}
    if agent_host:
        spec["env"] = [{"name": "AGENT_HOST", "value": agent_host}]
    status = {"phase": "Running", "serviceUID": f"service-{name}" if service else None}
    return {"metadata": _meta(name) | {"labels": labels or {}}, "spec": spec, "status": status}


def pods(name: str, *addresses: str, namespace: str = NAMESPACE) -> Json:
    """An EndpointSlice, as the workspace's own Service has one."""
    pod = {"kind": "Pod", "name": f"{name}-pod", "namespace": namespace}
    owner = {"apiVersion": "v1", "kind": "Service", "name": name, "uid": f"service-{name}"}
    return {
        "metadata": _meta(name, namespace) | {"ownerReferences": [owner]},
        "ports": [{"name": "http", "port": PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [one], "conditions": {"ready": True}, "targetRef": pod} for one in addresses],
    }


def _led() -> Iterator[tuple[Json, Json | None]]:
    """Workspaces whose AGENT_HOST or slice is to lead the proxy to what is denied."""
    for one in targets.by_workspace():
        name, _, where = one.target.partition(" ")
        if one.what == "AGENT_HOST":
            yield workspace(name, agent_host=where), None
        else:
            yield workspace(name), pods(name, where)


def objects() -> Mapping[Resource, Sequence[Json]]:
    """What is in the namespace of workspaces."""
    led = list(_led())
    ours = [workspace(MINE), workspace(MATES, labels={"team": "another"}), workspace(NAMED, service=False)]
    own_pods = [pods(MINE, POD), pods(MATES, TEAM_MATES)]
    return {
        WORKSPACES: [*ours, *(one for one, _ in led)],
        ENDPOINTSLICES: [*own_pods, *(item for _, item in led if item is not None)],
        CAPABILITIES: [{"metadata": _meta("team"), "spec": RIGHTS}],
    }


def elsewhere() -> Mapping[str, Sequence[Json]]:
    """What is the install's own and the cluster's, by the path of its list."""
    node = [{"type": "InternalIP", "address": OWN["a node"]}, {"type": "Hostname", "address": "node-1"},
            {"type": "ExternalIP", "address": OWN["a node from outside"]}]  # fmt: skip
    services = [
        {"metadata": _meta(name, RELEASE), "spec": {"clusterIP": address, "clusterIPs": [address]}}
        for name, address in (("api", OWN["the api's Service"]), ("valkey", OWN["Redis' Service"]), ("op", "None"))
    ]
    own = [("api", OWN["the api's pod"]), ("valkey", OWN["Redis' pod"]), ("operator", OWN["the operator's pod"])]
    node_1 = {"metadata": {"name": "node-1", "uid": "n", "resourceVersion": "1"}, "status": {"addresses": node}}
    return {
        path(ENDPOINTSLICES, RELEASE): [pods(name, address, namespace=RELEASE) for name, address in own],
        path(SERVICES, RELEASE): services,
        path(ENDPOINTSLICES, "default"): [
            pods("kubernetes", OWN["an API server"], OWN["another API server"], namespace="default")
        ],
        path(NODES): [node_1],
    }
