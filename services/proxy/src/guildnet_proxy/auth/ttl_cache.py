"""Cache of answers that somebody else gives: each key is asked for once at a time, few keys at once.

Failures are not kept, so that an outage ends when it ends.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


TTL_SECONDS = 60.0
MAX_ANSWERS = 4096
MAX_PARALLEL_QUESTIONS = 8


class TtlCache(Generic[K, V]):
    """Keeps `ask(key)` for `ttl` seconds, at most `capacity` answers, and asks for at most `parallel` keys at once."""

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V]],
        *,
        ttl: float = TTL_SECONDS,
        capacity: int = MAX_ANSWERS,
        parallel: int = MAX_PARALLEL_QUESTIONS,
        clock: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._ttl = ttl
        self._capacity = capacity
        self._slots = asyncio.Semaphore(parallel)
        self._clock = clock
        self._answers: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._running: dict[K, asyncio.Task[V]] = {}

    def known(self, key: K) -> V | None:
        """The kept answer, or None where there is none that is young enough."""
        kept = self._answers.get(key)
        if kept is None or kept[0] < self._clock():
            return None
        return kept[1]

    async def get(self, key: K) -> V:
        """The answer, asked for when not known. A caller that goes away does not take the question with it."""
        known = self.known(key)
        if known is not None:
            return known
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._fetch(key))
            self._running[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    async def _fetch(self, key: K) -> V:
        async with self._slots:
            return await self._ask(key)

    def _finished(self, key: K, task: asyncio.Task[V]) -> None:
        self._running.pop(key, None)
        if task.cancelled() or task.exception() is not None:
            return
        self._answers.pop(key, None)
        self._answers[key] = (self._clock() + self._ttl, task.result())
        while len(self._answers) > self._capacity:
            self._answers.popitem(last=False)

    async def aclose(self) -> None:
        """Cancels what is being asked."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
