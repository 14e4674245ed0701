"""The pause between attempts that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from guildnet.errors import TooManyRequests, Unreachable
from guildnet.pace import Pace, Retry

DOWN = Unreachable("down")


def test_pauses_grow_to_their_bound_and_begin_anew_after_a_success() -> None:
    retry = Retry()
    for _ in range(2):
        for failures in range(12):
            bound = min(10.0, 0.2 * 2**failures)
            assert bound / 2 <= retry.failed(DOWN) <= bound
        assert retry.failures == 12
        retry.succeeded()


@pytest.mark.parametrize(("asked", "pause"), [(3.0, 3.0), (3600.0, 10.0)])
def test_a_server_that_asks_for_patience_is_given_it_up_to_the_bound(asked: float, pause: float) -> None:
    assert Retry().failed(TooManyRequests("slow down", retry_after=asked)) == pause


async def test_the_pause_is_slept_through(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    real: Callable[[float], Any] = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await Retry().wait(3.0)
    assert slept == [3.0]


async def test_attempts_of_several_tasks_are_kept_apart() -> None:
    pace = Pace(0.05)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(Retry(pace).wait(0.0) for _ in range(5)))
    assert asyncio.get_running_loop().time() - began >= 0.2
