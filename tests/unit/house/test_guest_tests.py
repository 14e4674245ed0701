"""The comparison behind `make show-guest-tests`: everything that can go wrong with a person's things is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.guest_tests import Guest, compared

BEFORE = Guest({"Workspace/lab": "1", "PersistentVolumeClaim/lab-storage": "2", "Pod/lab-x": "3"}, 0, "abc")


def test_what_is_the_same_is_not_told():
    assert compared(BEFORE, BEFORE) == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (replace(BEFORE, uids={**BEFORE.uids, "Workspace/lab": "4"}), ["Workspace/lab is another one"]),
        (replace(BEFORE, uids={"Workspace/lab": "1", "Pod/lab-x": "3"}), ["PersistentVolumeClaim/lab-storage is gone"]),
        (replace(BEFORE, uids={**BEFORE.uids, "Workspace/clock": "4"}), ["Workspace/clock was left behind"]),
        (replace(BEFORE, restarts=1), ["1 restarts"]),
        (replace(BEFORE, bytes="abd"), ["the file in the volume has changed"]),
    ],
)
def test_each_change_is_told(after: Guest, told: list[str]):
    assert compared(BEFORE, after) == told
