"""Brakes on writes: one on those that somebody else undoes again and again, one on many that nobody asked for.

What is undone is put right at once a few times, because a hand slips; then after a pause that doubles, because two
programs that disagree would otherwise write for ever. Knows nothing of Kubernetes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from guildnet.pace import Bucket, backoff

Child = tuple[str, str]
"""A child: the uid of its Workspace and its kind."""

AT_ONCE: Final = 3
"""Writes of the same field that are not held back."""
FIRST_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 75.0
"""The longest pause; the tenth write and those after it come less than once a minute."""
QUIET_SECONDS: Final = 120.0
"""After a pause that was not used for so long, the quarrel is over."""
PRUNED_FROM: Final = 256
"""Children from which on those are forgotten that nobody touches."""
WHOLE: Final = ""
"""In place of a field: the object itself, which somebody deletes."""

UNASKED_PER_SECOND: Final = 10.0
"""Changes a second of children whose Workspace did not change (another version of the operator, another policy)."""
UNASKED_BURST: Final = 40


@dataclass(slots=True)
class Quarrel:
    """A field that somebody else changes back: who, as far as is known, and how often it was put right, when last."""

    what: str
    manager: str
    times: int
    last: float

    @property
    def pause(self) -> float:
        """Seconds from the last write until the next one may be made."""
        if self.times < AT_ONCE:
            return 0.0
        return backoff(self.times - AT_ONCE + 1, first=FIRST_PAUSE_SECONDS, most=MAX_PAUSE_SECONDS)

    @property
    def over(self) -> float:
        """When it is over, unless the field is changed again."""
        return self.last + self.pause + QUIET_SECONDS


@dataclass(slots=True)
class _Written:
    wanted: str
    quarrels: dict[str, Quarrel] = field(default_factory=dict)


class Brake:
    """Counts the writes that made a child what is wanted of it now; `wanted` is a fingerprint of that."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written: dict[Child, _Written] = {}
        self._prune_at = PRUNED_FROM

    def pause(self, child: Child, wanted: str, what: str) -> float:
        """Seconds until this field may be written; 0 for at once."""
        found = self._quarrel(child, wanted, what)
        return 0.0 if found is None else max(0.0, found.last + found.pause - self._clock())

    def wrote(self, child: Child, wanted: str, what: str, manager: str = "") -> None:
        """The field was put right after this manager had changed it."""
        before = self._quarrel(child, wanted, what)
        written = self._written.get(child)
        if written is None or written.wanted != wanted:
            written = self._written[child] = _Written(wanted)
            self._prune()
        times = before.times + 1 if before else 1
        written.quarrels[what] = Quarrel(what, manager, times, self._clock())

    def quarrel(self, child: Child, wanted: str) -> tuple[Quarrel, float] | None:
        """The quarrel about this child that is worth telling, and the seconds until it is over unless it goes on."""
        written = self._written.get(child)
        if written is None or written.wanted != wanted:
            return None
        now = self._clock()
        found = [item for item in written.quarrels.values() if item.times > AT_ONCE and item.over > now]
        worst = max(found, key=lambda item: item.times, default=None)
        return None if worst is None else (worst, worst.over - now)

    def forget(self, uid: str, kind: str | None = None) -> None:
        """The Workspace is gone, or this child of it is not wanted any more."""
        for child in [item for item in self._written if item[0] == uid and kind in (None, item[1])]:
            del self._written[child]

    def __len__(self) -> int:
        """Children that are remembered."""
        return len(self._written)

    def _prune(self) -> None:
        """Forget what has been left alone for long: most children are written once."""
        if len(self._written) < self._prune_at:
            return
        now = self._clock()
        self._written = {
            child: written
            for child, written in self._written.items()
            if not written.quarrels or any(item.over > now for item in written.quarrels.values())
        }
        self._prune_at = max(PRUNED_FROM, 2 * len(self._written))

    def _quarrel(self, child: Child, wanted: str, what: str) -> Quarrel | None:
        written = self._written.get(child)
        found = written.quarrels.get(what) if written and written.wanted == wanted else None
        return found if found is not None and found.over > self._clock() else None


class Turns:
    """A common pace for changes that nobody asked for: each child gets its turn once, and keeps it until it comes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bucket = Bucket(UNASKED_PER_SECOND, UNASKED_BURST, clock())
        self._due: dict[Child, float] = {}

    def wait(self, child: Child) -> float:
        """Seconds until the turn of this child; 0 when it has come, which uses it up."""
        now = self._clock()
        due = self._due.pop(child, None)
        if due is None:
            due = now + self._bucket.reserve(now)
        if due > now:
            self._due[child] = due
        return max(0.0, due - now)

    def forget(self, uid: str) -> None:
        """The Workspace is gone."""
        for child in [item for item in self._due if item[0] == uid]:
            del self._due[child]
