"""What alerts and dashboards ask: how many workspaces are in which phase, and what is wrong with how many."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from guildnet.workspace import Workspace
from guildnet_operator import metrics
from guildnet_operator.port_allocator import LAST_PORT, PortAllocator
from unit.operator.values import workspace


@pytest.fixture(autouse=True)
def nobody_elses():
    yield
    metrics.follow_workspaces(tuple, lambda: 0)


def shown() -> list[str]:
    return generate_latest(metrics.REGISTRY).decode().splitlines()


def being(phase: str, reason: str = "") -> Workspace:
    conditions = [{"type": "Degraded", "status": "True" if reason else "False", "reason": reason or "Fine"}]
    return workspace(status={"phase": phase, "conditions": conditions})


def test_workspaces_are_counted_by_phase_and_by_what_is_wrong():
    found = [
        being("Running"),
        being("Running", "CrashLoop"),
        being("Failed", "CrashLoop"),
        being("Failed", "OutOfMemory"),
    ]
    metrics.follow_workspaces(lambda: found, lambda: 7)
    lines = shown()
    assert 'guildnet_operator_workspaces{phase="Running"} 2.0' in lines
    assert 'guildnet_operator_workspaces{phase="Failed"} 2.0' in lines
    assert 'guildnet_operator_workspaces{phase="Stopped"} 0.0' in lines
    assert 'guildnet_operator_workspaces_degraded{reason="CrashLoop"} 2.0' in lines
    assert 'guildnet_operator_workspaces_degraded{reason="OutOfMemory"} 1.0' in lines
    assert "guildnet_operator_ports_left 7.0" in lines


def test_a_reason_that_went_is_not_shown_any_more():
    metrics.follow_workspaces(lambda: [being("Running", "CrashLoop")], lambda: 0)
    assert any("CrashLoop" in line for line in shown())
    metrics.follow_workspaces(lambda: [being("Running")], lambda: 0)
    assert not any("CrashLoop" in line for line in shown())


def test_one_without_a_status_is_pending():
    metrics.follow_workspaces(lambda: [workspace()], lambda: 0)
    assert 'guildnet_operator_workspaces{phase="Pending"} 1.0' in shown()


def test_ports_left_follow_what_workspaces_have():
    ports = PortAllocator(None, "guildnet", "ports", base=20000)  # type: ignore[arg-type]
    assert ports.left == LAST_PORT + 1 - 20000
    ports.seen([20000, 20009])
    assert ports.left == LAST_PORT - 20009
    ports.seen([LAST_PORT])
    assert ports.left == 0
