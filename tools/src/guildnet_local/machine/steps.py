"""Steps that need one another, run side by side, with a line and a time for each.

Knows nothing of what the steps do. A step that fails lets those under way finish, starts no more, and is told at once.
Steps that take long are in lanes: those are ended when another step fails or a person interrupts.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Report = Callable[[str], None]
# How long a lane's step may take to end when it is told to, and to remove what it was making.
LANE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name as printed, what it does, and the names of the steps that have to be done before.

    What `run` returns, if anything, is printed behind the name. Steps of one `lane` run one after the other, in the
    order in which they are listed as far as their needs allow: for compilers and builders.
    """

    name: str
    run: Callable[[], str | None]
    needs: tuple[str, ...] = ()
    lane: str = ""


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

    @staticmethod
    def since(report: Report, epoch: float) -> Clock:
        """A clock that began at that time of day: the one at which a person typed the command."""
        return Clock(report, time.monotonic() - max(time.time() - epoch, 0.0))

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        self.report(f"[{self.elapsed():6.1f} s] {text}")

    def record(self, path: Path, kind: str, facts: Mapping[str, Any]) -> None:
        """Append the run to a file of JSON lines, with whatever else is to be known of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        entry: dict[str, Any] = {
            "kind": kind,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "started_at": round(time.time() - self.elapsed(), 1),
            "total": round(self.elapsed(), 1),
            "phases": [{"name": name, "seconds": round(seconds, 1)} for name, seconds in self.phases],
            **facts,
        }
        with path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


class _Run:
    """The state of one `run_steps`, shared by its threads."""

    def __init__(self, steps: Sequence[Step], clock: Clock) -> None:
        self.clock = clock
        self.waiting = list(steps)
        self.under_way: list[Step] = []
        self.done: set[str] = set()
        self.failure: StepError | None = None
        self.ending = False
        self.changed = threading.Condition()

    def start_all_that_may(self) -> None:
        """Called at the start and by every step that ends."""
        with self.changed:
            for step in list(self.waiting):
                if self._may_start(step):
                    self.waiting.remove(step)
                    self.under_way.append(step)
                    # Daemons: an interrupt of the calling thread ends the command, not only that thread.
                    threading.Thread(target=self._perform, args=(step,), name=step.name, daemon=True).start()

    def _may_start(self, step: Step) -> bool:
        taken = {other.lane for other in self.under_way if other.lane}
        return self.failure is None and not self.ending and self.done.issuperset(step.needs) and step.lane not in taken

    def _perform(self, step: Step) -> None:
        started = time.monotonic()
        try:
            said = step.run()
        except Exception as problem:  # noqa: BLE001  told to whoever runs the steps
            if self.failure is None and not self.ending:
                self.clock.say(f"{step.name} FAILED")
            self._finish(step, StepError(step.name, problem))
            return
        seconds = time.monotonic() - started
        self.clock.phases.append((step.name, seconds))
        # What a lane has to build says so itself; where there was nothing to build there is nothing to say.
        if not step.lane or said:
            self.clock.say(f"{step.name}{f': {said}' if said else ''} ({seconds:.1f} s)")
        self._finish(step, None)

    def _finish(self, step: Step, failure: StepError | None) -> None:
        with self.changed:
            self.under_way.remove(step)
            if failure is None:
                self.done.add(step.name)
            self.failure = self.failure or failure
            self.start_all_that_may()
            self.changed.notify_all()

    def wait(self) -> None:
        """Wait until all is done, or one has failed."""
        with self.changed:
            while self.under_way and self.failure is None:
                self.changed.wait()

    def end(self, end_lanes: Callable[[], None], *, whole: bool) -> None:
        """Start no more, and end what is in lanes; with `whole`, wait for all other steps under way too."""
        with self.changed:
            self.ending = True
        end_lanes()
        with self.changed:
            self.changed.wait_for(lambda: not any(step.lane for step in self.under_way), LANE_SECONDS)
            while whole and any(not step.lane for step in self.under_way):
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


def run_steps(steps: Sequence[Step], clock: Clock, end_lanes: Callable[[], None] = lambda: None) -> None:
    """Run all steps, each as soon as what it needs is done. Raises StepError for the first that failed.

    `end_lanes` ends what the steps in lanes have started; it is called when one failed and when this is interrupted.
    """
    check(steps)
    run = _Run(steps, clock)
    try:
        run.start_all_that_may()
        run.wait()
    except BaseException:
        run.end(end_lanes, whole=False)
        raise
    if run.failure is not None:
        run.end(end_lanes, whole=True)
        raise run.failure
