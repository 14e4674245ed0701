"""Measures guildnet's proxy beside its peers, on loopback: make bench.

Each turn gives every proxy one round of each scenario. The proxy under load has one core, load and upstream another.
Prints Markdown; writes it and a JSON of every sample under the XDG cache directory (guildnet/bench/). A slow result is
no failure: the exit status is 1 only where guildnet never answered as it should, 2 where nothing can be measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from proofs import ROOT
from proofs.bench import gates, history, report
from proofs.bench.peers.built import CACHE
from proofs.bench.results import costs
from proofs.bench.run import FULL, QUICK, Found, NotHereError, Plan, run
from proofs.bench.scenarios import SCENARIOS
from proofs.bench.still import DELAY, IDLE

NAMES = {
    **{item.name: (item.what, f"CPU µs/{item.unit}") for item in SCENARIOS},
    DELAY: ("delay of a streamed chunk", "p99 ms"),
    IDLE: ("idle WebSocket", "KiB"),
}


def chosen(arguments: list[str] | None = None) -> tuple[Plan, bool]:
    """The plan, and whether to record the run in docs/benchmarks.md."""
    parser = argparse.ArgumentParser(
        prog="python -m proofs.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="about 90 s instead of 12 min: the peers of the gates")
    parser.add_argument("--record", action="store_true", help="add the run to docs/benchmarks.md and README.md")
    parser.add_argument("--turns", type=int, metavar="N", help=f"default {FULL.turns}")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help=f"of a round; default {FULL.seconds:g}; quick: {QUICK.seconds:g}"
    )
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    turns, seconds = asked.turns or plan.turns, asked.seconds or plan.seconds
    if not (0 < turns <= 100 and 0 < seconds <= 60):
        parser.error("a run has 1 to 100 turns of rounds of up to 60 seconds")
    return replace(plan, turns=turns, seconds=seconds), asked.record


def main() -> int:
    plan, recorded = chosen()
    try:
        found = run(plan)
    except NotHereError as error:
        print(error, file=sys.stderr)
        return 2
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return 130
    document, path = written(plan, found)
    print(f"\n{document['markdown']}\n{path}")
    if recorded:
        history.record(document)
    silent = [name for name in NAMES if costs(found.samples, name, gates.OURS) is None]
    if silent:
        print(f"guildnet has not one valid round: {', '.join(silent)}", file=sys.stderr)
    return 1 if silent else 0


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
            "python": platform.python_version(),
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


if __name__ == "__main__":
    sys.exit(main())
