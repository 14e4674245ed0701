"""One replica's side of the shared tails: the subscription that fills feeds, the lease that makes one replica follow.

Publications may be lost (Redis promises nothing there): each carries the id before it, and a feed that does not stand
there reads the tail again. Every few seconds it does so anyway, for the case that the last one of a burst was lost.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from guildnet_api.logs.feed import Feed
from guildnet_api.logs.records import Kind, Record, decode
from guildnet_api.logs.redis.tail import ANSWER_SECONDS, LIVE, RELEASED, RENEW_SECONDS, Lease, LeaseLost, Tail, answered
from guildnet_api.logs.source.follower import Follow
from guildnet_api.metrics import Metrics
from guildnet_api.tasks import together

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 1.0
RESYNC_SECONDS: Final = 3.0
CONTROL: Final = "guildnet:logs:control"  # a subscription needs a channel before the first feed has one


class Shared:
    """Redis as one replica sees it. `up` is set while it answers; `run` in a task of its own."""

    def __init__(self, redis: Redis, owner: str, max_lines: int, metrics: Metrics) -> None:
        self.up = asyncio.Event()
        self._redis = redis
        self._owner = owner
        self._max_lines = max_lines
        self._metrics = metrics
        self._feeds: dict[str, Feed] = {}
        self._subscription: Any = None
        self._told = False

    async def run(self) -> None:
        """Keep the subscription, and `up` true to what is."""
        while True:
            try:
                await self._subscribed()
            except (RedisError, OSError, TimeoutError) as error:
                self.down(error)
            # What is left in the pool was cut with the subscription; each would fail its next user once.
            await self._redis.connection_pool.disconnect(inuse_connections=False)
            await asyncio.sleep(RETRY_SECONDS)

    def down(self, error: BaseException) -> None:
        if self.up.is_set() or not self._told:
            log.warning("redis does not answer", error=str(error))
        self._told = True
        self.up.clear()

    def _answers(self) -> None:
        if not self.up.is_set():
            log.info("redis answers")
            self.up.set()
            for feed in self._feeds.values():
                feed.nudge.set()

    async def _subscribed(self) -> None:
        subscription = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            await answered(subscription.subscribe(CONTROL, *self._feeds))
            self._subscription = subscription
            self._answers()
            while True:
                # Waiting for a message ends by itself; what may not is a connection that has to be made again for it.
                waiting = subscription.get_message(timeout=RESYNC_SECONDS)
                message = await answered(waiting, within=RESYNC_SECONDS + ANSWER_SECONDS)
                if message is None or not self.up.is_set():
                    # A command may have failed while the subscription held: only an answer says that it is over.
                    await answered(self._redis.ping())
                    self._answers()
                if message is not None:
                    self._receive(message["channel"].decode(), message["data"])
        finally:
            self._subscription = None
            with suppress(RedisError, OSError):
                await answered(subscription.aclose())  # type: ignore[no-untyped-call]

    def _receive(self, name: str, payload: bytes) -> None:
        feed = self._feeds.get(name)
        if feed is None:
            return
        if payload in (LIVE, RELEASED):
            feed.nudge.set()
        else:
            publication = decode(payload)
            if publication.before == (feed.last or "0-0"):
                feed.accept(publication.records)
            else:
                feed.nudge.set()

    async def fill(self, feed: Feed, follow: Follow) -> None:
        """Until the run is over or Redis is lost. Raises nothing of Redis."""
        tail = Tail(self._redis, feed.run, self._max_lines)
        self._feeds[tail.channel] = feed
        try:
            if self._subscription is not None:
                await answered(self._subscription.subscribe(tail.channel))
            feed.mark(degraded=False)
            async with together() as tasks:
                syncing = tasks.create_task(self._sync(tail, feed))
                await self._lead(tail, feed, follow)
                syncing.cancel()
        except (RedisError, OSError, TimeoutError) as error:
            self.down(error)
        finally:
            self._feeds.pop(tail.channel, None)
            with suppress(RedisError, OSError):
                if self._subscription is not None:
                    await answered(self._subscription.unsubscribe(tail.channel))

    async def _sync(self, tail: Tail, feed: Feed) -> None:
        """Bring the feed up to the tail whenever it may be behind."""
        while True:
            feed.nudge.clear()
            await catch_up(tail, feed)
            if not feed.loaded and await tail.is_live():
                # What was appended before the tail was said to be live may have come after the read above.
                await catch_up(tail, feed)
                feed.mark(loaded=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(RESYNC_SECONDS):
                    await feed.nudge.wait()

    async def _lead(self, tail: Tail, feed: Feed, follow: Follow) -> None:
        """Try for the lease, follow while it lasts; over when the run is."""
        while not feed.ended:
            lease = await tail.acquire(self._owner)
            if lease is None:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._metrics.follows.labels("lease").inc()
            try:
                await _hold(lease, follow)
                await catch_up(tail, feed)
            except LeaseLost:
                log.info("lease lost", pod=feed.run.pod, container=feed.run.container)
            finally:
                # Without an answer in time the lease runs out by itself.
                with suppress(RedisError, OSError):
                    await lease.release()


async def _hold(lease: Lease, follow: Follow) -> None:
    known = await lease.tail.last(1)
    if known and known[0].kind is Kind.END:
        return
    async with together() as tasks:
        renewing = tasks.create_task(_renew(lease))
        await follow.run(lease.tail.run, lease)
        renewing.cancel()


async def _renew(lease: Lease) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        await lease.renew()


async def catch_up(tail: Tail, feed: Feed) -> None:
    """Read what the feed has not: the newest lines for an empty one, else everything after its last."""
    if not feed.last:
        feed.accept(await tail.last(tail.max_lines))
        return
    first = True
    while records := await tail.after(feed.last):
        if first and not await tail.has(feed.last):
            _gap(feed, records[0])
        first = False
        feed.accept(records)


def _gap(feed: Feed, record: Record) -> None:
    """Say that lines between the feed's last and this record are not kept any more, in the last place before it."""
    high, _, low = record.id.partition("-")
    identifier = f"{high}-{int(low) - 1}" if int(low) else f"{int(high) - 1}-0"
    data = b'{"reason":"trimmed","message":"Lines passed faster than they could be kept."}'
    feed.accept([Record(identifier, record.time_ns, data, Kind.GAP)])
