"""One replica's use of the shared tails: the subscription that fills feeds, the lease that makes one replica follow.

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

from guildnet_api.aio import task_group
from guildnet_api.logs.feed import Feed
from guildnet_api.logs.model import Kind, Record
from guildnet_api.logs.redis.client import COMMAND_TIMEOUT_SECONDS, within_deadline
from guildnet_api.logs.redis.keys import CONTROL_CHANNEL
from guildnet_api.logs.redis.publication import Publication, decode
from guildnet_api.logs.redis.tail import LIVE, RELEASED, RENEW_SECONDS, Lease, LeaseLost, Tail
from guildnet_api.logs.source.follower import Follower
from guildnet_api.metrics import Metrics

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 1.0
"""Between two attempts at a subscription or a lease."""
RESYNC_SECONDS: Final = 3.0
"""Between two readings of the tail that nothing asked for."""


class Replica:
    """Redis as one replica sees it. `up` is set while Redis answers; `run` has a task of its own."""

    def __init__(self, redis: Redis, owner: str, max_lines: int, metrics: Metrics) -> None:
        self.up = asyncio.Event()
        self._redis = redis
        self._owner = owner
        self._max_lines = max_lines
        self._metrics = metrics
        self._feeds: dict[str, Feed] = {}
        self._subscription: Any = None
        self._logged_down = False
        self._unreadable: set[str] = set()
        """Channels of feeds of which that was logged."""

    async def run(self) -> None:
        """Keep the subscription and, with it, `up`."""
        while True:
            try:
                await self._subscribed()
            except (RedisError, OSError, TimeoutError) as error:
                self.mark_down(error)
            # What is left in the pool was cut with the subscription; each would fail its next user once.
            with suppress(RedisError, OSError, TimeoutError):
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            await asyncio.sleep(RETRY_SECONDS)

    def mark_down(self, error: BaseException) -> None:
        if self.up.is_set() or not self._logged_down:
            log.warning("redis does not answer", error=str(error))
        self._logged_down = True
        self.up.clear()

    def _mark_up(self) -> None:
        if not self.up.is_set():
            log.info("redis answers")
            self.up.set()
            for feed in self._feeds.values():
                feed.resync.set()

    async def _subscribed(self) -> None:
        subscription = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            await within_deadline(subscription.subscribe(CONTROL_CHANNEL, *self._feeds))
            self._subscription = subscription
            self._mark_up()
            while True:
                # Waiting for a message ends by itself; what may not is a connection that has to be made again for it.
                waiting = subscription.get_message(timeout=RESYNC_SECONDS)
                message = await within_deadline(waiting, RESYNC_SECONDS + COMMAND_TIMEOUT_SECONDS)
                if message is None or not self.up.is_set():
                    # A command may have failed while the subscription held: only an answer says that it is over.
                    await within_deadline(self._redis.ping())
                    self._mark_up()
                if message is not None:
                    self._receive(message["channel"].decode(), message["data"])
        finally:
            self._subscription = None
            with suppress(RedisError, OSError):
                await within_deadline(subscription.aclose())  # type: ignore[no-untyped-call]  # redis leaves it untyped

    def _receive(self, name: str, payload: bytes) -> None:
        feed = self._feeds.get(name)
        if feed is None:
            return
        publication = None if payload in (LIVE, RELEASED) else self._decoded(name, payload)
        if publication is not None and publication.before == (feed.last or "0-0"):
            feed.accept(publication.records)
        else:
            feed.resync.set()

    def _decoded(self, name: str, payload: bytes) -> Publication | None:
        """None for what another version may have published: in a rolling upgrade both follow logs."""
        try:
            return decode(payload)
        except ValueError as error:
            if name not in self._unreadable:
                log.warning("publication cannot be read", channel=name, error=str(error))
            self._unreadable.add(name)
            return None

    async def fill(self, feed: Feed, follower: Follower) -> None:
        """Until the run is over or Redis is lost. Raises nothing of Redis."""
        tail = Tail(self._redis, feed.run, self._max_lines)
        self._feeds[tail.channel] = feed
        try:
            if self._subscription is not None:
                await within_deadline(self._subscription.subscribe(tail.channel))
            feed.mark(degraded=False)
            async with task_group() as tasks:
                syncing = tasks.create_task(self._sync(tail, feed))
                await self._follow(tail, feed, follower)
                syncing.cancel()
        except (RedisError, OSError, TimeoutError) as error:
            self.mark_down(error)
        finally:
            self._feeds.pop(tail.channel, None)
            self._unreadable.discard(tail.channel)
            with suppress(RedisError, OSError):
                if self._subscription is not None:
                    await within_deadline(self._subscription.unsubscribe(tail.channel))

    async def _sync(self, tail: Tail, feed: Feed) -> None:
        """Bring the feed up to the tail whenever it may be behind."""
        while True:
            feed.resync.clear()
            await catch_up(tail, feed)
            if not feed.loaded and await tail.is_live():
                # What was appended before the tail was said to be live may have come after the read above.
                await catch_up(tail, feed)
                feed.mark(loaded=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(RESYNC_SECONDS):
                    await feed.resync.wait()

    async def _follow(self, tail: Tail, feed: Feed, follower: Follower) -> None:
        """Try for the lease, follow the container while it lasts; returns when the run is over."""
        while not feed.ended:
            lease = await tail.acquire(self._owner)
            if lease is None:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._metrics.follows.labels("lease").inc()
            try:
                await _hold(lease, follower)
                await catch_up(tail, feed)
            except LeaseLost:
                log.info("lease lost", pod=feed.run.pod, container=feed.run.container)
            finally:
                # Without an answer in time the lease runs out by itself.
                with suppress(RedisError, OSError):
                    await lease.release()


async def _hold(lease: Lease, follower: Follower) -> None:
    known = await lease.tail.last(1)
    if known and known[0].kind is Kind.END:
        return
    async with task_group() as tasks:
        renewing = tasks.create_task(_renew(lease))
        await follower.run(lease.tail.run, lease)
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
    """Put a gap right before this record: lines between the feed's last and it are not kept any more."""
    high, _, low = record.id.partition("-")
    identifier = f"{high}-{int(low) - 1}" if int(low) else f"{int(high) - 1}-0"
    data = b'{"reason":"trimmed","message":"Lines passed faster than they could be kept."}'
    feed.accept([Record(identifier, record.time_ns, data, Kind.GAP)])
