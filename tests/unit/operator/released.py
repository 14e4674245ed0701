"""What released versions made of a Workspace: files that hold the input next to the pod template it led to.

A file is complete in itself, so that a later version renders the same input whatever its own tests look like by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.manifests import deployment
from guildnet_operator.plan.plan import PodSettings, Policy
from unit.operator.values import workspace

ROOT = Path(__file__).parent / "golden" / "released"
CHANGELOG = Path(__file__).parents[3] / "CHANGELOG.md"
_HEADING = re.compile(r"^## (\d+\.\d+\.\d+)(.*)$", re.MULTILINE)

RESTARTED = "2026-11-24T10:00:00Z"
CASES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "stopped": ({"running": False}, {}),
    "restarted": ({"annotations": {"guildnet.io/restarted-at": RESTARTED}}, {}),
    "code-server": ({"image": "guildnet/code-server:1"}, {"pod": {"pull_secret": "pull"}}),
    "jupyterlab": (
        {
            "image": "guildnet/jupyterlab:1",
            "args": ["--ServerApp.base_url=$(GUILDNET_BASE_PATH)"],
            "ports": [{"containerPort": 8888, "name": "http", "pathMode": "Preserve"}],
            "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
            "storage": {"size": "10Gi", "storageClassName": "fast", "retain": True},
        },
        {},
    ),
    "everything-said": (
        {
            "command": ["/bin/app"],
            "args": ["--verbose"],
            "env": [
                {"name": "EMPTY", "value": ""},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
            ],
            "ports": [{"containerPort": 8443, "name": "https"}, {"containerPort": 9000}],
            "probe": {
                "type": "http", "path": "/healthz", "initialDelaySeconds": 5, "periodSeconds": 2, "timeoutSeconds": 3,
                "failureThreshold": 4,
            },
            "storage": {"size": "1Gi", "mountPath": "/data"},
        },
        {"pod": {"tolerate_control_plane": False}},
    ),
    "no-probe": ({"probe": {"type": "none"}}, {}),
    "tcp-probe": ({"probe": {"type": "tcp", "port": 9000}, "ports": [{"containerPort": 9000}]}, {}),
}  # fmt: skip
"""Name → (spec and annotations of the Workspace, what the install's policy says otherwise), for the next version."""


def versions() -> dict[str, bool]:
    """The versions of the changelog, newest first, and whether each was released."""
    return {version: "unreleased" not in rest for version, rest in _HEADING.findall(CHANGELOG.read_text())}


def record(name: str) -> str:
    """The file of one of `CASES`, as the present code renders it. It holds the whole policy: defaults may change."""
    given, differs = CASES[name]
    policy = asdict(_policy(differs))
    policy["pod"]["http_probe_images"] = list(policy["pod"]["http_probe_images"])
    template = rendered(given, policy)
    return yaml.safe_dump({"workspace": given, "policy": policy, "template": template}, sort_keys=False, width=120)


def rendered(given: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """The pod template of a Workspace under a policy as a file has them."""
    template: dict[str, Any] = deployment(decide(workspace(**given), _policy(policy)))["spec"]["template"]
    return template


def _policy(words: Mapping[str, Any]) -> Policy:
    whole = _with_tuples(words)
    whole["pod"] = PodSettings(**_with_tuples(words.get("pod", {})))
    return Policy(**whole)


def _with_tuples(words: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}
