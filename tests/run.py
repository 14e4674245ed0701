"""Runs the rings of the test suite, times each phase, and says at the end what passed.

`python tests/run.py RING [-- pytest arguments]`, where RING is all, lint, unit, shipped, integration, wire, crash or
e2e. Every phase runs even when an earlier one failed: one run tells everything; the exit status is non-zero when any
did. The cluster that the e2e ring needs is brought up when there is none, and then also taken down, on Ctrl-C too. One
that is there is brought to this checkout by `up`, and left with every Workspace and volume that was on it.
"""

from __future__ import annotations

import argparse
import calendar
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guildnet_local.machine import checkout
from guildnet_local.settings import NO_CLUSTER
from support import command

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guildnet"
UI = ROOT / "ui"
Ring = Callable[..., None]
LAST_LINES = 40


@dataclass
class Run:
    """The phases of one run: name, seconds, whether it passed; and of each, which share of the processors was idle."""

    phases: list[tuple[str, float, bool]] = field(default_factory=list)
    idle: dict[str, float] = field(default_factory=dict)
    last_lines: dict[str, list[str]] = field(default_factory=dict)
    """Of each command that ran beside others and failed: what it said is far above the end, where people look."""

    def phase(self, name: str, *commands: list[str], cwd: Path = ROOT) -> bool:
        """Run the commands until one fails. A phase that is interrupted counts as failed."""
        print(f"\n── {name} ──", flush=True)
        started, passed, idle_before, all_before = time.monotonic(), False, *processor_time()
        try:
            passed = all(command.run(one, cwd) == 0 for one in commands)
        finally:
            idle, all_ = processor_time()
            self.idle[name] = (idle - idle_before) / max(all_ - all_before, 1)
            self.phases.append((name, round(time.monotonic() - started, 1), passed))
        return passed

    @contextmanager
    def beside(self, name: str, one: list[str], *, nice: bool = True) -> Iterator[None]:
        """Run a command while the block runs, after everything else in the queue for a processor if it is `nice`.

        What it prints comes when the block is through, and its seconds are those by which it took longer.
        """
        argv = ["nice", *one] if nice else one
        with tempfile.TemporaryFile() as output, command.beside(argv, ROOT, output) as wait:
            yield
            print(f"\n── {name} ──", flush=True)
            started, passed = time.monotonic(), False
            try:
                passed = wait() == 0
            finally:
                output.seek(0)
                said = output.read().decode(errors="replace")
                sys.stdout.write(said)
                self.phases.append((name, round(time.monotonic() - started, 1), passed))
                if not passed:
                    self.last_lines[name] = said.splitlines()[-LAST_LINES:]

    @property
    def failed(self) -> list[str]:
        return [name for name, _, passed in self.phases if not passed]

    def report(self) -> None:
        for name, lines in self.last_lines.items():
            print(f"\n── {name}, which failed: its last lines once more ──", *lines, sep="\n")
        print("\nphase                  seconds   idle")
        for name, seconds, passed in self.phases:
            idle = f"{self.idle.get(name, 0.0):.0%}"
            print(f"{name:<20} {seconds:>9.1f} {idle:>6}  {'passed' if passed else 'FAILED'}")
        print(f"{'total':<20} {sum(s for _, s, _ in self.phases):>9.1f}")

    def record(self, began: float, commit: Mapping[str, Any]) -> None:
        """One JSON line a run, read by `make show-up-times`: the time is that by the clock around `make test`."""
        path = CACHE / "times" / "test.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        typed = os.environ.get("GUILDNET_TEST_STARTED")
        entry = {
            "kind": kind_of_up(began),
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "passed": not self.failed,
            "total": round(time.time() - (float(typed) if typed else began), 1),
            "phases": [
                {"name": name, "seconds": seconds, "idle": round(self.idle.get(name, 0.0), 2)}
                for name, seconds, _ in self.phases
            ],
            "setup_included": bool(typed),
            **commit,
        }
        with path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def processor_time() -> tuple[int, int]:
    """The time that the processors have been idle, and all their time, since the machine started; in ticks."""
    ticks = [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def kind_of_up(began: float) -> str:
    """What the run's own `up` was (see `guildnet_local.up.kind_of_run`): cold, warm, part, or again; else unknown.

    The first since the run began: the proofs that follow run `up` as well.
    """
    path = CACHE / "times" / "up.jsonl"
    for line in path.read_text().splitlines() if path.exists() else ():
        entry = json.loads(line)
        if calendar.timegm(time.strptime(entry["at"], "%Y-%m-%dT%H:%M:%SZ")) >= int(began):
            return str(entry["kind"])
    return "unknown"


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def pytest(ring: str, *arguments: str) -> list[str]:
    return python("-m", "pytest", f"tests/{ring}", "--durations=10", *arguments)


def programs(run: Run) -> None:
    """What the integration ring starts; nothing to do after `up`, which needs the same."""
    run.phase("programs", python("-m", "guildnet_local.build.programs", "build", *PROGRAM_GROUPS))


def lint(run: Run, *_: str) -> None:
    """mypy, which takes one core for as long as everything else takes the other, goes beside it."""
    with run.beside("lint: mypy", [str(BIN / "mypy"), *SOURCES]):
        run.phase("lint: ruff", [str(BIN / "ruff"), "check", "."], [str(BIN / "ruff"), "format", "--check", "."])
        run.phase("lint: imports", [str(BIN / "lint-imports")])
        run.phase("lint: dependencies", *(["env", "-C", one, str(BIN / "deptry"), "src"] for one in PACKAGES))
        run.phase("lint: generated", python("-m", "guildnet_chart", "all", "--check"))
        ui(run)


PROGRAM_GROUPS = ["etcd", "kubernetes", "helm", "tailnet"]
PACKAGES = ["libs/guildnet", "services/api", "services/proxy", "services/operator", "tools", "cli"]
SOURCES = [*(f"{package}/src" for package in PACKAGES), "proofs", "tests"]


def ui(run: Run) -> None:
    """`npm ci` whenever the lock file is not the one that the packages were installed from."""
    npm = python("-m", "guildnet_local.images", "npm")
    lock, stamp = UI / "package-lock.json", UI / "node_modules" / ".installed-from"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        if not run.phase("ui: install", [*npm, "ci", "--no-progress"], cwd=UI):
            return
        stamp.write_text(wanted)
    run.phase("ui", *([*npm, "run", script] for script in ("lint", "test", "build")), cwd=UI)


def unit(run: Run, *arguments: str) -> None:
    """The chart's tests render with the pinned Helm; built here, or the first of them would wait for it."""
    run.phase("helm", python("-m", "guildnet_local.build.programs", "build", "helm"))
    run.phase("unit", pytest("unit", "--numprocesses=auto", *arguments))


def shipped(run: Run, *arguments: str) -> None:
    """The unit ring once more, on what the images have: their Python, and the proxy's data path compiled."""
    run.phase("unit, as shipped", python("tests/as_shipped.py", *arguments))


INTERFACE = "tests/integration/ui"
"""The web interface in a browser, before an API that is played."""


def integration(run: Run, *arguments: str) -> None:
    """One test more at once than there are cores, with the browser's beside: that leaves no core idle.

    Still more would only make each of them wait, and some have a deadline to show.

    Those with a browser in a process of their own: Playwright keeps an event loop running, beside which no other test
    can have one.
    """
    programs(run)
    workers = f"--numprocesses={1 + (os.cpu_count() or 1)}"
    if arguments:
        run.phase("integration", pytest("integration", workers, "--dist=worksteal", *arguments))
        return
    with run.beside("interface", pytest(INTERFACE.removeprefix("tests/")), nice=False):
        run.phase("integration", pytest("integration", workers, "--dist=worksteal", f"--ignore={INTERFACE}"))


def proof(*arguments: str, seconds: int = 600) -> list[str]:
    """A module of the proofs, for so many seconds at most."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return ["timeout", f"{seconds}", "env", f"PYTHONPATH={path}", *python("-m", *arguments)]


def crash(run: Run, *_: str) -> None:
    """Every leaf of a Workspace's schema, which is a matter of half a minute.

    And every kind of write with every fault, and every write with one; each with each is `make test-crash`. They are
    last, so that what a plan that failed says of it is at the end.
    """
    programs(run)
    run.phase("spec mutations", proof("proofs", "spec-mutations", seconds=180))
    run.phase("crash plans", proof("proofs.crash"))


def wire(run: Run, *_: str) -> None:
    """Broken HTTP and every kind of WebSocket message, through the proxy to real servers: seconds each."""
    run.phase("smuggling", proof("proofs", "smuggling", seconds=180))
    run.phase("autobahn", proof("proofs", "autobahn", seconds=180))


def proofs(run: Run, *_: str) -> None:
    """What a proof on the cluster shows in its short form, faults that are named; it mostly waits for them."""
    with run.beside("wire", python("tests/run.py", "wire")):
        run.phase("reasons", proof("proofs", "reasons", "--quick", seconds=240))


def on_the_cluster(run: Run, *rings: Ring, arguments: tuple[str, ...], before: Sequence[Ring] = ()) -> None:
    """The rings with the cluster up. One that was there stays; what this brought up goes away, whatever happens.

    After those of `before`, which only want what `up` built: beside them logs are read on the cluster while its parts
    are killed, which is mostly waiting. The crash plans have an API server of their own and go beside the rings that
    mostly wait for the cluster; they are played without a cluster, too.
    """
    status = subprocess.run(python("-m", "guildnet_local", "status", "--quiet"), check=False).returncode
    there = status != NO_CLUSTER
    if there:
        print("\nThere is a local cluster: `up` brings it to this checkout, as `make up` would. Your workspaces stay.")
    try:
        up = run.phase("cluster up", python("-m", "guildnet_local", "up"))
        canary = proof("proofs", "log-canary", "--quick", seconds=360)
        with run.beside("log canary", canary) if before and up else nullcontext():
            for ring in before:
                ring(run, *arguments)
        with run.beside("crash plans", python("tests/run.py", "crash")) if before else nullcontext():
            for ring in rings if up else ():
                ring(run, *arguments)
    finally:
        if not there:
            with command.undisturbed():
                run.phase("cluster down", python("-m", "guildnet_local", "down"))


AFTERWARDS = "e2e/afterwards"


def browser(run: Run, *arguments: str) -> None:
    """The ring, and then what can only be judged by all that it did."""
    run.phase("e2e", pytest("e2e", f"--ignore=tests/{AFTERWARDS}", *arguments))
    run.phase("e2e: refusals", pytest(AFTERWARDS))


def e2e(run: Run, *arguments: str) -> None:
    on_the_cluster(run, browser, arguments=arguments)


def everything(run: Run, *arguments: str) -> None:
    """The cheap first. `up` comes before the integration ring so that it is timed with all it builds."""
    lint(run)
    unit(run, *arguments)
    on_the_cluster(run, browser, proofs, arguments=arguments, before=(shipped, integration))


RINGS: dict[str, Ring] = {
    "all": everything,
    "lint": lint,
    "unit": unit,
    "shipped": shipped,
    "integration": integration,
    "wire": wire,
    "crash": crash,
    "e2e": e2e,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ring", choices=RINGS)
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    chosen = parser.parse_args()
    began, commit = time.time(), checkout.state(ROOT)
    run, interrupted = Run(), False
    command.catch_interrupts()
    try:
        RINGS[chosen.ring](run, *chosen.pytest)
    except KeyboardInterrupt:
        interrupted = True
    run.report()
    if interrupted:
        print("\ninterrupted")
        return 130
    if chosen.ring == "all":
        run.record(began, commit)
    if run.failed:
        print(f"\nfailed: {', '.join(run.failed)}")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
