"""What one identity may take of a process, and nobody else pays for."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from guildnet.errors import TooManyRequests
from guildnet_api.http.limits import Bounds, Limits

BOUNDS = Bounds(rate=10.0, burst=20, requests=3, streams=2, searches=1)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def ask(limits: Limits, subject: str = "alice") -> float | None:
    """Seconds to wait, None where the request is taken."""
    try:
        with limits.request(subject):
            return None
    except TooManyRequests as error:
        return error.retry_after


def test_a_burst_is_taken_and_then_so_many_a_second():
    clock = Clock()
    limits = Limits(BOUNDS, clock)
    assert [ask(limits) for _ in range(20)] == [None] * 20
    assert ask(limits) == pytest.approx(0.1)
    assert ask(limits, "bob") is None
    clock.now += 0.5
    assert [ask(limits) for _ in range(6)] == [*[None] * 5, pytest.approx(0.1)]


def test_what_is_left_is_said_in_the_standard_fields():
    clock = Clock()
    limits = Limits(BOUNDS, clock)
    assert limits.headers("alice") == {
        "RateLimit-Policy": '"requests";q=20;w=2', "RateLimit": '"requests";r=20;t=0',
    }  # fmt: skip
    for _ in range(15):
        ask(limits)
    assert limits.headers("alice")["RateLimit"] == '"requests";r=5;t=2'


def test_so_many_requests_are_answered_at_once():
    limits = Limits(BOUNDS)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(limits.request("alice"))
        assert ask(limits) == 1.0
        assert ask(limits, "bob") is None
    assert ask(limits) is None


def test_so_many_logs_are_read_at_once():
    limits = Limits(Bounds(readings=1))
    with limits.reading("alice"):
        with pytest.raises(TooManyRequests), limits.reading("alice"):
            pass
        with limits.reading("bob"):
            pass
    with limits.reading("alice"):
        pass


def test_so_many_streams_and_searches_are_open():
    limits = Limits(BOUNDS)
    with limits.stream("alice", searches=True):
        with pytest.raises(TooManyRequests, match="with a q"), limits.stream("alice", searches=True):
            pass
        with limits.stream("alice"), pytest.raises(TooManyRequests, match="2 streams"), limits.stream("alice"):
            pass
        with limits.stream("bob", searches=True):
            pass
    with limits.stream("alice", searches=True):
        pass
    assert not limits._streams
    assert not limits._searches
