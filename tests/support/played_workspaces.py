"""Workspaces in the states that the operator's own tests record, as the API would tell of them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import yaml

from support.local import ROOT
from support.played_install import ago, workspace
from support.played_ui import Json

_STATES: Final = ROOT / "tests" / "unit" / "operator" / "golden" / "status.yaml"
_VERDICT: Final = re.compile(r"(True|False|Unknown) (\w+): (.*)", re.DOTALL)
_STATUS: Final = {"Running": "running", "Failed": "failed", "Pending": "pending", "Stopped": "stopped"}
_IMAGE: Final = "example.com/app:1"
"""Of every workspace of those tests."""


@cache
def _recorded() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(_STATES.read_text())
    return found


def in_state(name: str, state: str, minutes: float = 2, **over: Any) -> Json:
    """A workspace that the operator says this of; `state` is one of the headings of the recorded states."""
    recorded = _recorded()[state]
    conditions = []
    for kind, told in recorded.items():
        if match := _VERDICT.fullmatch(told):
            # That it is to run is said first; the rest a few seconds later.
            changed = ago(minutes if kind == "Stopped" else minutes - 0.1)
            conditions.append({"type": kind, "status": match[1], "reason": match[2], "message": match[3],
                               "lastTransitionTime": changed})  # fmt: skip
    by_type = {item["type"]: item for item in conditions}
    decides = by_type["Degraded"] if by_type["Degraded"]["status"] == "True" else by_type["Ready"]
    status = _STATUS.get(recorded["phase"], "pending")
    said = {} if status == "running" else {"reason": decides["reason"], "message": decides["message"]}
    shown: Json = {"image": _IMAGE, "conditions": conditions, "events": [], **said, **over}
    return workspace(name, status, minutes, **shown)


def starting_events(name: str, minutes: float) -> list[Json]:
    """What Kubernetes tells of a start, as events."""
    pod = f"Pod/{name}-7d9f-x2c4b"
    told = [
        (f"ReplicaSet/{name}-7d9f", "SuccessfulCreate", f"Created pod: {name}-7d9f-x2c4b", 0.0),
        (pod, "Scheduled", f"Successfully assigned workspaces/{name}-7d9f-x2c4b to node-a", 0.01),
        (pod, "Pulling", f'Pulling image "{_IMAGE}"', 0.02),
        (pod, "Pulled", f'Successfully pulled image "{_IMAGE}" in 3.104s (3.104s including waiting).', 0.08),
        (pod, "Created", "Created container: main", 0.085),
        (pod, "Started", "Started container main", 0.09),
    ]
    return [
        {"t": ago(minutes - after), "type": "Normal", "reason": reason, "message": message, "object": about, "count": 1}
        for about, reason, message, after in told
    ]
