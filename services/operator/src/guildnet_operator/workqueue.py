"""The work queue of keys, each at most once in the queue and never at two workers at the same time.

A key that fails comes back after an exponential, jittered delay of its own, and where many fail, later than that: a
bucket spreads them. In an outage of what all of them need they queue up for it as long as it takes, and the first that
succeeds lets the others go. A key added meanwhile (something changed) is worked on at once and keeps its count of
failures: many changes within a moment are no reason for a long pause. Knows nothing of Kubernetes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from guildnet.pace import Bucket, backoff

log = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS: Final = 0.25
"""Pause before the first retry of a key."""
MAX_RETRY_SECONDS: Final = 20.0
"""Pause between retries of a key that keeps failing: with the jitter below the 30 s after which, when an outage is
over, everything has to be made up for."""


@dataclass(frozen=True, slots=True)
class Next:
    """What is to happen to a key that was worked on: nothing, a retry, or another turn `after` some seconds.

    `outage` says of a failure that it is not the key's own: every other key would meet it too.
    """

    retry: bool = False
    after: float | None = None
    outage: bool = False


SETTLED: Final = Next()
RETRY: Final = Next(retry=True)
OUTAGE: Final = Next(retry=True, outage=True)

RETRIES_PER_SECOND: Final = 1.0
"""Retries a second of all keys together once the burst is used up: each is three to five requests to the API server. A
key that fails for a reason of its own waits at most MAX_RETRY_SECONDS for its turn."""
RETRY_BURST: Final = 20

Work = Callable[[str], Awaitable[Next]]


def delay(failures: int, *, random_unit: float) -> float:
    """Seconds until the next attempt after so many failures in a row (≥ 1): doubled each time, ±25 %, capped."""
    return backoff(failures, first=FIRST_RETRY_SECONDS, most=MAX_RETRY_SECONDS) * (0.75 + random_unit / 2)


class WorkQueue:
    """Keys to be worked on. `run` owns the workers: cancel it to stop them."""

    def __init__(self, *, workers: int = 8, rng: Callable[[], float] = random.random) -> None:
        self._workers = workers
        self._rng = rng
        self._ready: deque[str] = deque()
        self._waiting: dict[str, float] = {}  # in _ready, not taken yet, since when
        self._running: set[str] = set()
        self._again: set[str] = set()  # added while being worked on
        self._failures: dict[str, int] = {}
        self._due: set[str] = set()  # keys whose time has come, until they were worked on
        self._retries = Bucket(RETRIES_PER_SECOND, RETRY_BURST)
        self._outage: set[str] = set()  # keys that met an outage when they were last worked on
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._available = asyncio.Semaphore(0)
        self.running = False
        self.worked = 0
        """How many keys were worked on so far."""

    def add(self, key: str) -> None:
        """Work on this key as soon as a worker is free; a key that already waits is not queued twice."""
        self._cancel_timer(key)
        if key in self._running:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = time.monotonic()
            self._ready.append(key)
            self._available.release()

    def add_while_running(self, key: str) -> None:
        """`add`, but a key that comes before `run` or after it is not taken."""
        if self.running:
            self.add(key)

    def __len__(self) -> int:
        """Keys that wait for a worker."""
        return len(self._waiting)

    @property
    def age(self) -> float:
        """Seconds that the key which waits longest has waited for a worker; 0 when none waits."""
        return time.monotonic() - self._waiting[self._ready[0]] if self._ready else 0.0

    @property
    def delayed(self) -> int:
        """Keys that wait for their time: failed ones, and those to be reconciled again."""
        return len(self._timers)

    def idle(self) -> bool:
        """Nothing waits, runs or is to be retried."""
        return not (self._waiting or self._running or self._timers)

    async def run(self, work: Work, begin_with: Callable[[], Iterable[str]] = tuple) -> None:
        """Run the workers until cancelled; what waits then is forgotten.

        `begin_with` is called in the moment from which on `add_while_running` adds: a key that comes up before is among
        these, and one that comes up later is added.
        """
        self.running = True
        try:
            for key in begin_with():
                self.add(key)
            async with asyncio.TaskGroup() as group:
                for number in range(self._workers):
                    group.create_task(self._worker(work), name=f"reconcile worker {number}")
        finally:
            self.running = False
            self._clear()

    def _clear(self) -> None:
        for key in list(self._timers):
            self._cancel_timer(key)
        for held in (self._ready, self._waiting, self._running, self._again, self._failures, self._due, self._outage):
            held.clear()
        self._available = asyncio.Semaphore(0)

    async def _worker(self, work: Work) -> None:
        while True:
            await self._available.acquire()
            key = self._ready.popleft()
            del self._waiting[key]
            self._running.add(key)
            try:
                then = await self._attempt(work, key)
            finally:
                self._running.discard(key)
            self._finish(key, then)

    async def _attempt(self, work: Work, key: str) -> Next:
        try:
            return await work(key)
        except Exception:  # a bug met by one key must not stop the others
            log.exception("reconcile broke", workspace=key)
            return RETRY

    def _finish(self, key: str, then: Next) -> None:
        self.worked += 1
        retried = key in self._due
        self._due.discard(key)
        if not then.retry:
            self._failures.pop(key, None)
        elif retried or key not in self._failures:
            self._failures[key] = self._failures.get(key, 0) + 1
        self._note_outage(key, then)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        elif then.retry:
            own = delay(self._failures[key], random_unit=self._rng())
            turn = self._retries.reserve(asyncio.get_running_loop().time())
            # Turns of keys that were worked on before they came are still owed, but nobody has to be waited for there.
            most = len(self._timers) / RETRIES_PER_SECOND
            self._later(key, max(own, min(turn, most if then.outage else MAX_RETRY_SECONDS)))
        elif then.after is not None:
            self._later(key, then.after)

    def _note_outage(self, key: str, then: Next) -> None:
        """Keep who met an outage; when one of them meets it no more, the others need not wait for their turns."""
        if then.outage:
            self._outage.add(key)
            return
        met = key in self._outage
        self._outage.discard(key)
        if not met or then.retry:
            return
        freed = [other for other in self._outage if other in self._timers]
        self._outage.clear()
        self._retries = Bucket(RETRIES_PER_SECOND, RETRY_BURST)
        for other in freed:
            self.add(other)

    def _later(self, key: str, seconds: float) -> None:
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._come_back, key)

    def _come_back(self, key: str) -> None:
        self._due.add(key)
        self.add(key)

    def _cancel_timer(self, key: str) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
