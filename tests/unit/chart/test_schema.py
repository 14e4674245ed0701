"""values.schema.json knows exactly the keys of values.yaml, refuses any other, and says which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from unit.chart.rendered import CHART, MATRIX, RefusedError, Render

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
BY_HELM = {"global"}  # put in by Helm itself


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return resolved(SCHEMA["$defs"][reference.rpartition("/")[2]]) if reference else schema


def objects(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object of the values that has keys of its own, with its path."""
    schema = resolved(schema)
    if "properties" in schema:
        yield path, schema
        for key, below in schema["properties"].items():
            if key not in BY_HELM:
                yield from objects(below, (*path, key))


OBJECTS = dict(objects(SCHEMA))


def at(path: tuple[str, ...]) -> Any:
    value: Any = VALUES
    for key in path:
        value = value[key]
    return value


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return value


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: ".".join(path) or "top")
def test_schema_and_values_have_the_same_keys(path):
    optional = {"claims"} if path[-1:] == ("resources",) else set()
    assert set(OBJECTS[path]["properties"]) - BY_HELM - optional == set(at(path))


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: ".".join(path) or "top")
def test_an_unknown_key_is_refused_by_name(path):
    with pytest.raises(jsonschema.ValidationError, match="unheardOf"):
        jsonschema.validate(nested(path, {"unheardOf": 1}), SCHEMA)


def test_helm_refuses_what_the_schema_refuses(render: Render):
    with pytest.raises(RefusedError, match=r"'/api': additional properties 'replica' not allowed"):
        render({"api": {"replica": 2}})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"log": {"level": "loud"}}, "/log/level"),
        ({"opsPort": 0}, "/opsPort"),
        ({"access": {"default": "anyone"}}, "/access/default"),
        ({"operator": {"leaseSeconds": 1}}, "/operator/leaseSeconds"),
        ({"valkey": {"replicas": 2}}, "/valkey/replicas"),
        ({"entries": {"domain": {"origin": "guildnet.example.com"}}}, "/entries/domain/origin"),
        ({"entries": {"domain": {"origin": "https://guildnet.example.com/"}}}, "/entries/domain/origin"),
        ({"tailnet": {"tags": ["web"]}}, "/tailnet/tags/0"),
        ({"proxy": {"allowedTargets": ["10.0.0.1"]}}, "/proxy/allowedTargets/0"),
        ({"api": {"image": {"digest": "abc"}}}, "/api/image/digest"),
        ({"api": {"extraEnv": [{"value": "x"}]}}, "/api/extraEnv/0"),
        ({"presets": [{"label": "X"}]}, "/presets/0"),
        ({"presets": [{"label": "X", "image": "x", "port": 1}]}, "/presets/0"),
        ({"workspaces": {"podSecurity": "privileged"}}, "/workspaces/podSecurity"),
        ({"redis": {"url": "http://x"}}, "/redis/url"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(render: Render, values, said):
    with pytest.raises(RefusedError, match=said):
        render(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"workspaces": {"namespace": "guildnet"}}, "need a namespace of their own"),
        ({"tailnet": {"enabled": True}, "proxy": {"replicas": 2}}, "set proxy.replicas: 1"),
        ({"api": {"replicas": 2}, "valkey": {"enabled": False}}, "without Redis"),
        ({"proxy": {"transport": "api-server", "disableApiProxy": True}}, "set it to false"),
        ({"entries": {"local": {"origin": ""}}}, "there is no way in"),
        ({"redis": {"url": "redis://x"}}, "set valkey.enabled: false"),
        (
            {"workspaces": {"ingress": {"domain": "guildnet.localhost"}}},
            "set workspaces.ingress.domain to",
        ),
        (
            {
                "entries": {"domain": {"origin": "https://g.example.com:8443"}},
                "workspaces": {"ingress": {"domain": "g.example.com"}},
            },
            "is the host of entries.domain.origin",
        ),
        ({"entries": {"domain": {"ingress": {"enabled": True}}}}, "set entries.domain.origin"),
        (
            {"entries": {"domain": {"origin": "https://x.example.com", "httpRoute": {"enabled": True}}}},
            "set entries.domain.httpRoute.parentRefs",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_the_way_out(render: Render, values, said):
    with pytest.raises(RefusedError, match=said):
        render(values)


def test_every_value_has_its_reason_above_it_or_is_one_of_the_components_common_keys():
    lines = (CHART / "values.yaml").read_text().splitlines()
    common = {"image", "replicas", "resources", "extraEnv", "nodeSelector", "tolerations", "affinity", "topologySpread",
              "priorityClassName", "podAnnotations", "podLabels", "podSecurityContext", "securityContext",
              "serviceAccount", "podDisruptionBudget", "annotations", "labels", "enabled"}  # fmt: skip
    top = [n for n, line in enumerate(lines) if line and line[0].isalpha()]
    bare = []
    for number in top:
        key = lines[number].split(":")[0]
        block = lines[number : next((n for n in top if n > number), len(lines))]
        commented = "#" in lines[number - 1] or any("#" in line for line in block[:2])
        if not commented and key not in common:
            bare.append(key)
    assert bare == []


def test_the_matrix_is_accepted(render: Render):
    for values in MATRIX.values():
        render(values)
