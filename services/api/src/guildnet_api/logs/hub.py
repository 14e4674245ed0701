"""Starts a feed with its first viewer, ends it some time after its last, and keeps it filled from wherever it can.

With Redis a feed reads the shared tail; the replica that gets the lease also follows the container into it. Without
Redis, or while it is down, each replica follows for itself, marked `degraded`, and returns to the shared tail when it
is back: ids are the same either way, so a viewer sees no more than the mark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final

import structlog

from guildnet_api.logs.feed import Direct, Feed
from guildnet_api.logs.records import Run
from guildnet_api.logs.redis.replica import Shared
from guildnet_api.logs.source.follower import Follow
from guildnet_api.metrics import Metrics
from guildnet_api.tasks import together

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 5.0  # how soon a viewer notices what wakes nobody: a revoked right, the time for a ping


@dataclass(frozen=True, slots=True)
class Limits:
    """Per run: lines and bytes held, seconds followed after the last viewer; per replica: follows without Redis."""

    lines: int
    size: int
    linger: float
    direct: int


@dataclass(slots=True)
class _Open:
    feed: Feed
    viewers: int = 0
    task: asyncio.Task[None] | None = None
    idle: asyncio.TimerHandle | None = field(default=None)


class Hub:
    """The feeds of one replica. `run` owns every task; feeds can be opened only while it runs."""

    def __init__(self, follow: Follow, shared: Shared | None, limits: Limits, metrics: Metrics) -> None:
        self._follow = follow
        self._shared = shared
        self._limits = limits
        self._metrics = metrics
        self._open: dict[Run, _Open] = {}
        self._slots = asyncio.Semaphore(limits.direct)
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def live_everywhere(self) -> bool:
        """Whether lines are shared between replicas right now."""
        return self._shared is not None and self._shared.up.is_set()

    async def run(self) -> None:
        async with together() as tasks:
            self._tasks = tasks
            tasks.create_task(self._tick())
            if self._shared:
                tasks.create_task(self._shared.run())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.wake()

    def wake(self) -> None:
        """Let every viewer look around."""
        for opened in self._open.values():
            opened.feed.call()

    def open(self, run: Run) -> Feed:
        """The feed of a run, followed until as many calls of `leave` as of this, and a while longer."""
        opened = self._open.get(run)
        if opened is None:
            opened = self._open[run] = _Open(Feed(run, self._limits.lines, self._limits.size, self._metrics))
            if self._tasks is None:
                raise RuntimeError("the hub does not run")
            # Of its own context: the feed outlives the request that began it, and so must not log under its id.
            opened.task = self._tasks.create_task(self._fill(opened.feed), context=Context())
        if opened.idle:
            opened.idle.cancel()
            opened.idle = None
        opened.viewers += 1
        return opened.feed

    def leave(self, feed: Feed) -> None:
        opened = self._open.get(feed.run)
        if opened is None or opened.feed is not feed:
            return  # it broke, and was put away
        opened.viewers -= 1
        if not opened.viewers:
            opened.idle = asyncio.get_running_loop().call_later(self._limits.linger, self._close, opened)

    def _close(self, opened: _Open) -> None:
        if self._open.get(opened.feed.run) is opened:
            del self._open[opened.feed.run]
        if opened.task:
            opened.task.cancel()

    async def _fill(self, feed: Feed) -> None:
        self._metrics.feeds.inc()
        try:
            while not feed.ended:
                if self._shared and self._shared.up.is_set():
                    await self._shared.fill(feed, self._follow_into(feed))
                else:
                    await self._fill_directly(feed)
        except Exception:
            # Whatever it was, viewers of this run are told and everybody else goes on.
            log.exception("feed broken", pod=feed.run.pod, container=feed.run.container)
            feed.mark(trouble="The log cannot be followed; open it again.", loaded=True)
            self._open.pop(feed.run, None)
        finally:
            self._metrics.feeds.dec()

    def _follow_into(self, feed: Feed) -> Follow:
        return Follow(
            self._follow.source,
            self._follow.over,
            self._follow.behind,
            self._follow.settle,
            self._follow.max_lines,
            self._follow.max_line_bytes,
            trouble=_telling(feed),
        )

    async def _fill_directly(self, feed: Feed) -> None:
        """Until the run ends, or Redis is back."""
        feed.mark(degraded=True)
        if self._slots.locked():
            feed.mark(trouble="Too many logs are followed without Redis; this one waits for its turn.")
        async with self._slots:
            feed.mark(trouble="")
            self._metrics.follows.labels("direct").inc()
            with suppress(_Back):
                async with together() as tasks:
                    waiting = tasks.create_task(self._until_back())
                    await self._follow_into(feed).run(feed.run, Direct(feed))
                    waiting.cancel()

    async def _until_back(self) -> None:
        """Ends the group it is in when Redis answers again; without one, never."""
        if self._shared:
            await self._shared.up.wait()
            raise _Back


class _Back(Exception):  # noqa: N818 - it is news, not an error
    """Redis answers again."""


def _telling(feed: Feed) -> Callable[[str], None]:
    def tell(message: str) -> None:
        if message != feed.trouble:
            feed.mark(trouble=message)

    return tell
