"""The lease of a tail over a real Redis: who lost it can do nothing any more that only its holder may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from guildnet_api.logs.model import RawLine, Run
from guildnet_api.logs.redis.client import connect as connect_redis
from guildnet_api.logs.redis.keys import lease_key
from guildnet_api.logs.redis.tail import Lease, LeaseLost, Tail

RUN = Run("pod-uid", "ws-1", "main", 0)


@pytest.fixture
async def tail(redis_url: str) -> AsyncIterator[Tail]:
    redis = connect_redis(redis_url)
    yield Tail(redis, RUN, max_lines=100)
    await redis.aclose()


async def acquired(tail: Tail, owner: str) -> Lease:
    lease = await tail.acquire(owner)
    assert lease is not None
    return lease


async def expire(tail: Tail) -> None:
    """As if the holder had not renewed it in time."""
    assert await tail.redis.delete(lease_key(RUN)) == 1


async def written(tail: Tail) -> list[bytes]:
    return [record.data for record in await tail.last(100)]


async def test_a_lease_has_one_holder(tail: Tail):
    first = await acquired(tail, "first")
    assert await tail.acquire("second") is None
    await first.release()
    assert await tail.acquire("second") is not None


async def test_who_lost_the_lease_cannot_append_though_its_lines_are_newer(tail: Tail):
    frozen = await acquired(tail, "frozen")
    await frozen.append([RawLine(1, b"one")])
    await expire(tail)
    other = await acquired(tail, "other")
    await other.append([RawLine(2, b"two")])
    with pytest.raises(LeaseLost):
        await frozen.append([RawLine(3, b"three")])
    assert await written(tail) == [b"one", b"two"]
    await other.append([RawLine(3, b"three")])
    assert await written(tail) == [b"one", b"two", b"three"]


async def test_an_append_without_any_holder_is_refused_too(tail: Tail):
    lease = await acquired(tail, "late")
    await expire(tail)
    with pytest.raises(LeaseLost):
        await lease.append([RawLine(1, b"one")])
    assert await written(tail) == []


@pytest.mark.parametrize("call", [Lease.renew, Lease.live], ids=["renew", "live"])
async def test_who_lost_the_lease_neither_renews_it_nor_says_the_tail_is_live(
    tail: Tail, call: Callable[[Lease], Awaitable[Any]]
):
    frozen = await acquired(tail, "frozen")
    await expire(tail)
    await acquired(tail, "other")
    with pytest.raises(LeaseLost):
        await call(frozen)
    assert not await tail.is_live()


async def test_who_lost_the_lease_does_not_give_back_another_ones(tail: Tail):
    frozen = await acquired(tail, "frozen")
    await expire(tail)
    other = await acquired(tail, "other")
    await frozen.release()
    assert await tail.acquire("third") is None
    await other.append([RawLine(1, b"one")])


async def test_the_same_owner_is_another_holder_the_next_time(tail: Tail):
    before = await acquired(tail, "api")
    await expire(tail)
    await acquired(tail, "api")
    with pytest.raises(LeaseLost):
        await before.append([RawLine(1, b"one")])


async def test_an_append_renews_the_lease(tail: Tail):
    lease = await acquired(tail, "api")
    await tail.redis.pexpire(lease_key(RUN), 1_000)
    await lease.append([RawLine(1, b"one")])
    assert await tail.redis.pttl(lease_key(RUN)) > 1_000
