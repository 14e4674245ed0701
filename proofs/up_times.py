"""How long `make up` and `make test` take by the clock around them: a warm `up` now, records for the rest.

Only records of the very commit that is checked out count, made without uncommitted changes, and of those the last of
each kind: one that failed is no figure, but no reason to take an earlier one either.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from guildnet_local.machine import checkout
from proofs import Figure
from support.local import ROOT

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guildnet"
WARM_UP_SECONDS: Final = 60.0
BOUNDS: Final = {("up", "cold"): 480.0, ("test", "warm"): 900.0, ("test", "cold"): 2400.0}
EMPTIED: Final = f"empty {CACHE} but for times, and what pip, uv, npm and Go keep elsewhere"
HOW: Final = {
    ("up", "cold"): f"make down, {EMPTIED}, make up",
    ("test", "warm"): "make down, make test",
    ("test", "cold"): f"make down, {EMPTIED}, make test",
}
"""What makes a record, all of them in a checkout without uncommitted changes."""
Json = dict[str, Any]


def records(verb: str) -> list[Json]:
    """All runs of `verb` that were recorded, the oldest first."""
    path = CACHE / "times" / f"{verb}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def of_commit(runs: list[Json], kind: str, commit: str) -> Json | None:
    """The last of a kind that was made of this commit and nothing else, with set-up in its time."""
    found = [
        run
        for run in runs
        if run["kind"] == kind
        and commit
        and run.get("commit") == commit
        and run.get("dirty") is False
        and run.get("setup_included")
    ]
    return found[-1] if found else None


def judged(verb: str, kind: str, run: Json | None, bound: float) -> tuple[str, bool]:
    """What is to be said of it, and whether it is within its bound."""
    what = f"{kind} {verb}"
    if run is None:
        return f"{what}: no record of this commit ({HOW[verb, kind]})", False
    if not run.get("passed", True):
        return f"{what} of this commit FAILED", False
    return f"{what} {run['total']:.0f} s (≤ {bound:.0f})", run["total"] <= bound


def show(verb: str, run: Json) -> None:
    print(f"{verb}, {run['kind']}, {run['at']}: {run['total']:.0f} s")
    for phase in run["phases"]:
        print(f"    {phase['name']:<28}{phase['seconds']:>8.1f} s")


def warm_up() -> float:
    """Seconds of one `make up` without a cluster and with nothing to build: where there was something, the next one."""
    for _ in range(2):
        _make("down")
        seconds = _make("up")
        last = records("up")[-1]
        show("up", last)
        if last["kind"] == "warm":
            break
    return seconds


def _make(target: str) -> float:
    began = time.monotonic()
    subprocess.run(["make", "--no-print-directory", target], check=True, cwd=ROOT)
    return time.monotonic() - began


def prove(*, quick: bool = False) -> Figure:
    """The short form judges what it runs itself."""
    warm = warm_up()
    found = [(f"warm up {warm:.0f} s (≤ {WARM_UP_SECONDS:.0f})", warm <= WARM_UP_SECONDS)]
    commit = checkout.state(ROOT)["commit"]
    for (verb, kind), bound in () if quick else BOUNDS.items():
        run = of_commit(records(verb), kind, commit)
        if run is not None:
            show(verb, run)
        found.append(judged(verb, kind, run, bound))
    return Figure(f"{', '.join(text for text, _ in found)}; commit {commit[:12]}", all(met for _, met in found))
