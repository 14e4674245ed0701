"""The volume of a workspace: never asked to shrink, told of while it grows, and what a stop does to its files."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.manifests import persistent_volume_claim
from guildnet_operator.plan.plan import Policy
from guildnet_operator.plan.volumes import no_smaller
from guildnet_operator.status.conditions import storage_ready
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Problem
from guildnet_operator.status.volume import files
from unit.operator.values import NAME, UID, snapshot, workspace

STORED = workspace(storage={"size": "10Gi"})


def claim(asked: str | None, **status: Any) -> dict[str, Any]:
    requests = {"storage": asked} if asked else {}
    return {"metadata": {"name": f"{NAME}-storage"}, "spec": {"resources": {"requests": requests}}, "status": status}


@pytest.mark.parametrize(
    ("asked", "size"),
    [("20Gi", "20Gi"), ("10240Mi", "10Gi"), ("10Gi", "10Gi"), ("5Gi", "10Gi"), ("11G", "11G"), (None, "10Gi")],
)
def test_no_less_is_asked_for_than_is_there(asked, size):
    plan = no_smaller(decide(STORED, Policy()), claim(asked))
    assert plan.claim is not None
    assert plan.claim.size == size


def test_where_there_is_no_claim_or_none_is_wanted_nothing_changes():
    for plan, live in ((decide(STORED, Policy()), None), (decide(workspace(), Policy()), claim("20Gi"))):
        assert no_smaller(plan, live) == plan


def test_a_claim_says_whose_it_is():
    plan = decide(workspace(storage={"size": "1Gi"}, annotations={"guildnet.io/owner": "alice"}), Policy())
    manifest = persistent_volume_claim(plan)
    assert manifest is not None
    assert manifest["metadata"]["annotations"] == {"guildnet.io/workspace-uid": UID, "guildnet.io/owner": "alice"}
    nobodys = persistent_volume_claim(decide(STORED, Policy()))
    assert nobodys is not None
    assert nobodys["metadata"]["annotations"] == {"guildnet.io/workspace-uid": UID}


def _condition(kind: str, message: str = "", status: str = "True") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "message": message}]}


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        pytest.param({}, "Bound", "is bound", id="as asked for"),
        pytest.param(_condition("Resizing"), "Resizing", "grows from 5Gi to 10Gi.", id="it grows"),
        pytest.param(_condition("Resizing", status="False"), "Bound", "is bound", id="it grew"),
        pytest.param(
            _condition("FileSystemResizePending"), "Resizing", "its file system follows at the next start",
            id="the file system is to follow",
        ),
        *(
            pytest.param(
                _condition(kind, "quota of the pool."), "ResizeFailed",
                "cannot grow from 5Gi to 10Gi: quota of the pool. It keeps the size", id=kind,
            )
            for kind in ("ControllerResizeError", "NodeResizeError", "ModifyVolumeError")
        ),
        pytest.param(_condition("NodeResizeError"), "ResizeFailed", "no details", id="without words"),
    ],
)  # fmt: skip
def test_a_claim_that_grows(status, reason, words):
    live = {"status": {"phase": "Bound", "capacity": {"storage": "5Gi"}, **status}}
    verdict = storage_ready(snapshot(STORED, changed={"PersistentVolumeClaim": live}))
    assert (verdict.status, verdict.reason) == ("True", reason)
    assert words in verdict.message


def test_a_growth_that_failed_is_told_before_one_that_goes_on():
    conditions = [*_condition("Resizing")["conditions"], *_condition("ControllerResizeError", "no")["conditions"]]
    live = {"status": {"phase": "Bound", "conditions": conditions}}
    verdict = storage_ready(snapshot(STORED, changed={"PersistentVolumeClaim": live}))
    assert verdict.reason == Reason.RESIZE_FAILED
    assert "from its size to 10Gi" in verdict.message


@pytest.mark.parametrize(
    ("found", "phase", "word"),
    [
        pytest.param(workspace(), None, "lost on stop", id="no volume"),
        pytest.param(STORED, "Bound", "kept", id="bound"),
        pytest.param(STORED, "Pending", "kept", id="on its way"),
        pytest.param(STORED, "Lost", "lost on stop", id="its volume is gone"),
    ],
)
def test_what_becomes_of_the_files_in_one_word(found, phase, word):
    changed = {"PersistentVolumeClaim": {"status": {"phase": phase}}} if phase else None
    assert files(snapshot(found, changed=changed)) == word


def test_a_claim_that_is_not_there_yet_promises_nothing():
    assert files(snapshot(STORED, without=("PersistentVolumeClaim",))) is None
    taken = Problem(Reason.NAME_TAKEN, "PersistentVolumeClaim", f"{NAME}-storage")
    assert files(snapshot(STORED, without=("PersistentVolumeClaim", "Deployment"), problems=(taken,))) is None


def test_the_claim_of_an_earlier_spec_keeps_nothing_that_is_written_now():
    assert files(snapshot(workspace(), claim=claim("1Gi", phase="Bound"))) == "lost on stop"
