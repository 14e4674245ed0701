"""Proofs tried in a copy of the checkout: as the product is, and with a fault planted that they have to notice."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

from proofs import MISSED_GATES, PYTHON_PATH, ROOT
from proofs.planted.plant import Plant
from proofs.planted.registry import SIDE_BY_SIDE

WITHIN_SECONDS: Final = 1800.0
TAIL: Final = 25
LEFT_OUT: Final = (
    ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "node_modules", "dist", "*.egg-info", "test-results",
)  # fmt: skip
"""What a copy of the checkout does without: what tools made."""


@dataclass(frozen=True, slots=True)
class Said:
    """How one run of a proof ended."""

    status: int
    lines: Sequence[str]
    seconds: float

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else ""

    @property
    def met(self) -> bool:
        return self.status == 0 and self.last.endswith("– met")

    @property
    def missed(self) -> bool:
        """MISSED and an exit status that says so; a proof that breaks down has not measured anything."""
        return self.status == 1 and self.last.endswith("– MISSED")

    def kept(self, gate: str) -> bool:
        """Met, or missed by other gates than this one; a proof that is missed and names none has not measured it."""
        named = [line.removeprefix(MISSED_GATES) for line in self.lines if line.startswith(MISSED_GATES)]
        return self.met or (self.missed and bool(named) and gate not in named[0].split(", "))


@dataclass(frozen=True, slots=True)
class Trial:
    """A proof without its planted fault and with it."""

    plant: Plant
    without: Said
    planted: Said

    @property
    def caught(self) -> bool:
        """Where the fault is for one gate, what a slow machine says of another does not matter: this one turns."""
        if not self.planted.missed:
            return False
        gate = self.plant.gate
        return self.without.kept(gate) and not self.planted.kept(gate) if gate else self.without.met


@dataclass(slots=True)
class Copy:
    """A copy of the checkout, with the product and the proofs run from there."""

    directory: Path
    _without: dict[tuple[str, bool], Said] = field(default_factory=dict)
    """By word and form: what each proof said without a fault."""
    _child: subprocess.Popen[str] | None = None

    @property
    def path(self) -> str:
        """Where Python finds the product and the proofs of the copy, before those that are installed."""
        return PYTHON_PATH.replace(str(ROOT), str(self.directory))

    def run(self, *arguments: str) -> Said:
        """One Python module of the copy. Raises TimeoutExpired after WITHIN_SECONDS."""
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=self.directory, text=True,
            env={**os.environ, "PYTHONPATH": self.path},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as self._child:  # fmt: skip
            try:
                said, _ = self._child.communicate(timeout=WITHIN_SECONDS)
            except BaseException:
                self._child.kill()
                raise
        return Said(self._child.returncode, said.splitlines(), time.monotonic() - began)

    def stop(self) -> None:
        """End what runs in the copy, if anything does."""
        if self._child is not None:
            self._child.kill()

    def prove(self, plant: Plant) -> Said:
        return self.run("proofs", plant.word, *(["--quick"] if plant.quick else []))

    def without(self, plant: Plant) -> Said:
        """What the proof says without the fault: asked once, however many faults it has to notice."""
        form = (plant.word, plant.quick)
        if form not in self._without:
            self._without[form] = self.prove(plant)
        return self._without[form]

    def trial(self, plant: Plant) -> Trial:
        without = self.without(plant)
        with plant.planted(self.directory):
            found = Trial(plant, without, self.prove(plant))
        tell(found)
        return found


def tell(found: Trial) -> None:
    """What became of it, and all that was said where it was not as it should be."""
    seconds = found.without.seconds + found.planted.seconds
    verdict = "caught" if found.caught else "NOT CAUGHT"
    print(f"  {verdict:<11}{found.plant.word:<18}{seconds:>6.0f} s  planted: {found.plant.what}", flush=True)
    for what, said, good in (
        ("without it", found.without, found.without.met),
        ("with it", found.planted, found.planted.missed),
    ):
        for line in said.lines[-1:] if good else said.lines[-TAIL:]:
            print(f"      {what}: {line}", flush=True)


@contextmanager
def copy() -> Iterator[Copy]:
    """A copy of the checkout as it is now, committed or not; gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="guildnet-planted-") as made:
        directory = Path(made) / "checkout"
        shutil.copytree(ROOT, directory, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
        copied = Copy(directory)
        link_environment(Path(sys.prefix), directory / ".venv", copied.path)
        yield copied


def link_environment(installed: Path, place: Path, path: str) -> None:
    """A Python environment like the installed one, whose `python` looks for modules in `path` first: for `make`."""
    (place / "bin").mkdir(parents=True)
    for source in (*installed.iterdir(), *(installed / "bin").iterdir()):
        target = place / source.relative_to(installed)
        if target != place / "bin":
            target.symlink_to(source)
    python = place / "bin" / "python"
    python.unlink()
    python.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(path)} exec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)


@contextmanager
def cluster_of(copied: Copy) -> Iterator[None]:
    """The one local cluster of the machine is the copy's until the block ends; then the checkout's is made again."""
    ours = _local("status", "--quiet") == 0
    _local("down")
    try:
        yield
    finally:
        copied.run("guildnet_local", "down")
        if ours:
            _local("up")


def _local(*arguments: str) -> int:
    command = [sys.executable, "-m", "guildnet_local", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode


def run(plants: Sequence[Plant]) -> list[Trial]:
    """Try them: side by side those that may be, then one after the other, those that need the cluster last.

    Who is told to end takes the copies away first.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    found = side_by_side([plant for plant in plants if plant.word in SIDE_BY_SIDE])
    alone = [plant for plant in plants if plant.word not in SIDE_BY_SIDE]
    if alone:
        with copy() as copied:
            found += [copied.trial(plant) for plant in alone if not plant.cluster]
            if on_the_cluster := [plant for plant in alone if plant.cluster]:
                with cluster_of(copied):
                    found += [copied.trial(plant) for plant in on_the_cluster]
    return found


def side_by_side(plants: Sequence[Plant]) -> list[Trial]:
    """As many at once as there are processors, each in a copy of its own; faults of one proof one after the other."""
    by_word = groupby(sorted(plants, key=lambda plant: plant.word), key=lambda plant: plant.word)
    groups = [[*group] for _, group in by_word]
    waiting = iter(groups)
    copies: list[Copy] = []

    def lane() -> list[Trial]:
        found: list[Trial] = []
        with copy() as copied:
            copies.append(copied)
            for group in waiting:
                found += [copied.trial(plant) for plant in group]
        return found

    lanes = min(len(groups), os.cpu_count() or 1)
    with ThreadPoolExecutor(lanes or 1) as pool:
        try:
            return [trial for ended in [pool.submit(lane) for _ in range(lanes)] for trial in ended.result()]
        except BaseException:
            groups.clear()
            for copied in copies:
                copied.stop()
            raise
