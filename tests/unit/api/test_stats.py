"""Workspaces by state and the starts of the last day, as one caller may see them."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet import workspace
from guildnet.workspace import Workspace
from guildnet_api.workspaces import stats

NOON = 1_795_608_000.0
"""2026-11-25T12:00:00Z."""


def ws(name: str = "a", pod: str = "p1", seconds: int | None = 4, ready: str = "True", **over: Any) -> Workspace:
    """A running workspace whose pod was ready at half past eleven."""
    return workspace.parse(
        {
            "metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": "1"},
            "spec": {"image": "x", "running": True},
            "status": {
                "phase": "Running", "podName": pod, "startupSeconds": seconds,
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-11-25T11:30:00Z"}],
                **over,
            },
        }
    )  # fmt: skip


def seen(*observed: Workspace, now: float = NOON, **allowed: Any) -> dict[str, Any]:
    starts = stats.Starts()
    for one in observed:
        starts.observe(one)
    return stats.shown({one.name: one for one in observed}.values(), starts, allowed.get("allowed"), now)


def test_a_start_is_told_once_however_often_the_workspace_changes():
    later: dict[str, Any] = {
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-25T11:59:00Z"}]
    }
    told = seen(ws(), ws(), ws(**later))
    assert told["starts"] == [{"t": "2026-11-25T11:30:00Z", "seconds": 4}]
    assert told["states"] == {"pending": 0, "running": 1, "failed": 0, "stopped": 0}


def test_each_pod_is_a_start_and_they_come_in_order():
    early: dict[str, Any] = {
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-25T09:00:00Z"}]
    }
    told = seen(ws(), ws(pod="p2", seconds=9), ws(name="b", seconds=1, **early))
    assert [start["seconds"] for start in told["starts"]] == [1, 4, 9]


@pytest.mark.parametrize(
    "never", [ws(seconds=None), ws(ready="False"), ws(pod="")], ids=["unknown", "not yet", "no pod"]
)
def test_what_has_not_started_is_no_start(never: Workspace):
    assert seen(never)["starts"] == []


def test_a_day_is_remembered_and_no_more():
    assert len(seen(ws(), now=NOON + 23 * 3600)["starts"]) == 1
    assert seen(ws(), now=NOON + 24 * 3600)["starts"] == []


def test_nothing_is_told_of_workspaces_that_the_caller_may_not_list():
    told = seen(ws(), ws(name="b", seconds=7), allowed=lambda one: one.name == "b")
    assert told["states"]["running"] == 1
    assert [start["seconds"] for start in told["starts"]] == [7]


def test_the_ring_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stats, "MAX_STARTS", 2)
    assert [start["seconds"] for start in seen(*(ws(pod=f"p{n}", seconds=n) for n in range(5)))["starts"]] == [3, 4]
