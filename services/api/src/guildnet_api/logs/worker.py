"""Work on lines that the event loop does not wait for: in slices on one thread, within a budget of each subject.

RE2 and the like let other threads run while they work, so the loop goes on meanwhile. One thread bounds what all
searches together may take to one core. Of those that wait for it, the subject that has most of its budget left is next:
whoever asks a little is not kept waiting by those who ask much.
"""

from __future__ import annotations

import asyncio
import heapq
import sys
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import Final, TypeVar

from guildnet.errors import Invalid, TooManyRequests
from guildnet.pace import Bucket
from guildnet_api.logs.matcher import matcher

A = TypeVar("A")
B = TypeVar("B")

MAX_READINGS: Final = 4
"""Logs that are read for lists and files at the same time: what comes of them passes through the event loop."""
GIL_SECONDS: Final = 0.0005
"""After which whoever waits for the interpreter's lock gets it. The loop asks for it at every event: at Python's own
5 ms a hundred events beside a busy thread would take half a second."""
SLICE_SECONDS: Final = 0.004
"""After which the thread is given to the next; one line may take longer."""
BURST_SECONDS: Final = 2.0
CPU_SHARE: Final = 0.1
"""Seconds of the thread per second that one subject may take in the long run, once the burst is used up."""
COMPILING_BURST_SECONDS: Final = 0.1
COMPILING_SHARE: Final = 0.01
"""The same for compiling expressions, which the event loop waits for."""
MAX_SUBJECTS: Final = 4096
"""Subjects whose budgets are remembered; the one that asked least recently begins anew."""


class TooSlow(Invalid):
    """The work took more than its subject's budget."""

    default_code = "query_too_slow"


class Turns:
    """So many at the same time; of those that wait, the lowest rank is next."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    @asynccontextmanager
    async def turn(self, rank: float) -> AsyncIterator[None]:
        """Holds a place."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(rank)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, rank: float) -> None:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()
            raise

    def _next(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Searcher:
    """The share of the thread that one subject has, and what its searches may cost the event loop."""

    __slots__ = ("_bucket", "_compiling", "_worker")

    def __init__(self, worker: Worker, bucket: Bucket, compiling: Bucket) -> None:
        self._worker = worker
        self._bucket = bucket
        self._compiling = compiling

    async def admit(self, text: str) -> None:
        """Compile a `q`, so that the Filter that is made next finds it compiled; one in each turn of the event loop.

        Raises Invalid for one that cannot be matched, TooManyRequests after too many different ones.
        """
        if not text:
            return
        async with self._worker.compiling.turn(-self._compiling_left()):
            self._compiling_left()
            began = time.thread_time()
            try:
                matcher(text)
            finally:
                self._compiling.spend(time.thread_time() - began)
                await asyncio.sleep(0)

    def _compiling_left(self) -> float:
        """Seconds of compiling that the subject has left; raises TooManyRequests where there are none."""
        level = self._compiling.refill(time.monotonic())
        if level <= 0:
            wait = (COMPILING_BURST_SECONDS / 10 - level) / COMPILING_SHARE
            raise TooManyRequests("You ask for too many different q; wait a little.", retry_after=wait)
        return level

    def reading(self) -> AbstractAsyncContextManager[None]:
        """One of the few places to read a log from."""
        return self._worker.readings.turn(-self._bucket.refill(time.monotonic()))

    async def map(self, apply: Callable[[A], B], items: Sequence[A], *, bounded: bool = True) -> list[B]:
        """Each item's result, in order; `apply` runs on the thread.

        Raises TooSlow once the budget is used up, unless not `bounded`: then the subject only has to wait for others.
        """
        done: list[B] = []
        while len(done) < len(items):
            level = self._bucket.refill(time.monotonic())
            if bounded and level <= 0:
                raise TooSlow("Matching q takes too long: make it simpler, or ask for less (since, level, container).")
            found, seconds = await self._worker.slice(-level, apply, items, len(done))
            # What is not bounded takes from the budget, but leaves no debt that a later search would have to wait for.
            self._bucket.spend(seconds if bounded else min(seconds, max(0.0, level)))
            done += found
        return done


class Worker:
    """The thread, and who waits for it. `close` ends it."""

    def __init__(self) -> None:
        sys.setswitchinterval(GIL_SECONDS)
        self.readings = Turns(MAX_READINGS)
        self.compiling = Turns(1)
        self._thread = Turns(1)
        self._pool = ThreadPoolExecutor(1, "logs")
        self._buckets: OrderedDict[str, tuple[Bucket, Bucket]] = OrderedDict()

    def searcher(self, subject: str) -> Searcher:
        """What works for this subject; all of a subject share one budget."""
        buckets = self._buckets.pop(subject, None)
        if buckets is None:
            now = time.monotonic()
            buckets = Bucket(CPU_SHARE, BURST_SECONDS, now), Bucket(COMPILING_SHARE, COMPILING_BURST_SECONDS, now)
        self._buckets[subject] = buckets
        if len(self._buckets) > MAX_SUBJECTS:
            self._buckets.popitem(last=False)
        return Searcher(self, *buckets)

    async def slice(
        self, rank: float, apply: Callable[[A], B], items: Sequence[A], start: int
    ) -> tuple[list[B], float]:
        """The results of some items from `start` on, one at least, and the CPU seconds they took; lower ranks first."""
        async with self._thread.turn(rank):
            return await asyncio.get_running_loop().run_in_executor(self._pool, _slice, apply, items, start)

    def close(self) -> None:
        """End the thread with the slice under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _slice(apply: Callable[[A], B], items: Sequence[A], start: int) -> tuple[list[B], float]:
    began, until = time.thread_time(), time.perf_counter() + SLICE_SECONDS
    done: list[B] = []
    for index in range(start, len(items)):
        done.append(apply(items[index]))
        if time.perf_counter() >= until:
            break
    return done, time.thread_time() - began
