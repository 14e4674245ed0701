"""Cache of answers that somebody else gives: each key is asked for once at a time, few keys at once.

Questions wait by their source, and sources take turns, so that one that asks much keeps nobody else waiting. A question
that nobody waits for any more is not asked. Failures are not kept, so that an outage ends when it ends; while it lasts,
what was said last counts for a while longer.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from guildnet.errors import GuildNetError, NotFound, Unreachable

K = TypeVar("K")
V = TypeVar("V")

TTL_SECONDS = 8.0
"""A right that was taken away is noticed within ten seconds."""
STALE_SECONDS = 60.0
"""How long the last answer counts where nobody can be asked."""
DENIED_SECONDS = 60.0
RENEW_SECONDS = 2.5
"""An answer that is younger is not asked for again."""
PATIENCE_SECONDS = 2.0
"""For one who has an older answer to go by."""
ASK_SECONDS = 10.0
MAX_ANSWERS = 4096
MAX_PARALLEL_QUESTIONS = 8
MAX_PARALLEL_PER_SOURCE = 4
MAX_WAITING = 256
MAX_WAITING_PER_SOURCE = 32


class TooMuch(Unreachable):
    """More is being asked than waits its turn."""


class Question(Generic[K, V]):
    """What is being asked, for how many."""

    __slots__ = ("answer", "begun", "key", "source", "waiters")

    def __init__(self, key: K, source: str) -> None:
        self.key = key
        self.source = source
        self.answer: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self.begun = False
        self.waiters = 0


class TtlCache(Generic[K, V]):
    """Keeps `ask(key)` for `ttl` seconds, at most `capacity` answers, and asks for at most `parallel` keys at once.

    Answers that are not `believed` are kept apart and for DENIED_SECONDS: made-up keys push out no good answer.
    """

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V]],
        *,
        ttl: float = TTL_SECONDS,
        capacity: int = MAX_ANSWERS,
        parallel: int = MAX_PARALLEL_QUESTIONS,
        believed: Callable[[V], bool] = lambda _: True,
        clock: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._ttl = ttl
        self._capacity = capacity
        self._parallel = parallel
        self._believed = believed
        self._clock = clock
        self._answers: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._denials: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._assumed: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._open: dict[K, Question[K, V]] = {}
        self._waiting: OrderedDict[str, deque[Question[K, V]]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: Counter[str] = Counter()

    def known(self, key: K) -> V | None:
        """The kept answer, or None where there is none that is young enough."""
        now = self._clock()
        kept = self._answers.get(key) or self._denials.get(key)
        if kept is None or kept[0] < now:
            kept = self._assumed.get(key)
        return None if kept is None or kept[0] < now else kept[1]

    def until(self, key: K) -> float:
        """The moment after which `known` forgets what it knows; 0.0 where it knows nothing."""
        nothing = (0.0, None)
        return max(self._answers.get(key, nothing)[0], self._assumed.get(key, nothing)[0])

    async def get(self, key: K, source: str = "", assumed: V | None = None) -> V:
        """The answer, asked for when not known; raises what asking raises, TooMuch where too much is asked.

        Where nobody answers, or not soon, the last answer goes on to count if it is not too old, else `assumed`.
        NotFound is an answer.
        """
        known = self.known(key)
        if known is not None:
            return known
        old = self._answers.get(key)
        last = old[1] if old is not None and old[0] + STALE_SECONDS >= self._clock() else assumed
        if last is None:
            return await self._answer(key, source)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._answer(key, source)
        except (TooMuch, NotFound):
            raise
        except (GuildNetError, TimeoutError):
            self._put(self._assumed, key, last, self._ttl)
            return last

    async def renew(self, key: K, source: str) -> V:
        """The answer as it is now, a moment old at most; raises as `get` does."""
        kept = self._answers.get(key)
        if kept is not None and kept[0] - self._ttl + RENEW_SECONDS > self._clock():
            return kept[1]
        return await self._answer(key, source)

    async def _answer(self, key: K, source: str) -> V:
        """Asked for. A caller that goes away does not take a question with it that others wait for, or that is being
        asked."""
        question = self._open.get(key) or self._queue(key, source)
        question.waiters += 1
        try:
            return await asyncio.shield(question.answer)
        finally:
            question.waiters -= 1
            if not (question.waiters or question.begun):
                self._forget(question)

    # ---- the queue --------------------------------------------------------------------------------------------------

    def _queue(self, key: K, source: str) -> Question[K, V]:
        waiting = self._waiting.get(source, ())
        if len(waiting) >= MAX_WAITING_PER_SOURCE or len(self._open) - len(self._tasks) >= MAX_WAITING:
            raise TooMuch("Too much is being asked at once.")
        question: Question[K, V] = Question(key, source)
        self._open[key] = question
        self._waiting.setdefault(source, deque()).append(question)
        self._ask_next()
        return question

    def _forget(self, question: Question[K, V]) -> None:
        """It was not asked yet, and need not be."""
        waiting = self._waiting.get(question.source)
        if waiting is not None and question in waiting:
            waiting.remove(question)
            self._open.pop(question.key, None)
            if not waiting:
                del self._waiting[question.source]

    def _ask_next(self) -> None:
        """One question of each source that has few running, in turn."""
        while len(self._tasks) < self._parallel:
            source = next((name for name in self._waiting if self._asking[name] < MAX_PARALLEL_PER_SOURCE), None)
            if source is None:
                return
            waiting = self._waiting[source]
            question = waiting.popleft()
            if waiting:
                self._waiting.move_to_end(source)
            else:
                del self._waiting[source]
            question.begun = True
            self._asking[source] += 1
            task = asyncio.create_task(self._fetch(question))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: self._ask_next())

    async def _fetch(self, question: Question[K, V]) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                answer = await self._ask(question.key)
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised where the answer is waited for
            if isinstance(error, NotFound):
                self._drop(question.key)
            late = isinstance(error, TimeoutError)
            if question.waiters and not question.answer.done():
                question.answer.set_exception(Unreachable("There was no answer in time.") if late else error)
        else:
            self._keep(question.key, answer)
            if not question.answer.done():
                question.answer.set_result(answer)
        finally:
            self._open.pop(question.key, None)
            self._asking[question.source] -= 1
            if self._asking[question.source] <= 0:
                del self._asking[question.source]

    def _keep(self, key: K, answer: V) -> None:
        self._drop(key)
        if self._believed(answer):
            self._put(self._answers, key, answer, self._ttl)
        else:
            self._put(self._denials, key, answer, DENIED_SECONDS)

    def _drop(self, key: K) -> None:
        for kept in (self._answers, self._denials, self._assumed):
            kept.pop(key, None)

    def _put(self, kept: OrderedDict[K, tuple[float, V]], key: K, answer: V, seconds: float) -> None:
        kept[key] = (self._clock() + seconds, answer)
        while len(kept) > self._capacity:
            kept.popitem(last=False)

    async def aclose(self) -> None:
        """Cancels what is being asked, and what waits."""
        self._waiting.clear()
        for question in self._open.values():
            question.answer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._open.clear()
