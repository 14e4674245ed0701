"""What the kubelet's Events say of probes: told when it goes on, in words that do not change by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet_operator.watch.pod_events import MIN_PROBE_FAILURES, About, parse


def event(message: str, count: int = MIN_PROBE_FAILURES, **rest: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "name": "lab-x", "uid": "uid-1"}
    return {"involvedObject": about, "reason": "Unhealthy", "message": message, "count": count} | rest


@pytest.mark.parametrize(
    ("obj", "told"),
    [
        (event("Startup probe failed: refused", 1), False),
        (event("Startup probe failed: refused"), True),
        (event("Startup probe failed: refused", 1, series={"count": MIN_PROBE_FAILURES}), True),
        (event("Readiness probe failed: statuscode: 503"), True),
        (event("Startup probe failed: refused", MIN_PROBE_FAILURES - 1), False),
        (event("mount failed", 2, reason="FailedMount"), False),
        (event("mount failed", 3, reason="FailedMount"), True),
        (event("map failed", 3, reason="FailedMapVolume"), True),
        (event("Multi-Attach error", 1, reason="FailedAttachVolume"), True),
        (event("cni failed", 2, reason="FailedCreatePodSandBox"), False),
        (event("cni failed", 3, reason="FailedCreatePodSandBox"), True),
        (event("0/1 nodes are available", 99, reason="FailedScheduling"), False),
    ],
    ids=[
        "at first", "again and again", "as a series", "readiness", "not yet", "a mount at first", "a mount", "a map",
        "a volume another node has", "a sandbox at first", "a sandbox", "what the pod says itself",
    ],
)  # fmt: skip
def test_what_goes_on_is_told(obj: dict[str, Any], told: bool):
    assert parse(obj).persists is told


@pytest.mark.parametrize(
    ("obj", "about", "last"),
    [
        (event("Liveness probe failed: 503", 1, lastTimestamp="2026-01-01T00:00:00Z"), About.LIVENESS,
         "2026-01-01T00:00:00Z"),
        (event("Readiness probe failed: 503", series={"count": 2, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}),
         About.PROBE, "2026-01-01T00:00:00.000000Z"),
        (event("Startup probe failed: 503", eventTime="2026-01-02T00:00:00.000000Z"), About.PROBE,
         "2026-01-02T00:00:00.000000Z"),
        (event("no", reason="FailedMount"), About.VOLUME, ""),
    ],
)  # fmt: skip
def test_what_a_warning_is_about_and_when_it_was_said_last(obj: dict[str, Any], about: About, last: str):
    found = parse(obj)
    assert (found.about, found.last, found.pod_uid) == (about, last, "uid-1")


def test_the_words_do_not_change_with_the_kubelets_own_port():
    texts = [f"Startup probe failed: read tcp 10.0.0.1:{port}->10.0.0.9:8080: reset" for port in (31000, 42000)]
    assert {parse(event(text)).message for text in texts} == {"Startup probe failed: read tcp 10.0.0.9:8080: reset"}
