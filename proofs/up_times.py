"""How long `make up` and `make test` took, phase by phase: the last runs, and a warm `down` + `up` now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from proofs import Figure
from support.local import ROOT

TIMES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guildnet" / "times"
BOUNDS = {("up", "cold"): 20 * 60, ("up", "warm"): 90, ("test", "cold"): 60 * 60, ("test", "warm"): 20 * 60}


def recorded(verb: str) -> dict[str, dict[str, Any]]:
    """The last complete run of `verb` of each kind, cold and warm."""
    path = TIMES / f"{verb}.jsonl"
    if not path.exists():
        return {}
    runs = [json.loads(line) for line in path.read_text().splitlines()]
    return {run["kind"]: run for run in runs if run.get("passed", True)}


def show(verb: str, run: dict[str, Any]) -> None:
    print(f"{verb}, {run['kind']}, {run['at']}: {run['total']:.0f} s")
    for phase in run["phases"]:
        print(f"    {phase['name']:<28}{phase['seconds']:>8.1f} s")


def prove() -> Figure:
    for command in ("down", "up"):
        subprocess.run([sys.executable, "-m", "guildnet_local", command], check=True, cwd=ROOT)
    parts, met = [], True
    for (verb, kind), bound in BOUNDS.items():
        run = recorded(verb).get(kind)
        if run is None:
            parts.append(f"{kind} {verb} not recorded yet")
            met = False
            continue
        show(verb, run)
        parts.append(f"{kind} {verb} {run['total']:.0f} s (≤ {bound})")
        met = met and run["total"] <= bound
    return Figure(", ".join(parts), met)
