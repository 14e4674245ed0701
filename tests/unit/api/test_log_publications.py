"""What another version of the api published: a line in the log here, and never the end of anything."""

from __future__ import annotations

from typing import Any
from unittest.mock import AsyncMock

import pytest
from structlog.testing import capture_logs

from guildnet.telemetry import make_registry
from guildnet_api.logs.feed import Feed
from guildnet_api.logs.filtered import RingLimits
from guildnet_api.logs.model import Kind, Run
from guildnet_api.logs.redis.replica import Replica
from guildnet_api.logs.redis.tail import Tail
from guildnet_api.metrics import Metrics

RUN = Run("pod-uid", "pod", "main", 0)
OF_THE_NEXT_VERSION = b"0-0\n5-0 w 5 2\nhi"


@pytest.fixture
def replica() -> Replica:
    return Replica(AsyncMock(), "me", 100, Metrics(make_registry()))


def followed(replica: Replica) -> tuple[str, Feed]:
    feed = Feed(RUN, RingLimits(100, 1 << 20))
    channel = Tail(AsyncMock(), RUN, 100).channel
    replica._feeds[channel] = feed
    return channel, feed


@pytest.mark.parametrize(
    "payload",
    [OF_THE_NEXT_VERSION, b"0-0\nx", b"\xff", b"0-0\n5-0 l five 2\nhi", b"0-0\n5-0 l 5 -2\nhi", b"0-0\n5-0 l 5 9\nhi"],
)
def test_an_unreadable_publication_is_one_logged_line_and_the_tail_is_read_again(replica: Replica, payload: bytes):
    channel, feed = followed(replica)
    feed.resync.clear()
    with capture_logs() as logged:
        for _ in range(100):
            replica._receive(channel, payload)
    assert feed.resync.is_set()
    assert [line["event"] for line in logged if line["log_level"] == "warning"] == ["publication cannot be read"]


async def test_a_record_of_another_kind_is_a_gap_that_is_told():
    redis: Any = AsyncMock()
    redis.xrange.return_value = [(b"5-0", {b"k": b"w", b"t": b"5", b"d": b"hi"}), (b"6-0", {b"k": b"l"})]
    records = await Tail(redis, RUN, 100).after("4-0")
    assert [(record.id, record.kind) for record in records] == [("5-0", Kind.GAP), ("6-0", Kind.GAP)]
    assert all(b"another version" in record.data for record in records)


async def test_redis_that_cannot_even_be_left_is_redis_that_does_not_answer(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
):
    class EnoughError(Exception):
        pass

    monkeypatch.setattr(replica, "_subscribed", AsyncMock(side_effect=[OSError("gone"), EnoughError]))
    monkeypatch.setattr("guildnet_api.logs.redis.replica.RETRY_SECONDS", 0)
    monkeypatch.setattr(
        replica._redis.connection_pool, "disconnect", AsyncMock(side_effect=TimeoutError("nobody takes it"))
    )
    with pytest.raises(EnoughError):
        await replica.run()
