"""The token bucket and the growing pause."""

from __future__ import annotations

import pytest

from guildnet.pace import Bucket, backoff


def test_a_burst_is_free_and_what_follows_waits_its_turn() -> None:
    bucket = Bucket(rate=2.0, burst=3)
    assert [bucket.reserve(10.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]


def test_tokens_come_back_with_time_and_never_above_the_burst() -> None:
    bucket = Bucket(rate=1.0, burst=2, now=0.0)
    bucket.spend(5)
    assert bucket.level == -3.0
    assert bucket.refill(1.0) == -2.0
    assert bucket.refill(100.0) == 2.0


def test_a_budget_of_time_does_not_fill_while_it_is_spent() -> None:
    budget = Bucket(rate=0.5, burst=1.0, now=10.0)
    budget.refill(20.0)
    budget.spend_until(23.0)
    assert budget.level == -2.0
    assert budget.refill(25.0) == -1.0


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.25), (2, 0.5), (5, 4.0), (8, 20.0), (10_000, 20.0)])
def test_the_pause_doubles_up_to_its_bound(failures: int, seconds: float) -> None:
    assert backoff(failures, first=0.25, most=20.0) == seconds
