"""Small wrong changes of the modules that decide, each of which a unit test has to notice.

`python -m proofs.mutants [--all] [MODULE …]` plays every change instead of a sample, or those of some modules.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proofs import PYTHON_PATH, ROOT, Figure
from proofs.mutating import accepted
from proofs.mutating.coverage import Coverage, merged
from proofs.mutating.operators import Mutant, mutants
from proofs.mutating.targets import TARGETS, TESTS, source_of

SAMPLE: Final = 60
"""Changes played of a module that has more; which ones hangs on the module's name alone."""
ENOUGH: Final = 0.95
"""Share of the changes of each module that a test has to notice, those accepted as equivalent left out."""
QUICK: Final = ("guildnet_proxy.rewrite.cookies",)
"""The module of the short form."""
MIN_SECONDS: Final = 30.0
TIMES: Final = 20.0
"""A mutant may take this many times as long as its tests did, and at least MIN_SECONDS."""
UNCHANGED: Final = -1


Outcomes = dict[int, dict[str, Any]]
"""By a mutant's number; what is wrong with the runs themselves has numbers below 0."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the mutants of one module."""

    module: str
    mutants: list[Mutant]
    outcomes: Outcomes
    accepted: frozenset[int]
    seconds: float

    def ended(self, *endings: str) -> list[Mutant]:
        return [mutant for mutant in self.mutants if self.outcomes[mutant.number]["ending"] in endings]

    @property
    def killed(self) -> list[Mutant]:
        return self.ended("killed", "slow")

    @property
    def survivors(self) -> list[Mutant]:
        return [mutant for mutant in self.ended("survived") if mutant.number not in self.accepted]

    @property
    def share(self) -> float:
        judged = len(self.killed) + len(self.survivors)
        return len(self.killed) / judged if judged else 1.0

    @property
    def problems(self) -> list[str]:
        return [f"{self.module}: {o['by']}" for o in self.outcomes.values() if o["ending"] == "broken"]


def prove(*, quick: bool = False) -> Figure:
    """Met when in every module enough of the sampled changes are noticed, and no accepted one is out of date."""
    return run(QUICK if quick else TARGETS, everything=False)


def run(modules: Sequence[str], *, everything: bool) -> Figure:
    began = time.monotonic()
    coverage = _covered()
    if coverage.failed:
        return Figure(f"the tests fail without any change: {', '.join(coverage.failed[:5])}", met=False)
    print(f"  {len(coverage.seconds)} tests pass without a change, and reach {len(coverage.lines)} modules", flush=True)
    entries = accepted.read()
    of_module = {module: mutants(module, source_of(module).read_text()) for module in TARGETS}
    chosen = {module: chosen_of(module, of_module[module], everything=everything) for module in modules}
    known = {entry.key for entry in entries}
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = list(pool.map(lambda module: _played(module, chosen[module], coverage, known), modules))
    return _figure(results, entries, of_module, time.monotonic() - began)


def chosen_of(module: str, found: list[Mutant], *, everything: bool) -> list[Mutant]:
    """The changes that are played, in their order."""
    if everything or len(found) <= SAMPLE:
        return found
    sample = random.Random(module).sample(found, SAMPLE)
    return sorted(sample, key=lambda mutant: mutant.number)


def _covered() -> Coverage:
    """One traced run for each half of the tests, side by side."""
    environment = {**os.environ, "PYTHONPATH": PYTHON_PATH}
    halves = (list(TESTS[:2]), list(TESTS[2:]))
    with tempfile.TemporaryDirectory() as directory:
        files = [Path(directory) / f"{number}.json" for number in range(len(halves))]
        commands = [
            [sys.executable, "-m", "proofs.mutating.coverage", str(file), *tests]
            for file, tests in zip(files, halves, strict=True)
        ]
        running = [
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for command in commands
        ]
        for file, process in zip(files, running, strict=True):
            said, _ = process.communicate()
            if process.returncode not in (0, 1) or not file.exists():
                raise RuntimeError(f"the tests could not be run:\n{said.decode()[-4000:]}")
        return merged(files)


def _played(module: str, chosen: list[Mutant], coverage: Coverage, known: set[Any]) -> Result:
    """The mutants of one module: those inside functions quickly, then the rest and the survivors whole."""
    began = time.monotonic()
    tests = {mutant.number: _tests(coverage, mutant) for mutant in chosen}
    outcomes: Outcomes = {mutant.number: {"ending": "survived", "by": "no test reaches it"} for mutant in chosen}
    inside = [mutant.number for mutant in chosen if not mutant.at_import and tests[mutant.number]]
    broken = _play("quick", module, inside, tests, coverage, outcomes)
    undecided = {"survived", "unswappable"}
    left = [number for number, names in tests.items() if names and outcomes[number]["ending"] in undecided]
    broken += _play("whole", module, left, tests, coverage, outcomes)
    outcomes |= {UNCHANGED - at: {"ending": "broken", "by": words} for at, words in enumerate(broken)}
    taken = frozenset(mutant.number for mutant in chosen if mutant.key in known)
    result = Result(module, chosen, outcomes, taken, time.monotonic() - began)
    _report(result)
    return result


def _play(
    how: str, module: str, numbers: list[int], tests: dict[int, list[str]], coverage: Coverage, outcomes: Outcomes
) -> list[str]:
    """Note what becomes of these; what is wrong with the runs themselves. The module as it is goes first and last,
    with all of the tests, and has to survive."""
    if not numbers:
        return []
    all_tests = sorted(set().union(*(tests[number] for number in numbers)))
    plays = [(number, tests[number], _limit(tests[number], coverage)) for number in numbers]
    unchanged = (UNCHANGED, all_tests, _limit(all_tests, coverage))
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "outcomes"
        plays = [unchanged, *plays, unchanged]
        job = {"module": module, "loaded": coverage.loaded, "mutants": plays, "out": str(out)}
        done = subprocess.run(
            [sys.executable, "-m", "proofs.mutating.worker", how],
            input=json.dumps(job), cwd=ROOT, env={**os.environ, "PYTHONPATH": PYTHON_PATH}, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    outcomes |= {line["number"]: line for line in lines if line["number"] != UNCHANGED}
    odd = [line for line in lines if line["number"] == UNCHANGED and line["ending"] != "survived"]
    wrong = [f"{how}, without a change: {line['ending']} {line['by']}" for line in odd]
    if done.returncode or len(lines) != len(plays):
        wrong.append(f"{how}: ended with {done.returncode} after {len(lines)} of {len(plays)}: {done.stdout[-500:]}")
    return wrong


def _tests(coverage: Coverage, mutant: Mutant) -> list[str]:
    return coverage.reaching(mutant.module, mutant.first, mutant.last, at_import=mutant.at_import)


def _limit(tests: Sequence[str], coverage: Coverage) -> float:
    return max(MIN_SECONDS, TIMES * sum(coverage.seconds.get(test, 0.0) for test in tests))


def _report(result: Result) -> None:
    counts = f"{len(result.killed)}/{len(result.mutants)}"
    slow, left = len(result.ended("slow")), len([m for m in result.ended("survived") if m.number in result.accepted])
    print(
        f"  {result.module:<40}{counts:>8}  {result.share:6.1%}  slow {slow}  accepted {left}  {result.seconds:.0f} s"
    )
    file = source_of(result.module).relative_to(ROOT)
    for mutant in result.survivors:
        by = result.outcomes[mutant.number].get("by")
        print(f"      survived {file}:{mutant.first} {mutant.place}: {mutant}{f' ({by})' if by else ''}")
    for problem in result.problems:
        print(f"      BROKEN {problem}")
    sys.stdout.flush()


def _figure(
    results: list[Result], entries: list[accepted.Accepted], of_module: dict[str, list[Mutant]], seconds: float
) -> Figure:
    outdated = accepted.stale(
        entries, [m for found in of_module.values() for m in found], [m for result in results for m in result.killed]
    )
    for line in outdated:
        print(f"  STALE {line}")
    problems = [problem for result in results for problem in result.problems]
    killed, played = sum(len(r.killed) for r in results), sum(len(r.mutants) for r in results)
    possible, worst = sum(map(len, of_module.values())), min(results, key=lambda result: result.share)
    text = (
        f"{killed} of {played} changes noticed ({possible} possible, {len(entries)} accepted), "
        f"modules {len(results)}, worst {worst.module} {worst.share:.1%}, "
        f"broken runs {len(problems)}, stale entries {len(outdated)}, {seconds:.0f} s"
    )
    return Figure(text, worst.share >= ENOUGH and not problems and not outdated)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help=f"every change, not {SAMPLE} of each module")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="some of the modules")
    chosen = parser.parse_args()
    if unknown := sorted({*chosen.modules} - {*TARGETS}):
        parser.error(f"{', '.join(unknown)}: not among {', '.join(TARGETS)}")
    figure = run(chosen.modules or TARGETS, everything=chosen.all)
    print(f"mutants: {figure.text} – {'met' if figure.met else 'MISSED'}")
    return 0 if figure.met else 1


if __name__ == "__main__":
    sys.exit(main())
