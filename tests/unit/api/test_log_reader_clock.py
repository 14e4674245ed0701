"""A reader's stream by the clock, on a played one: pings while all is silent, the end when a right is gone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guildnet.workspace import parse
from guildnet_api.cluster.pods import Container, Pod
from guildnet_api.http.event_stream import SHUTDOWN_RETRY_MS
from guildnet_api.http.sse import Event, Ping, Retry
from guildnet_api.logs import filtered
from guildnet_api.logs.feed import Feed
from guildnet_api.logs.filtered import EVERYTHING, Filter, RingLimits
from guildnet_api.logs.hub import WAKE_SECONDS
from guildnet_api.logs.model import Record, Run
from guildnet_api.logs.reader import viewer
from guildnet_api.logs.reader.cursor import StreamRequest
from guildnet_api.logs.reader.stream_events import End, Lines, Status
from guildnet_api.logs.reader.viewer import StreamContext, Viewer

MAX_SILENCE_SECONDS, MAX_REVOKED_SECONDS = 20.0, 10.0
"""What is promised: docs/logs.md."""
POD = Pod(
    "p", "abcdefgh-1", "ws", "u", "n", "Running", "", deleting=False, resource_version="1",
    containers=(Container("main", False, "running", "", "", 0),),
)  # fmt: skip
RUN = Run(POD.uid, POD.name, "main", 0)
SPEC = {"image": "example.com/app:1", "running": False}


class Wire:
    """A connection that takes everything."""

    def __init__(self, played: Played) -> None:
        self._played = played

    def write(self, chunk: bytes) -> bool:
        self._played.sent.append((self._played.now, chunk))
        return True


class Played:
    """A viewer of a feed, the clock, and what was sent when: events, and chunks that the feed wrote."""

    def __init__(self, wanted: Filter = EVERYTHING, *, attached: bool = True, ends_at: float = math.inf) -> None:
        self.now = 0.0
        self.allowed = True
        self.sent: list[tuple[float, Event | bytes]] = []
        self.ended_at: float | None = None
        self.feed = Feed(RUN, RingLimits(100, 100_000))
        self.feed.mark(loaded=True)
        hub: Any = SimpleNamespace(open=lambda _: self.feed, release=lambda _: None)
        index: Any = SimpleNamespace(pod=lambda _: POD, get=lambda _: None)
        supervisor: Any = SimpleNamespace(closed=False, count_cut=lambda _: None)
        searcher: Any = None  # no search without a q
        context = StreamContext(hub, index, supervisor, searcher, ends_at)
        self._viewer = Viewer(StreamRequest("ws", wanted, tail=0), context, lambda: self.allowed)
        self._connection: Any = Wire(self) if attached else None
        self._next_wake = WAKE_SECONDS

    async def read(self) -> None:
        async for event in self._viewer.events(self._connection):
            self.sent.append((self.now, event))
        self.ended_at = self.now

    async def until(self, now: float) -> None:
        """The clock goes on; the hub wakes every reader at its times."""
        while self._next_wake <= now:
            self.now, self._next_wake = self._next_wake, self._next_wake + WAKE_SECONDS
            self.feed.wake_readers()
            await settle()
        self.now = now

    async def line(self, number: int) -> None:
        """A line, written to attached readers at once."""
        self.feed.accept([Record(f"{number}-0", number, b"text")])
        self.feed._deliver()
        await settle()

    @property
    def silences(self) -> Sequence[float]:
        """Seconds between one thing that was sent and the next, or now."""
        times = [at for at, _ in self.sent]
        return [after - before for before, after in zip(times, [*times[1:], self.now], strict=True)]

    @property
    def pings(self) -> int:
        return sum(isinstance(event, Ping) for _, event in self.sent)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def playing(
    wanted: Filter = EVERYTHING, *, attached: bool = True, ends_at: float = math.inf
) -> AsyncIterator[Played]:
    clock = SimpleNamespace(monotonic=lambda: 0.0)
    with patch.object(viewer, "time", clock), patch.object(filtered, "time", clock):
        played = Played(wanted, attached=attached, ends_at=ends_at)
        clock.monotonic = lambda: played.now
        reading = asyncio.create_task(played.read())
        await settle()
        try:
            yield played
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


@pytest.mark.parametrize("attached", [True, False], ids=["written to directly", "by its own task"])
@given(at=st.floats(0, 40))
@settings(max_examples=40)
def test_a_silent_stream_is_never_silent_for_longer_than_is_promised(attached: bool, at: float):
    async def play() -> None:
        async with playing(attached=attached) as played:
            await played.until(at)
            await played.line(1)
            await played.until(at + 200)
            assert max(played.silences) <= MAX_SILENCE_SECONDS
            assert played.pings >= 200 // MAX_SILENCE_SECONDS

    asyncio.run(play())


async def test_a_reader_whose_filter_passes_nothing_gets_pings_all_the_same():
    async with playing(Filter("error")) as played:
        for number in range(1, 600):
            await played.until(number / 3)
            await played.line(number)
        assert not any(isinstance(event, bytes | Lines) for _, event in played.sent)
        assert max(played.silences) <= MAX_SILENCE_SECONDS


@pytest.mark.parametrize("attached", [True, False], ids=["written to directly", "by its own task"])
async def test_a_stream_ends_in_time_and_says_when_to_come_back(attached: bool):
    async with playing(attached=attached, ends_at=60.0) as played:
        for second in range(1, 100):
            await played.until(float(second))
            await played.line(second)
        assert played.ended_at is not None
        assert 60 <= played.ended_at <= 60 + WAKE_SECONDS
        assert played.sent[-1][1] == Retry(SHUTDOWN_RETRY_MS)
        assert sum(isinstance(event, bytes | Lines) for _, event in played.sent) == 59


async def test_no_ping_comes_between_lines():
    async with playing() as played:
        for number in range(1, 60):
            await played.until(number * 3)
            await played.line(number)
        assert played.pings == 0


@given(revoked=st.floats(0, 30), wakes=st.lists(st.floats(0, 60), max_size=30).map(sorted))
@example(revoked=9.2, wakes=[9.1])
@settings(max_examples=60)
def test_who_loses_the_right_loses_the_stream_in_time_whatever_wakes_it_when(revoked: float, wakes: list[float]):
    async def play() -> None:
        async with playing() as played:
            for at in sorted([*wakes, revoked]):
                await played.until(at)
                if at == revoked:
                    played.allowed = False
                else:
                    played.feed.wake_readers()
                    await settle()
            await played.until(max(61.0, revoked + MAX_REVOKED_SECONDS))
            assert played.ended_at is not None
            assert played.ended_at - revoked <= MAX_REVOKED_SECONDS
            assert not any(at > played.ended_at for at, _ in played.sent)

    asyncio.run(play())


async def test_a_reader_that_does_not_follow_is_told_the_end_where_there_is_no_run() -> None:
    index: Any = SimpleNamespace(pod=lambda _: None, get=lambda _: parse({"metadata": {"name": "ws"}, "spec": SPEC}))
    supervisor: Any = SimpleNamespace(closed=False, count_cut=lambda _: None)
    nothing: Any = None
    context = StreamContext(nothing, index, supervisor, nothing)
    reader = Viewer(StreamRequest("ws", follow=False), context, lambda: True)
    retry, status, *others = [event async for event in reader.events(None)]
    assert (type(retry), type(status), others) == (Retry, Status, [End()])
