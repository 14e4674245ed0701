"""Measures guildnet's proxy beside its peers, on loopback: make bench.

Each turn gives every proxy one round of each scenario. The proxy under load has one core, load and upstream another.
Prints Markdown; writes it and a JSON of every sample under the XDG cache directory (guildnet/bench/). A slow result is
no failure: the exit status is 1 only where guildnet never answered as it should, 2 where nothing can be measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace

from proofs.bench import gates, history
from proofs.bench.results import costs
from proofs.bench.run import FULL, QUICK, NotHereError, Plan, run
from proofs.bench.written import NAMES, written


def chosen(arguments: list[str] | None = None) -> tuple[Plan, bool]:
    """The plan, and whether to record the run in docs/benchmarks.md."""
    parser = argparse.ArgumentParser(
        prog="python -m proofs.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="about 100 s instead of 12 min: the peers of the gates")
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


if __name__ == "__main__":
    sys.exit(main())
