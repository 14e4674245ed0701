"""Whose an object is, and how a created field is handed over to apply."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet.workspace import Condition, Phase, WorkspaceStatus
from guildnet_operator.sync.managed_fields import other_manager, takeover
from guildnet_operator.sync.ownership import Owner, owner_of
from guildnet_operator.sync.status_writer import urgent
from unit.operator.values import NAME, UID


def _owner(uid: str = UID, name: str = NAME, kind: str = "Workspace", group: str = "guildnet.io", **more):
    return {"apiVersion": f"{group}/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": True} | more


LEFT = {"annotations": {"guildnet.io/workspace-uid": "other"}, "labels": {"guildnet.io/managed": "true"}}


@pytest.mark.parametrize(
    ("kind", "metadata", "owner"),
    [
        pytest.param("Service", {"ownerReferences": [_owner()]}, Owner.OURS, id="controlled by this uid"),
        pytest.param("Service", {}, Owner.STRANGER, id="no owner"),
        pytest.param("Service", {"labels": {"guildnet.io/managed": "true"}}, Owner.STRANGER, id="labels prove nothing"),
        pytest.param("Service", {"ownerReferences": [_owner(controller=False)]}, Owner.STRANGER, id="not controlled"),
        pytest.param("Service", {"ownerReferences": [_owner(uid="other")]}, Owner.PREDECESSOR, id="earlier workspace"),
        pytest.param(
            "Service", {"ownerReferences": [_owner(uid="other", name="else")]}, Owner.STRANGER, id="other workspace"
        ),
        pytest.param(
            "Service", {"ownerReferences": [_owner(uid="other", group="x.io")]}, Owner.STRANGER, id="other group"
        ),
        pytest.param(
            "PersistentVolumeClaim", {"annotations": {"guildnet.io/workspace-uid": UID}}, Owner.OURS, id="retained"
        ),
        pytest.param(
            "PersistentVolumeClaim",
            {"annotations": {"guildnet.io/workspace-uid": "other"}},
            Owner.STRANGER,
            id="retained for another",
        ),
        pytest.param("PersistentVolumeClaim", LEFT, Owner.OURS, id="left by an earlier one"),
        pytest.param(
            "PersistentVolumeClaim",
            {**LEFT, "annotations": {**LEFT["annotations"], "guildnet.io/owner": "alice"}},
            Owner.STRANGER,
            id="left by an earlier one of somebody else",
        ),
        pytest.param("PersistentVolumeClaim", {**LEFT, "labels": {}}, Owner.STRANGER, id="made by no operator"),
        pytest.param(
            "PersistentVolumeClaim", {**LEFT, "annotations": {}}, Owner.STRANGER, id="whose workspace is not known"
        ),
        pytest.param(
            "PersistentVolumeClaim",
            {**LEFT, "ownerReferences": [_owner(uid="other")]},
            Owner.PREDECESSOR,
            id="that goes with an earlier one",
        ),
        pytest.param("Service", LEFT, Owner.STRANGER, id="only claims are found again"),
        pytest.param(
            "Service",
            {"annotations": {"guildnet.io/workspace-uid": UID}},
            Owner.STRANGER,
            id="only claims are retained",
        ),
        pytest.param(
            "PersistentVolumeClaim",
            {"annotations": {"guildnet.io/workspace-uid": UID}, "ownerReferences": [_owner(uid="x", kind="App")]},
            Owner.STRANGER,
            id="controlled by something else",
        ),
    ],
)
def test_the_owner_of_an_object(kind, metadata, owner):
    assert owner_of(kind, {"metadata": metadata}, name=NAME, uid=UID) is owner


def test_a_claim_is_found_again_by_the_one_who_left_it():
    theirs = {**LEFT, "annotations": {**LEFT["annotations"], "guildnet.io/owner": "alice"}}
    for owner, found in (("alice", Owner.OURS), ("bob", Owner.STRANGER), ("", Owner.STRANGER)):
        kind = "PersistentVolumeClaim"
        assert owner_of(kind, {"metadata": theirs}, name=NAME, uid=UID, owner=owner) is found


def _entry(operation: str, fields: dict[str, Any], manager: str = "guildnet-operator", **more):
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields} | more


def test_what_was_created_becomes_what_was_applied():
    other = _entry("Update", {"f:status": {}}, manager="kube-controller-manager")
    mine = _entry("Update", {"f:spec": {"f:a": {}}})
    patch = takeover({"metadata": {"resourceVersion": "9", "managedFields": [mine, other]}})
    assert patch is not None
    (fields, version) = patch
    assert fields["value"] == [other, {**mine, "operation": "Apply"}]
    assert version["value"] == "9"


def test_what_was_created_and_applied_is_united():
    created, applied = _entry("Update", {"f:spec": {"f:a": {}}}), _entry("Apply", {"f:spec": {"f:b": {}}})
    patch = takeover({"metadata": {"resourceVersion": "9", "managedFields": [created, applied]}})
    assert patch is not None
    assert patch[0]["value"][0]["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {}}}


def test_an_object_that_was_applied_before_needs_no_takeover():
    status = _entry("Update", {"f:status": {}}, subresource="status")
    assert takeover({"metadata": {"managedFields": [_entry("Apply", {}), status]}}) is None
    assert takeover({"metadata": {}}) is None


CONTAINER: dict[str, Any] = {
    "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"workspace"}': {".": {}, "f:image": {}}}}}}
}
PORT: dict[str, Any] = {"f:spec": {"f:ports": {'k:{"port":8080,"protocol":"TCP"}': {".": {}, "f:name": {}}}}}
LABEL: dict[str, Any] = {"f:metadata": {"f:labels": {".": {}, "f:guildnet.io/managed": {}}}}
REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}


@pytest.mark.parametrize(
    ("fields", "field", "owns"),
    [
        (REPLICAS, "spec.replicas", True),
        (REPLICAS, "spec.replicasX", False),
        (REPLICAS, "spec.paused", False),
        (LABEL, "metadata.labels.guildnet.io/managed", True),
        (LABEL, "metadata.labels.guildnet.io/id", False),
        (CONTAINER, "spec.template.spec.containers[workspace].image", True),
        (CONTAINER, "spec.template.spec.containers[other].image", False),
        (PORT, "spec.ports[8080].name", True),
        (PORT, "spec.ports[8443]", False),
    ],
)
def test_who_else_owns_a_field(fields: dict[str, Any], field: str, owns: bool):
    mine = _entry("Apply", fields, time="2026-01-09T00:00:00Z")
    status = _entry("Update", fields, manager="controller", subresource="status", time="2026-01-08T00:00:00Z")
    last = _entry("Update", {"f:spec": {"f:other": {}}}, manager="last", time="2026-01-07T00:00:00Z")
    before = _entry("Update", fields, manager="before", time="2026-01-01T00:00:00Z")
    owner = _entry("Update", fields, manager="owner", subresource="scale", time="2026-01-02T00:00:00Z")
    live = {"metadata": {"managedFields": [mine, status, owner, last, before]}}
    assert other_manager(live, field) == ("owner" if owns else "last")


def test_nobody_else_has_written():
    assert other_manager({"metadata": {"managedFields": [_entry("Apply", REPLICAS)]}}, "spec.replicas") == ""
    assert other_manager({"metadata": {}}, "spec.replicas") == ""


def _status(phase: Phase | None, **conditions: str) -> WorkspaceStatus:
    return WorkspaceStatus(phase=phase, conditions=tuple(Condition(kind, value) for kind, value in conditions.items()))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (_status(None), _status(Phase.PENDING, Ready="False"), False),
        (_status(None), _status(Phase.FAILED, Degraded="True"), True),
        (_status(Phase.PENDING, Ready="False"), _status(Phase.RUNNING, Ready="True"), True),
        (_status(Phase.RUNNING, Ready="True"), _status(Phase.PENDING, Ready="False"), True),
        (_status(Phase.PENDING, Ready="False"), _status(Phase.PENDING, Ready="False", Scheduled="True"), False),
        (_status(Phase.RUNNING, Degraded="False"), _status(Phase.RUNNING, Degraded="True"), True),
    ],
)
def test_only_what_somebody_waits_for_is_written_at_once(old, new, expected):
    assert urgent(old, new) is expected
