"""What the kubelet's Events say of probes: told when it goes on, in words that do not change by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet_operator.watch.probe_events import MIN_PROBE_FAILURES, parse


def event(message: str, count: int = MIN_PROBE_FAILURES, **rest: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "name": "lab-x", "uid": "uid-1"}
    return {"involvedObject": about, "reason": "Unhealthy", "message": message, "count": count, **rest}


@pytest.mark.parametrize(
    ("obj", "told"),
    [
        (event("Startup probe failed: refused", 1), False),
        (event("Startup probe failed: refused"), True),
        (event("Startup probe failed: refused", 1, series={"count": MIN_PROBE_FAILURES}), True),
        (event("Readiness probe failed: statuscode: 503"), True),
        (event("Liveness probe failed: statuscode: 503", 50), False),
    ],
    ids=["at first", "again and again", "as a series", "readiness", "liveness, which fails beside readiness"],
)
def test_a_failing_probe_is_told_when_it_goes_on(obj: dict[str, Any], told: bool):
    assert parse(obj).persists is told


def test_the_words_do_not_change_with_the_kubelets_own_port():
    texts = [f"Startup probe failed: read tcp 10.0.0.1:{port}->10.0.0.9:8080: reset" for port in (31000, 42000)]
    assert {parse(event(text)).message for text in texts} == {"Startup probe failed: read tcp 10.0.0.9:8080: reset"}
