"""The CRDs as a real API server enforces them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from guildnet import capability, workspace
from guildnet.errors import Invalid
from guildnet.kube.client import Client
from guildnet.kube.resources import CAPABILITIES, CRDS, WORKSPACES, Resource

FULL: dict[str, Any] = {
    "metadata": {"name": "full-abcde", "annotations": {"guildnet.io/owner": "ada@example.com"}},
    "spec": {
        "image": "ghcr.io/acme/jupyterlab:4.6",
        "command": ["/bin/start"],
        "args": ["--base-url=$(GUILDNET_BASE_PATH)"],
        "env": [
            {"name": "PLAIN", "value": "yes"},
            {"name": "EMPTY", "value": ""},
            {"name": "BARE"},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
            {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        ],
        "ports": [
            {"containerPort": 8888, "name": "http", "protocol": "TCP", "pathMode": "Preserve"},
            {"containerPort": 9000, "name": "p-9000"},
            {"containerPort": 9001},
        ],
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": 2, "memory": "1Gi"}},
        "exposure": {
            "type": "Ingress",
            "domain": "apps.example.com",
            "ingressClass": "nginx",
            "tlsIssuer": "letsencrypt",
        },
        "storage": {"size": "10Gi", "storageClassName": "fast", "mountPath": "/home/user", "retain": True},
        "running": False,
        "probe": {
            "type": "http",
            "path": "/healthz",
            "port": 8888,
            "initialDelaySeconds": 0,
            "periodSeconds": 5,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
            "startupSeconds": 600,
        },
        "presetsRef": "jupyterlab",
        "notes": "for the course",
    },
}
MINIMAL: dict[str, Any] = {"metadata": {"name": "minimal-abcde"}, "spec": {"image": "busybox"}}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The minimal Workspace with one thing different."""
    body = copy.deepcopy(MINIMAL)
    *parents, last = path.split(".")
    target = body
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value
    return body


async def refusal(kube: Client, resource: Resource, namespace: str, body: dict[str, Any]) -> Invalid:
    with pytest.raises(Invalid) as caught:
        await kube.create(resource, namespace, body)
    return caught.value


def reasons(error: Invalid, field: str) -> list[str]:
    found = [detail.reason for detail in error.details if detail.field == field]
    assert found, f"{field} is not named in {error.details}"
    return found


async def test_a_full_workspace_is_accepted_and_read_back_as_it_was_written(kube: Client, namespace: str) -> None:
    created = await kube.create(WORKSPACES, namespace, FULL)
    read = workspace.parse(created)
    assert workspace.to_wire(read.spec)["ports"][1] == {
        "containerPort": 9000,
        "name": "p-9000",
        "protocol": "TCP",
        "pathMode": "Strip",
    }
    again = {"metadata": {"name": "again-abcde"}, "spec": workspace.to_wire(read.spec)}
    assert workspace.parse(await kube.create(WORKSPACES, namespace, again)).spec == read.spec
    assert read.owner == "ada@example.com"


async def test_a_minimal_workspace_gets_its_defaults_from_the_schema(kube: Client, namespace: str) -> None:
    read = workspace.parse(await kube.create(WORKSPACES, namespace, MINIMAL))
    assert read.spec == workspace.WorkspaceSpec(image="busybox", running=True)


SIXTEEN = [{"containerPort": 8000 + n, "name": f"n{n}"} for n in range(17)]
REFUSED = {
    "name starts with a digit": ("metadata.name", "1abc", "metadata.name", "start with a letter"),
    "name with a dot": ("metadata.name", "a.b", "metadata.name", "lower case letters, digits and dashes"),
    "name of 64": ("metadata.name", "a" * 64, "metadata.name", "63"),
    "image empty": ("spec.image", "", "spec.image", "at least 1 char"),
    "image of 513": ("spec.image", "a" * 513, "spec.image", "512"),
    "image with a blank": ("spec.image", "a b", "spec.image", "registry/repository:tag"),
    "image in capitals": ("spec.image", "Guildnet/Jupyter", "spec.image", "lower case"),
    "image with two tags": ("spec.image", "a:b:c", "spec.image", "registry/repository:tag"),
    "image a number": ("spec.image", 5, "spec.image", "string"),
    "env without a name": ("spec.env", [{}], "spec.env[0].name", "Required value"),
    "env name empty": ("spec.env", [{"name": ""}], "spec.env[0].name", "at least 1 char"),
    "env name with a dash": ("spec.env", [{"name": "A-B"}], "spec.env[0].name", "should match"),
    "env twice": ("spec.env", [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], "spec.env[1]", "Duplicate"),
    "env with two sources": (
        "spec.env",
        [{"name": "A", "value": "1", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        "spec.env[0]",
        "remove one of them",
    ),
    "env from nothing": ("spec.env", [{"name": "A", "valueFrom": {}}], "spec.env[0].valueFrom", "exactly one source"),
    "env from a secret without key": (
        "spec.env",
        [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}],
        "spec.env[0].valueFrom.secretKeyRef.key",
        "Required value",
    ),
    "port 0": ("spec.ports", [{"containerPort": 0}], "spec.ports[0].containerPort", "greater than or equal to 1"),
    "port 65536": ("spec.ports", [{"containerPort": 65536}], "spec.ports[0].containerPort", "65535"),
    "port missing": ("spec.ports", [{"name": "http"}], "spec.ports[0].containerPort", "Required value"),
    "port twice": ("spec.ports", [{"containerPort": 80}, {"containerPort": 80}], "spec.ports[1]", "Duplicate"),
    "two equal port names": (
        "spec.ports",
        [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}],
        "spec.ports",
        "same name twice",
    ),
    "port with the name of a nameless one": (
        "spec.ports",
        [{"containerPort": 80}, {"containerPort": 81, "name": "p-80"}],
        "spec.ports[1].name",
        "use another name",
    ),
    "port name in capitals": (
        "spec.ports",
        [{"containerPort": 80, "name": "HTTP"}],
        "spec.ports[0].name",
        "lower case",
    ),
    "port name without a letter": ("spec.ports", [{"containerPort": 80, "name": "80"}], "spec.ports[0].name", "letter"),
    "port name of 16": ("spec.ports", [{"containerPort": 80, "name": "a" * 16}], "spec.ports[0].name", "15"),
    "protocol UDP": ("spec.ports", [{"containerPort": 80, "protocol": "UDP"}], "spec.ports[0].protocol", "TCP"),
    "path mode": ("spec.ports", [{"containerPort": 80, "pathMode": "Keep"}], "spec.ports[0].pathMode", "Preserve"),
    "seventeen ports": ("spec.ports", SIXTEEN, "spec.ports", "at most 16 items"),
    "cpu not a quantity": ("spec.resources.requests", {"cpu": "lots"}, "spec.resources.requests.cpu", "should match"),
    "cpu negative": ("spec.resources.limits", {"cpu": "-1"}, "spec.resources.limits.cpu", "should match"),
    "request above limit": (
        "spec.resources",
        {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}},
        "spec.resources",
        "lower resources.requests",
    ),
    "exposure type": ("spec.exposure", {"type": "NodePort"}, "spec.exposure.type", "LoadBalancer"),
    "domain without Ingress": ("spec.exposure", {"domain": "a.example"}, "spec.exposure.domain", "set exposure.type"),
    "class without Ingress": ("spec.exposure", {"ingressClass": "nginx"}, "spec.exposure.ingressClass", "set exposure"),
    "issuer with LoadBalancer": (
        "spec.exposure",
        {"type": "LoadBalancer", "tlsIssuer": "x"},
        "spec.exposure.tlsIssuer",
        "set exposure.type",
    ),
    "domain with a scheme": (
        "spec.exposure",
        {"type": "Ingress", "domain": "https://a.example"},
        "spec.exposure.domain",
        "DNS name",
    ),
    "storage without size": ("spec.storage", {"retain": True}, "spec.storage.size", "Required value"),
    "storage of nothing": ("spec.storage", {"size": "0"}, "spec.storage.size", "above zero"),
    "storage size as text": ("spec.storage", {"size": "big"}, "spec.storage.size", "should match"),
    "mount path relative": (
        "spec.storage",
        {"size": "1Gi", "mountPath": "home"},
        "spec.storage.mountPath",
        "absolute path",
    ),
    "mount path root": ("spec.storage", {"size": "1Gi", "mountPath": "//"}, "spec.storage.mountPath", "absolute path"),
    "mount path with dots": (
        "spec.storage",
        {"size": "1Gi", "mountPath": "/home/../etc"},
        "spec.storage.mountPath",
        "absolute path",
    ),
    "mount path with a colon": (
        "spec.storage",
        {"size": "1Gi", "mountPath": "/home:ro"},
        "spec.storage.mountPath",
        "absolute path",
    ),
    "probe type": ("spec.probe", {"type": "exec"}, "spec.probe.type", "http"),
    "probe without type": ("spec.probe", {"path": "/"}, "spec.probe.type", "Required value"),
    "probe path relative": ("spec.probe", {"type": "http", "path": "x"}, "spec.probe.path", "must begin with '/'"),
    "probe path for tcp": ("spec.probe", {"type": "tcp", "path": "/"}, "spec.probe.path", "type http only"),
    "probe port for none": ("spec.probe", {"type": "none", "port": 80}, "spec.probe.port", "type none"),
    "probe port 0": ("spec.probe", {"type": "tcp", "port": 0}, "spec.probe.port", "greater than or equal to 1"),
    "notes of 4097": ("spec.notes", "n" * 4097, "spec.notes", "4096"),
    "running as text": ("spec.running", "yes", "spec.running", "boolean"),
    "unknown field": ("spec.iamge", "x", "spec.iamge", "unknown field"),
}


@pytest.mark.parametrize(("path", "value", "field", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_bad_workspace_is_refused_with_the_field_named(
    kube: Client, namespace: str, path: str, value: Any, field: str, words: str
) -> None:
    error = await refusal(kube, WORKSPACES, namespace, changed(path, value))
    assert words in " ".join(reasons(error, field))
    assert field in error.message


async def test_a_workspace_without_an_image_is_refused(kube: Client, namespace: str) -> None:
    error = await refusal(kube, WORKSPACES, namespace, {"metadata": {"name": "no-image"}, "spec": {}})
    assert [detail.field for detail in error.details] == ["spec.image"]


async def test_storage_can_grow_but_neither_shrink_nor_change_its_class(kube: Client, namespace: str) -> None:
    await kube.create(WORKSPACES, namespace, changed("spec.storage", {"size": "2Gi", "storageClassName": "a"}))

    async def patch(storage: dict[str, Any]) -> None:
        await kube.merge_patch(WORKSPACES, namespace, "minimal-abcde", {"spec": {"storage": storage}})

    await patch({"size": "3Gi"})
    with pytest.raises(Invalid, match="cannot shrink"):
        await patch({"size": "1Gi"})
    with pytest.raises(Invalid, match="storageClassName cannot change"):
        await patch({"storageClassName": "b"})


async def test_a_growth_that_was_refused_can_be_taken_back(kube: Client, namespace: str) -> None:
    await kube.create(WORKSPACES, namespace, changed("spec.storage", {"size": "2Gi"}))

    async def grow(size: str) -> None:
        await kube.merge_patch(WORKSPACES, namespace, "minimal-abcde", {"spec": {"storage": {"size": size}}})

    async def say(reason: str) -> None:
        condition = {"type": "StorageReady", "status": "False", "reason": reason, "message": "no"}
        status = {"conditions": [{**condition, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
        await kube.merge_patch(WORKSPACES, namespace, "minimal-abcde", {"status": status}, subresource="status")

    await grow("3Gi")
    await say("Pending")
    with pytest.raises(Invalid, match="cannot shrink"):
        await grow("2Gi")
    await say("GrowthRefused")
    await grow("2Gi")


async def test_status_is_a_subresource_and_its_conditions_are_a_map(kube: Client, namespace: str) -> None:
    await kube.create(WORKSPACES, namespace, {**MINIMAL, "status": {"phase": "Running"}})
    fresh = workspace.parse(await kube.get(WORKSPACES, namespace, "minimal-abcde"))
    assert fresh.status == workspace.WorkspaceStatus()
    said = workspace.WorkspaceStatus(
        observed_generation=1,
        phase=workspace.Phase.RUNNING,
        ready_replicas=1,
        service_dns=f"minimal-abcde.{namespace}.svc",
        service_ip="10.96.0.7",
        service_uid="11111111-2222-3333-4444-555555555555",
        external_url="https://minimal.example.com/",
        url="https://guildnet.example.com:20001/",
        proxy_target=f"http://minimal-abcde.{namespace}.svc:8080",
        origin=workspace.Origin(port=20001, host="minimal-abcde-11111111"),
        node="node-1",
        pod_name="minimal-abcde-x",
        restarts=2,
        last_error="none to speak of",
        conditions=(
            workspace.Condition("Ready", "True", "PodReady", "it answers", "2026-11-23T10:00:00Z", 1),
            workspace.Condition("Scheduled", "True", "PodScheduled", "", "2026-11-23T10:00:00Z", 1),
        ),
    )
    body = {"status": workspace.status_to_wire(said)}
    await kube.merge_patch(WORKSPACES, namespace, "minimal-abcde", body, subresource="status")
    stored = await kube.get(WORKSPACES, namespace, "minimal-abcde")
    assert workspace.parse(stored).status == said
    # What is unset goes away again, and writing the same changes nothing.
    less = workspace.WorkspaceStatus(observed_generation=1, phase=workspace.Phase.STOPPED)
    body = {"status": workspace.status_to_wire(less)}
    first = await kube.merge_patch(WORKSPACES, namespace, "minimal-abcde", body, subresource="status")
    again = await kube.merge_patch(WORKSPACES, namespace, "minimal-abcde", body, subresource="status")
    assert workspace.parse(first).status == less
    assert first["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    twice = [
        {"type": "Ready", "status": "True", "reason": "A", "message": "", "lastTransitionTime": "2026-11-23T10:00:00Z"}
    ]
    with pytest.raises(Invalid, match="Duplicate"):
        await kube.merge_patch(
            WORKSPACES, namespace, "minimal-abcde", {"status": {"conditions": twice * 2}}, subresource="status"
        )


async def test_kubectl_get_shows_the_columns_of_the_contract(kube: Client, namespace: str) -> None:
    found = await kube.get(CRDS, None, "workspaces.guildnet.io")
    version = found["spec"]["versions"][0]
    columns = [(column["name"], column.get("priority", 0)) for column in version["additionalPrinterColumns"]]
    assert columns == [
        ("Phase", 0), ("Ready", 0), ("Image", 0), ("URL", 0), ("Age", 0), ("Owner", 1), ("Files", 1),
            ("Node", 1), ("Reason", 1),
    ]  # fmt: skip
    assert found["status"]["acceptedNames"]["shortNames"] == ["ws"]


CAPABILITY: dict[str, Any] = {
    "metadata": {"name": "builders"},
    "spec": {
        "actions": ["launch", "delete", "stopAll", "readLogs", "proxy", "start", "stop", "update", "list"],
        "selector": {
            "matchLabels": {"team": "blue"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "frozen", "operator": "DoesNotExist"},
            ],
        },
        "subjects": [{"kind": "User", "name": "ada@example.com"}, {"kind": "Tag", "name": "tag:ci"}, {"kind": "Any"}],
        "constraints": {"allowedImages": ["ghcr.io/acme"], "allowedPorts": [8080, 8888], "maxConcurrent": 2},
    },
}


async def test_a_full_capability_is_accepted_and_understood(kube: Client, namespace: str) -> None:
    read = capability.parse(await kube.create(CAPABILITIES, namespace, CAPABILITY))
    assert len(read.actions) == 9
    assert read.subjects is not None
    assert read.subjects[2].kind == "Any"
    assert read.constraints == capability.Constraints(("ghcr.io/acme",), (8080, 8888), 2)


REFUSED_CAPABILITIES = {
    "no action": ({"actions": []}, "spec.actions", "at least 1 items"),
    "actions missing": ({}, "spec.actions", "Required value"),
    "unknown action": ({"actions": ["fly"]}, "spec.actions[0]", "launch"),
    "action twice": ({"actions": ["proxy", "proxy"]}, "spec.actions[1]", "Duplicate"),
    "In without values": (
        {"actions": ["proxy"], "selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
        "spec.selector.matchExpressions[0].values",
        "add values",
    ),
    "Exists with values": (
        {"actions": ["proxy"], "selector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}},
        "spec.selector.matchExpressions[0].values",
        "add values",
    ),
    "unknown operator": (
        {"actions": ["proxy"], "selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
        "spec.selector.matchExpressions[0].operator",
        "NotIn",
    ),
    "user without a name": ({"actions": ["proxy"], "subjects": [{"kind": "User"}]}, "spec.subjects[0].name", "needed"),
    "any with a name": (
        {"actions": ["proxy"], "subjects": [{"kind": "Any", "name": "x"}]},
        "spec.subjects[0].name",
        "not used by Any",
    ),
    "unknown kind": (
        {"actions": ["proxy"], "subjects": [{"kind": "Robot", "name": "x"}]},
        "spec.subjects[0].kind",
        "Tag",
    ),
    "no workspace at all": (
        {"actions": ["proxy"], "constraints": {"maxConcurrent": 0}},
        "spec.constraints.maxConcurrent",
        "greater than or equal to 1",
    ),
    "port 0": (
        {"actions": ["proxy"], "constraints": {"allowedPorts": [0]}},
        "spec.constraints.allowedPorts[0]",
        "greater than or equal to 1",
    ),
}


@pytest.mark.parametrize(("spec", "field", "words"), REFUSED_CAPABILITIES.values(), ids=REFUSED_CAPABILITIES)
async def test_a_bad_capability_is_refused_with_the_field_named(
    kube: Client, namespace: str, spec: dict[str, Any], field: str, words: str
) -> None:
    error = await refusal(kube, CAPABILITIES, namespace, {"metadata": {"name": "bad"}, "spec": spec})
    assert words in " ".join(reasons(error, field))
