"""Create → Ready of a Workspace against a bare Deployment of the same image, alternating, median of five each."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from proofs import Figure
from support.local import NAMESPACE, Local, bring_up, workspace

ROUNDS = 5
BOUND_SECONDS = 1.0
IMAGE = "guildnet/jupyterlab:0.1.0"
SPEC: dict[str, Any] = {"ports": [{"name": "http", "containerPort": 8888, "pathMode": "Preserve"}]}


def _seconds(local: Local, kind: str, body: dict[str, Any], condition: str) -> float:
    """From just before the create to `condition`, seen in a watch that was open before the object existed."""
    name = body["metadata"]["name"]
    command = local.kubectl_command(
        "-n", NAMESPACE, "get", kind, "--field-selector", f"metadata.name={name}", "--watch", "-o", "json",
    )  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        try:
            started = time.monotonic()
            local.create(body)
            for found in _objects(watch):
                conditions = found.get("status", {}).get("conditions", [])
                if any(c["type"] == condition and c["status"] == "True" for c in conditions):
                    return time.monotonic() - started
                assert time.monotonic() - started < 120, f"{kind} {name} not {condition} within 120 s"
        finally:
            watch.terminate()
    raise AssertionError(f"the watch of {kind} {name} ended early")


def _objects(watch: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The objects of `kubectl get --watch -o json`: indented documents, one after another."""
    assert watch.stdout is not None
    text = ""
    for line in watch.stdout:
        text += line
        if line.startswith("}"):
            yield json.loads(text)
            text = ""


def _workspace_seconds(local: Local, name: str) -> float:
    local.delete_workspace(name)
    return _seconds(local, "workspace", workspace(name, IMAGE, **SPEC), "Ready")


def _twin(local: Local, name: str, like: str) -> dict[str, Any]:
    """A Deployment with the very pod template of the Workspace's own, under another name and owner."""
    template = local.get("deployment", like)["spec"]["template"]
    labels = {"app": name}
    template["metadata"] = {"labels": labels}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }  # fmt: skip


def _deployment_seconds(local: Local, body: dict[str, Any]) -> float:
    seconds = _seconds(local, "deployment", body, "Available")
    local.kubectl("-n", NAMESPACE, "delete", "deployment", body["metadata"]["name"], "--cascade=foreground")
    return seconds


def prove() -> Figure:
    bring_up()
    local = Local()
    ours: list[float] = []
    bare: list[float] = []
    for number in range(1, ROUNDS + 1):
        name = f"ready-{number}"
        ours.append(_workspace_seconds(local, name))
        body = _twin(local, f"bare-{number}", like=name)
        local.delete_workspace(name)
        bare.append(_deployment_seconds(local, body))
        print(f"  round {number}: Workspace {ours[-1]:.2f} s, bare Deployment {bare[-1]:.2f} s")
    added = median(ours) - median(bare)
    text = f"median Workspace {median(ours):.2f} s, bare Deployment {median(bare):.2f} s, added {added:+.2f} s (≤ 1)"
    return Figure(text, added <= BOUND_SECONDS)
