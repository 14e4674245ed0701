"""Feeds of one replica: started with the first reader, ended some time after the last, filled from wherever possible.

With Redis a feed reads the shared tail; the replica that gets the lease also follows the container into it. Without
Redis, or while it is down, each replica follows for itself, marked `degraded`, and returns to the shared tail when it
is back: ids are the same either way, so a reader sees no more than the mark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from guildnet_api.aio import TaskGroup, task_group
from guildnet_api.logs.feed import Feed, FeedSink
from guildnet_api.logs.filtered import RingLimits
from guildnet_api.logs.model import Run
from guildnet_api.logs.redis.replica import Replica
from guildnet_api.logs.source.follower import Follower
from guildnet_api.metrics import Metrics

log = structlog.get_logger(__name__)

WAKE_SECONDS: Final = 5.0
"""How soon a reader notices what nobody wakes it for: a revoked right, the time for a ping."""


@dataclass(frozen=True, slots=True)
class HubLimits:
    """Bounds of each feed's rings; seconds a run is followed after its last reader; runs followed without Redis."""

    rings: RingLimits
    linger_seconds: float
    max_direct_follows: int


@dataclass(slots=True)
class _Open:
    feed: Feed
    readers: int = 0
    task: asyncio.Task[None] | None = None
    closing: asyncio.TimerHandle | None = field(default=None)


class Hub:
    """The feeds of one replica. `run` owns every task; feeds can be opened only while it runs."""

    def __init__(self, follower: Follower, replica: Replica | None, limits: HubLimits, metrics: Metrics) -> None:
        self._follower = follower
        self._replica = replica
        self._limits = limits
        self._metrics = metrics
        self._open: dict[Run, _Open] = {}
        self._direct_slots = asyncio.Semaphore(limits.max_direct_follows)
        self._tasks: TaskGroup | None = None

    @property
    def shared(self) -> bool:
        """Whether lines are shared between replicas right now."""
        return self._replica is not None and self._replica.up.is_set()

    async def run(self) -> None:
        async with task_group() as tasks:
            self._tasks = tasks
            tasks.create_task(self._wake_regularly())
            if self._replica:
                tasks.create_task(self._replica.run())

    async def _wake_regularly(self) -> None:
        while True:
            await asyncio.sleep(WAKE_SECONDS)
            self.wake()

    def wake(self) -> None:
        """Wake every reader."""
        for opened in self._open.values():
            opened.feed.wake_readers()

    def open(self, run: Run) -> Feed:
        """The feed of a run, followed until each call of `open` has its `release`, and `linger_seconds` longer.

        Raises RuntimeError while the hub does not run.
        """
        opened = self._open.get(run)
        if opened is None:
            if self._tasks is None:
                raise RuntimeError("the hub does not run")
            opened = self._open[run] = _Open(Feed(run, self._limits.rings, self._metrics))
            # Of its own context: the feed outlives the request that began it, and so must not log under its id.
            opened.task = self._tasks.create_task(self._fill(opened.feed), context=Context())
        if opened.closing:
            opened.closing.cancel()
            opened.closing = None
        opened.readers += 1
        return opened.feed

    def release(self, feed: Feed) -> None:
        opened = self._open.get(feed.run)
        if opened is None or opened.feed is not feed:
            return  # it broke, and was put away
        opened.readers -= 1
        if not opened.readers:
            loop = asyncio.get_running_loop()
            opened.closing = loop.call_later(self._limits.linger_seconds, self._close, opened)

    def _close(self, opened: _Open) -> None:
        if self._open.get(opened.feed.run) is opened:
            del self._open[opened.feed.run]
        if opened.task:
            opened.task.cancel()

    async def _fill(self, feed: Feed) -> None:
        self._metrics.feeds.inc()
        try:
            while not feed.ended:
                if self._replica and self._replica.up.is_set():
                    await self._replica.fill(feed, self._follower_of(feed))
                else:
                    await self._fill_directly(feed)
        except Exception:
            # Whatever it was, readers of this run are told and everybody else goes on.
            log.exception("feed broken", pod=feed.run.pod, container=feed.run.container)
            feed.mark(trouble="The log cannot be followed; open it again.", loaded=True)
            self._open.pop(feed.run, None)
        finally:
            self._metrics.feeds.dec()

    def _follower_of(self, feed: Feed) -> Follower:
        return replace(self._follower, report=_marking(feed))

    async def _fill_directly(self, feed: Feed) -> None:
        """Until the run ends, or Redis is back."""
        feed.mark(degraded=True)
        if self._direct_slots.locked():
            feed.mark(trouble="Too many logs are followed without Redis; this one waits for its turn.")
        async with self._direct_slots:
            feed.mark(trouble="")
            self._metrics.follows.labels("direct").inc()
            with suppress(_RedisIsBack):
                async with task_group() as tasks:
                    waiting = tasks.create_task(self._until_redis_is_back())
                    await self._follower_of(feed).run(feed.run, FeedSink(feed))
                    waiting.cancel()

    async def _until_redis_is_back(self) -> None:
        """Ends the group it is in when Redis answers again; without one, returns."""
        if self._replica:
            await self._replica.up.wait()
            raise _RedisIsBack


class _RedisIsBack(Exception):  # noqa: N818  it is news, not an error
    """Redis answers again."""


def _marking(feed: Feed) -> Callable[[str], None]:
    def report(trouble: str) -> None:
        if trouble != feed.trouble:
            feed.mark(trouble=trouble)

    return report
