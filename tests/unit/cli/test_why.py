"""why: the condition that decides, and the next step."""

from __future__ import annotations

import json
from typing import cast

import pytest

from guildnet_cli.verbs.why import DO, explain
from guildnet_cli.wire import Server
from guildnet_operator.status.reasons import Reason

from .conftest import PlayedApi, Run
from .servers import LAB, PENDING, condition

FINE = {
    Reason.READY, Reason.RUNNING, Reason.UPDATING, Reason.SETTLED, Reason.BLOCKED, Reason.AS_EXPECTED, Reason.SCHEDULED,
    Reason.NO_POD, Reason.IMAGE_PRESENT, Reason.PULLING, Reason.NOT_REQUESTED, Reason.KEPT, Reason.BOUND,
    Reason.PENDING, Reason.ROUTED, Reason.RESIZING, Reason.CURRENT, Reason.ADMITTED, Reason.WITHIN_LIMIT,
}  # fmt: skip
"""Reasons that never hold a workspace up by themselves: another condition says what does."""


def test_every_reason_of_the_operator_has_a_next_step_or_needs_none():
    assert {reason.value for reason in Reason} == set(DO) | {reason.value for reason in FINE}
    assert set(DO) & {reason.value for reason in FINE} == set()


@pytest.mark.parametrize(
    ("conditions", "decides"),
    [
        (
            [condition("Ready", "False", "Starting"), condition("Degraded", "True", "CrashLoop")],
            ("Degraded", "CrashLoop", "guildnet logs new --previous"),
        ),
        (
            [condition("Degraded", "False", "AsExpected"), condition("Ready", "False", "Unschedulable")],
            ("Ready", "Unschedulable", "guildnet edit new   (ask for less), or stop another workspace"),
        ),
        ([], ("", "Unschedulable", "guildnet edit new   (ask for less), or stop another workspace")),
        ([condition("Ready", "False", "NewReason")], ("Ready", "NewReason", "guildnet events new; guildnet doctor")),
    ],
)
def test_a_fault_comes_before_what_waits_for_it(conditions, decides):
    found = explain(cast("Server", {**PENDING, "conditions": conditions}))
    assert (found.condition, found.reason, found.do) == decides


def test_what_runs_waits_for_nothing():
    found = explain(cast("Server", {**LAB, "conditions": [condition("Ready", "True", "Ready")]}))
    assert found.do == "guildnet open lab"


@pytest.mark.usefixtures("logged_in")
def test_why_prints_cause_words_and_next_step(run: Run, api: PlayedApi):
    held = [condition("Ready", "False", "NotAnswering", "Its probe\nfails.")]
    api.on("GET /api/servers/new", {**PENDING, "conditions": held})
    lines = run("why", "new").out.splitlines()
    assert lines[:2] == ["new is pending: Ready/NotAnswering", "  Its probe fails."]
    assert lines[2].startswith("next:  guildnet logs new")
    assert json.loads(run("why", "new", "-o", "json").out)["reason"] == "NotAnswering"
