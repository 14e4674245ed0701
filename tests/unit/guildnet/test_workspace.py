"""A Workspace's values: the same fields as the schema, there and back, and refusals that name the field."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from guildnet import capability, workspace
from guildnet.errors import Invalid
from guildnet.web.entries import Entry
from guildnet.workspace.origin import port_request, port_requested

CRDS = Path(__file__).parents[3] / "crds"
SPELLED_OTHERWISE = {
    "serviceDNS": "service_dns",
    "serviceIP": "service_ip",
    "serviceUID": "service_uid",
    "externalURL": "external_url",
}


def schema(name: str) -> dict[str, Any]:
    crd = yaml.safe_load((CRDS / f"guildnet.io_{name}.yaml").read_text())
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return found


def snake(camel: str) -> str:
    return SPELLED_OTHERWISE.get(camel) or "".join(f"_{c.lower()}" if c.isupper() else c for c in camel)


def schema_leaves(node: Mapping[str, Any], path: str) -> set[str]:
    """The paths of everything in a schema that has no properties of its own."""
    if node.get("type") == "array":
        return schema_leaves(node["items"], f"{path}[]")
    if "properties" not in node:
        return {path}
    return {leaf for key, child in node["properties"].items() for leaf in schema_leaves(child, f"{path}.{snake(key)}")}


def type_leaves(annotation: Any, path: str) -> set[str]:
    """The same of a Struct or a dataclass."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        (kept,) = (item for item in arguments if item is not type(None))
        return type_leaves(kept, path)
    if origin is tuple:
        return type_leaves(arguments[0], f"{path}[]")
    if origin is frozenset:
        return {f"{path}[]"}
    names = field_names(annotation)
    if not names:
        return {path}
    hints = typing.get_type_hints(annotation)
    return {leaf for name in names for leaf in type_leaves(hints[name], f"{path}.{name}")}


def field_names(annotation: Any) -> tuple[str, ...]:
    """Those of a Struct or a dataclass, none of anything else."""
    if dataclasses.is_dataclass(annotation):
        return tuple(field.name for field in dataclasses.fields(annotation))
    return getattr(annotation, "__struct_fields__", ())


def below_wire(leaves: set[str], *paths: str) -> set[str]:
    """Leaves with everything below these paths folded into one: there our types keep the wire form."""
    return {next((path for path in paths if leaf.startswith(f"{path}.")), leaf) for leaf in leaves}


def test_the_types_of_a_workspace_have_every_field_of_its_schema_and_no_other() -> None:
    properties = schema("workspaces")
    spec = below_wire(schema_leaves(properties["spec"], "spec"), "spec.env[].value_from")
    assert spec == type_leaves(workspace.WorkspaceSpec, "spec")
    assert schema_leaves(properties["status"], "status") == type_leaves(workspace.WorkspaceStatus, "status")


def test_the_types_of_a_capability_have_every_field_of_its_schema_and_no_other() -> None:
    properties = schema("capabilities")
    assert schema_leaves(properties["spec"], "spec") == type_leaves(capability.Capability, "spec") - {"spec.name"}


def test_the_values_of_enums_are_those_of_the_schema() -> None:
    from guildnet.access import Action

    assert set(schema("capabilities")["spec"]["properties"]["actions"]["items"]["enum"]) == set(Action)
    assert set(schema("workspaces")["status"]["properties"]["phase"]["enum"]) == set(workspace.Phase)


def quantities() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from(["1", "500m", "2Gi"]))


MAYBE = st.none() | st.text(min_size=1, max_size=10)
NUMBER = st.none() | st.integers(0, 65535)
TEXTS = st.lists(st.text(max_size=5), max_size=3).map(tuple)
SPECS = st.builds(
    workspace.WorkspaceSpec,
    image=st.text(min_size=1, max_size=20),
    command=TEXTS,
    args=TEXTS,
    env=st.lists(
        st.builds(
            workspace.EnvVar,
            name=st.text(min_size=1, max_size=5),
            value=st.none() | st.text(max_size=5),
            value_from=st.none() | st.just({"secretKeyRef": {"name": "s", "key": "k"}}),
        ),
        max_size=3,
    ).map(tuple),
    ports=st.lists(
        st.builds(
            workspace.Port,
            container_port=st.integers(1, 65535),
            name=MAYBE,
            path_mode=st.sampled_from(["Strip", "Preserve"]),
        ),
        max_size=3,
    ).map(tuple),
    resources=st.builds(workspace.Resources, quantities(), quantities()),
    exposure=st.none() | st.builds(workspace.Exposure, st.just("Ingress"), MAYBE, MAYBE, MAYBE),
    storage=st.none() | st.builds(workspace.Storage, st.just("1Gi"), MAYBE, MAYBE, st.booleans()),
    running=st.booleans(),
    probe=st.none() | st.builds(workspace.Probe, st.just("http"), MAYBE, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER),
    presets_ref=MAYBE,
    notes=MAYBE,
)


@given(SPECS)
def test_a_spec_comes_back_from_its_wire_form(spec: workspace.WorkspaceSpec) -> None:
    wire = {"metadata": {"name": "x"}, "spec": workspace.to_wire(spec)}
    assert workspace.parse(wire).spec == spec


def test_a_bare_workspace_without_status_is_readable() -> None:
    read = workspace.parse({"metadata": {"name": "x"}, "spec": {"image": "busybox"}})
    assert (read.name, read.spec.running, read.status, read.deleting, read.owner) == (
        "x", True, workspace.WorkspaceStatus(), False, "",
    )  # fmt: skip


def test_the_object_around_the_spec_is_read() -> None:
    read = workspace.parse(
        {
            "metadata": {
                "name": "x",
                "namespace": "ns",
                "uid": "u",
                "generation": 3,
                "resourceVersion": "77",
                "labels": {"a": "b"},
                "annotations": {"guildnet.io/owner": "ada@example.com"},
                "creationTimestamp": "2026-11-23T10:00:00Z",
                "deletionTimestamp": "2026-11-23T11:00:00Z",
            },
            "spec": {"image": "busybox", "later": {"field": 1}},
            "status": {"phase": "Hibernating", "conditions": [{"type": "Ready", "status": "True"}]},
        }
    )
    assert (read.generation, read.resource_version, read.labels, read.owner) == (3, "77", {"a": "b"}, "ada@example.com")
    assert read.created_at is not None
    assert read.created_at.isoformat() == "2026-11-23T10:00:00+00:00"
    assert read.deleting
    assert read.status.phase is None
    ready = read.status.condition("Ready")
    assert ready is not None
    assert ready.status == "True"
    assert read.status.condition("Degraded") is None


TOLERATED = {
    "null for absent": (
        {"spec": {"image": "x", "args": None, "env": [{"name": "A", "value": None}], "storage": None}, "status": None},
        workspace.WorkspaceSpec("x", env=(workspace.EnvVar("A"),)),
    ),
    "a nameless variable, stored before the schema refused it": (
        {"spec": {"image": "x", "env": [{}]}},
        workspace.WorkspaceSpec("x", env=(workspace.EnvVar(),)),
    ),
    "quantities that are numbers": (
        {"spec": {"image": "x", "resources": {"limits": {"cpu": 2}}, "storage": {"size": 5}}},
        workspace.WorkspaceSpec(
            "x", resources=workspace.Resources(limits={"cpu": "2"}), storage=workspace.Storage("5")
        ),
    ),
    "fields that nobody knows": (
        {"spec": {"image": "x", "later": [1], "ports": [{"containerPort": 1, "new": {}}]}},
        workspace.WorkspaceSpec("x", ports=(workspace.Port(1),)),
    ),
}


@pytest.mark.parametrize(("obj", "spec"), TOLERATED.values(), ids=TOLERATED)
def test_what_may_be_stored_is_read(obj: dict[str, Any], spec: workspace.WorkspaceSpec) -> None:
    read = workspace.parse({"metadata": {"name": "x", "labels": None}, **obj})
    assert (read.spec, read.status, read.labels) == (spec, workspace.WorkspaceStatus(), {})


def test_a_phase_of_a_later_version_leaves_the_rest_of_the_status() -> None:
    status = {"phase": "Hibernating", "restarts": 3, "conditions": [{"type": "Ready", "reason": None}]}
    read = workspace.parse({"metadata": {"name": "x"}, "spec": {"image": "x"}, "status": status}).status
    assert read == workspace.WorkspaceStatus(restarts=3, conditions=(workspace.Condition("Ready", "Unknown"),))


UNREADABLE = {
    "no metadata": ({"spec": {"image": "x"}}, "metadata.name"),
    "no name": ({"metadata": {}, "spec": {"image": "x"}}, "metadata.name"),
    "no spec": ({"metadata": {"name": "x"}}, "spec.image"),
    "no image": ({"spec": {}}, "spec.image"),
    "image empty": ({"spec": {"image": ""}}, "spec.image"),
    "image a number": ({"spec": {"image": 5}}, "spec.image"),
    "spec a list": ({"spec": []}, "spec"),
    "args a text": ({"spec": {"image": "x", "args": "-v"}}, "spec.args"),
    "an argument a number": ({"spec": {"image": "x", "args": ["a", 1]}}, "spec.args[1]"),
    "env an object": ({"spec": {"image": "x", "env": {"A": "b"}}}, "spec.env"),
    "env value a number": ({"spec": {"image": "x", "env": [{"name": "A", "value": 1}]}}, "spec.env[0].value"),
    "a port without number": (
        {"spec": {"image": "x", "ports": [{"containerPort": 1}, {}]}},
        "spec.ports[1].containerPort",
    ),
    "a port true": ({"spec": {"image": "x", "ports": [{"containerPort": True}]}}, "spec.ports[0].containerPort"),
    "cpu a list": ({"spec": {"image": "x", "resources": {"limits": {"cpu": []}}}}, "spec.resources.limits.cpu"),
    "storage without size": ({"spec": {"image": "x", "storage": {}}}, "spec.storage.size"),
    "probe without type": ({"spec": {"image": "x", "probe": {}}}, "spec.probe.type"),
    "running a text": ({"spec": {"image": "x", "running": "no"}}, "spec.running"),
    "label a number": ({"metadata": {"name": "x", "labels": {"a": 1}}, "spec": {"image": "x"}}, "metadata.labels.a"),
    "restarts a text": ({"spec": {"image": "x"}, "status": {"restarts": "2"}}, "status.restarts"),
    "created whenever": (
        {"metadata": {"name": "x", "creationTimestamp": "yesterday"}, "spec": {"image": "x"}},
        "metadata.creationTimestamp",
    ),
}


@pytest.mark.parametrize(("obj", "field"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused_by_its_field(obj: dict[str, Any], field: str) -> None:
    wire = obj if "metadata" in obj or field == "metadata.name" else {"metadata": {"name": "x"}, **obj}
    with pytest.raises(Invalid) as refused:
        workspace.parse(wire)
    assert [detail.field for detail in refused.value.details] == [field]
    assert field in refused.value.message


UID = "0f9c2a7e-1111-2222-3333-444455556666"


def with_origin(origin: workspace.Origin | None) -> workspace.Workspace:
    status = workspace.WorkspaceStatus(origin=origin)
    return workspace.Workspace("jupyter-abcde", "ns", UID, workspace.WorkspaceSpec("x"), status)


ORIGINS = [
    ("host", "http://guildnet.localhost:8080", None, "http://jupyter-abcde-0f9c2a7e.guildnet.localhost:8080/"),
    ("host", "https://guildnet.example", workspace.Origin(host="given"), "https://given.guildnet.example/"),
    ("port", "https://g.tailtest.example", workspace.Origin(port=20001), "https://g.tailtest.example:20001/"),
    ("port", "https://[fd7a::1]", workspace.Origin(port=20001), "https://[fd7a::1]:20001/"),
    ("port", "https://g.tailtest.example", workspace.Origin(host="x"), None),
    ("port", "https://g.tailtest.example", None, None),
    ("path", "https://guildnet.example", workspace.Origin(20001, "x"), None),
]


@pytest.mark.parametrize(("mode", "control", "origin", "url"), ORIGINS)
def test_the_own_origin_of_a_workspace_depends_on_the_entry(
    mode: Any, control: str, origin: workspace.Origin | None, url: str | None
) -> None:
    assert workspace.origin_url(with_origin(origin), Entry("e", control, mode)) == url


TWO = (workspace.Port(8080), workspace.Port(9000))
OTHERS = [
    ("host", "http://guildnet.localhost:8080", None, "http://9000-jupyter-abcde-0f9c2a7e.guildnet.localhost:8080/"),
    ("port", "https://g.tailtest.example", workspace.Origin(port=20001), None),
    (
        "port",
        "https://g.tailtest.example",
        workspace.Origin(20001, "x", (workspace.OriginPort(9000, 20007),)),
        "https://g.tailtest.example:20007/",
    ),
    ("path", "https://guildnet.example", workspace.Origin(20001, "x", (workspace.OriginPort(9000, 20007),)), None),
]


@pytest.mark.parametrize(("mode", "control", "origin", "url"), OTHERS)
def test_a_port_behind_the_first_has_an_origin_of_its_own_and_the_first_has_the_workspaces(
    mode: Any, control: str, origin: workspace.Origin | None, url: str | None
) -> None:
    made = structs.replace(with_origin(origin), spec=workspace.WorkspaceSpec("x", ports=TWO))
    entry = Entry("e", control, mode)
    assert workspace.origin_url(made, entry, 9000) == url
    assert workspace.origin_url(made, entry, 8080) == workspace.origin_url(made, entry)
    assert (workspace.first_port(made), workspace.other_ports(made)) == (8080, (9000,))


def test_an_origin_is_asked_for_by_a_key_that_says_whose() -> None:
    assert port_requested(port_request(UID, 9000)) == (UID, 9000)
    for other in ("tailnet", "port", f"port.{UID}", f"port.{UID}.0", f"port.{UID}.x", f"port.{UID}.9000.1", "port..1"):
        assert port_requested(other) is None
