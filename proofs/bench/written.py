"""The files of a run in the cache: JSON with every sample, and its Markdown."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from proofs import ROOT
from proofs.bench import gates, report
from proofs.bench.lists import LIST, WORKSPACES_LISTED
from proofs.bench.peers.built import CACHE
from proofs.bench.run import Found, Plan
from proofs.bench.scenarios import SCENARIOS
from proofs.bench.still import DELAY, IDLE

NAMES: Final = {
    **{item.name: (item.what, f"CPU µs/{item.unit}") for item in SCENARIOS},
    DELAY: ("delay of a streamed chunk", "p99 ms"),
    IDLE: ("idle WebSocket", "KiB"),
    LIST: (f"list of {WORKSPACES_LISTED:,} workspaces", "CPU µs/request"),
}
"""Of each scenario its words and its unit."""


def written(plan: Plan, found: Found) -> tuple[dict[str, Any], Path]:
    """The run as a document, and the path of its JSON; the Markdown is beside it."""
    verdicts = gates.judged(found.samples, found.versions)
    text = report.markdown(verdicts, found.samples, NAMES, found.versions, found.hits)
    document = report.document(verdicts, found.samples, found.versions, found.hits, _about(plan), text)
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"{document['at'].replace(':', '').replace('-', '')}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    path.with_suffix(".md").write_text(text)
    return document, path


def _about(plan: Plan) -> dict[str, Any]:
    return {
        "kind": plan.kind,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "turns": plan.turns,
        "round_seconds": plan.seconds,
        "machine": {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "kernel": ".".join(platform.release().split(".")[:2]),
        },
    }


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
