"""What an install puts into every pod besides: read strictly, behind what a Workspace says itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guildnet.workspace import Workspace
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.extras import CA_ENV, CA_FILE, canonical, changes
from guildnet_operator.plan.manifests import pod_template
from guildnet_operator.plan.plan import PodSettings, Policy
from unit.operator.values import workspace


def template(found: Workspace | None = None, *, ca: str = "", **extras: Any) -> dict[str, Any]:
    pod = PodSettings(extras=canonical(json.dumps(extras)), ca_configmap=ca)
    return pod_template(decide(found or workspace(), Policy(pod=pod)))


def test_alike_contents_are_alike_texts_and_nothing_is_no_text():
    assert canonical('{"b": 1}'.replace("b", "hostUsers")) == '{"hostUsers":1}'
    assert canonical('{"env": [], "labels": {}, "priorityClassName": "", "hostUsers": null}') == ""
    assert canonical("") == canonical(" ") == canonical("{}") == ""
    assert canonical('{"hostUsers": false, "labels": {"a": "b"}}') == canonical(
        '{"labels":{"a":"b"},"hostUsers":false}'
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"nodeselector": {}}', "unknown key 'nodeselector'"),
        ('{"env": {"A": "b"}}', "env is not a list of objects"),
        ('{"tolerations": ["x"]}', "tolerations is not a list of objects"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str):
    with pytest.raises(ValueError, match=said):
        canonical(text)


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("nodeSelector", "nodeSelector", {"pool": "gpu"}),
        ("affinity", "affinity", {"nodeAffinity": {"x": []}}),
        ("topologySpread", "topologySpreadConstraints", [{"maxSkew": 1}]),
        ("priorityClassName", "priorityClassName", "low"),
        ("runtimeClassName", "runtimeClassName", "gvisor"),
        ("hostUsers", "hostUsers", False),
        ("terminationGracePeriodSeconds", "terminationGracePeriodSeconds", 60),
    ],
)
def test_a_field_of_the_pod_is_there_and_without_a_word_not(key: str, field: str, value: Any):
    assert template(**{key: value})["spec"][field] == value
    assert field not in template()["spec"]


def test_tolerations_are_added():
    given = {"key": "gpu", "operator": "Exists"}
    assert template(tolerations=[given])["spec"]["tolerations"][1:] == [given]


def test_ours_stay_among_labels_and_annotations():
    found = workspace(annotations={"guildnet.io/restarted-at": "then"})
    made = template(found, labels={"team": "x", "guildnet.io/managed": "false"}, annotations={"a": "b"})["metadata"]
    assert made["labels"]["team"] == "x"
    assert made["labels"]["guildnet.io/managed"] == "true"
    assert made["annotations"] == {"a": "b", "guildnet.io/restarted-at": "then"}


def test_a_variable_that_the_workspace_sets_is_the_workspaces():
    found = workspace(env=[{"name": "TZ", "value": "Europe/Berlin"}])
    env = template(
        found, env=[{"name": "TZ", "value": "UTC"}, {"name": "MODE", "value": "x"}, {"name": "PORT", "value": "1"}]
    )
    values = [(item["name"], item.get("value")) for item in env["spec"]["containers"][0]["env"]]
    assert ("TZ", "Europe/Berlin") in values
    assert ("MODE", "x") in values
    assert ("PORT", "8080") in values
    assert len(values) == len(dict(values))


def test_volumes_come_behind_the_workspaces_own():
    found = workspace(storage={"size": "1Gi"})
    spec = template(found, volumes=[{"name": "d"}], volumeMounts=[{"name": "d", "mountPath": "/d"}])["spec"]
    assert [item["name"] for item in spec["volumes"]] == ["storage", "d"]
    assert [item["name"] for item in spec["containers"][0]["volumeMounts"]] == ["storage", "d"]


@pytest.mark.parametrize(
    ("own", "requests", "limits"),
    [
        ({}, {"cpu": "100m", "memory": "256Mi"}, {"memory": "1Gi"}),
        ({"limits": {"memory": "128Mi"}}, {"cpu": "100m"}, {"memory": "128Mi"}),
        ({"requests": {"memory": "4Gi"}}, {"cpu": "100m", "memory": "4Gi"}, {}),
    ],
)
def test_amounts_are_for_what_it_does_not_say_itself(own: dict[str, Any], requests: Any, limits: Any):
    """A request of the install above a limit of the Workspace's, or the other way round, would be refused."""
    given = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    made = template(workspace(resources=own), resources=given)["spec"]["containers"][0]["resources"]
    assert made.get("requests", {}) == requests
    assert made.get("limits", {}) == limits


def test_authorities_are_mounted_and_named():
    spec = template(ca="guildnet-workspace-ca")["spec"]
    container = spec["containers"][0]
    assert spec["volumes"] == [{"name": "guildnet-ca", "configMap": {"name": "guildnet-workspace-ca"}}]
    assert container["volumeMounts"][0]["mountPath"] == "/etc/guildnet/ca"
    assert {item["name"] for item in container["env"] if item.get("value") == CA_FILE} == set(CA_ENV)


def test_changes_are_told_by_key():
    before, after = canonical('{"hostUsers": false, "labels": {"a": "b"}}'), canonical('{"labels": {"a": "c"}}')
    assert changes(before, after) == ("hostUsers none instead of false", 'labels {"a":"c"} instead of {"a":"b"}')
    assert changes(before, before) == ()
