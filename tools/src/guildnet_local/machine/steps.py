"""Steps that need one another, run side by side, with a line and a time for each.

Knows nothing of what the steps do. A step that fails lets those under way finish, starts no more, and is told at once.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name as printed, what it does, and the names of the steps that have to be done before.

    What `run` returns, if anything, is printed behind the name. A `foreground` step runs in the calling thread, so that
    an interrupt reaches it: for what starts compilers.
    """

    name: str
    run: Callable[[], str | None]
    needs: tuple[str, ...] = ()
    foreground: bool = False


class StepError(Exception):
    """A step failed; `cause` is what it raised."""

    def __init__(self, step: str, cause: Exception) -> None:
        super().__init__(f"{step}: {cause}")
        self.step = step
        self.cause = cause


@dataclass(slots=True)
class Clock:
    """The time since a run began, and what every phase of it took."""

    report: Report
    started: float = field(default_factory=time.monotonic)
    phases: list[tuple[str, float]] = field(default_factory=list)

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        self.report(f"[{self.elapsed():6.1f} s] {text}")

    def record(self, path: Path, kind: str) -> None:
        """Append the run to a file of JSON lines."""
        path.parent.mkdir(parents=True, exist_ok=True)
        entry: dict[str, Any] = {
            "kind": kind,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "total": round(self.elapsed(), 1),
            "phases": [{"name": name, "seconds": round(seconds, 1)} for name, seconds in self.phases],
        }
        with path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


class _Run:
    """The state of one `run_steps`, shared by its threads."""

    def __init__(self, steps: Sequence[Step], clock: Clock) -> None:
        self.clock = clock
        self.waiting = list(steps)
        self.under_way: set[str] = set()
        self.done: set[str] = set()
        self.failure: StepError | None = None
        self.changed = threading.Condition()

    def take(self, *, foreground: bool) -> list[Step]:
        """Steps that may start now, one at most in the foreground; they count as under way."""
        with self.changed:
            if self.failure is not None:
                return []
            found = [s for s in self.waiting if s.foreground is foreground and self.done.issuperset(s.needs)]
            found = found[:1] if foreground else found
            self.waiting = [step for step in self.waiting if step not in found]
            self.under_way.update(step.name for step in found)
            return found

    def start_background(self) -> None:
        """Start every background step that may. Called by whoever finished a step, since the foreground may be busy."""
        for step in self.take(foreground=False):
            # Daemons: an interrupt of the calling thread ends the command, not only that thread.
            threading.Thread(target=self.perform, args=(step,), name=step.name, daemon=True).start()

    def perform(self, step: Step) -> None:
        started = time.monotonic()
        try:
            said = step.run()
        except Exception as problem:  # noqa: BLE001  (told to whoever runs the steps)
            self.clock.say(f"{step.name} FAILED")
            self._finish(step, StepError(step.name, problem))
            return
        seconds = time.monotonic() - started
        self.clock.phases.append((step.name, seconds))
        self.clock.say(f"{step.name}{f': {said}' if said else ''} ({seconds:.1f} s)")
        self._finish(step, None)

    def _finish(self, step: Step, failure: StepError | None) -> None:
        with self.changed:
            self.under_way.discard(step.name)
            if failure is None:
                self.done.add(step.name)
            self.failure = self.failure or failure
        self.start_background()
        with self.changed:
            self.changed.notify_all()

    def wait(self) -> bool:
        """Wait until a foreground step may start (true) or nothing is under way any more (false)."""
        with self.changed:
            while True:
                able = [s for s in self.waiting if s.foreground and self.done.issuperset(s.needs)]
                if able and self.failure is None:
                    return True
                if not self.under_way:
                    return False
                self.changed.wait()


def check(steps: Sequence[Step]) -> None:
    """Raises ValueError when the steps cannot all be run: an unknown need, two of one name, or a circle."""
    names = [step.name for step in steps]
    if len(set(names)) < len(names):
        raise ValueError("two steps of one name")
    done: set[str] = set()
    left = list(steps)
    while left:
        able = [step for step in left if done.issuperset(step.needs)]
        if not able:
            raise ValueError(f"steps that can never start: {[step.name for step in left]}")
        done.update(step.name for step in able)
        left = [step for step in left if step.name not in done]


def run_steps(steps: Sequence[Step], clock: Clock) -> None:
    """Run all steps, each as soon as what it needs is done. Raises StepError for the first that failed."""
    check(steps)
    run = _Run(steps, clock)
    run.start_background()
    while run.wait():
        for step in run.take(foreground=True):
            run.perform(step)
    if run.failure is not None:
        raise run.failure
