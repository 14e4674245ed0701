"""The queue: each key once, never twice at the same time, failures later and later, news at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from guildnet_operator import workqueue as module
from guildnet_operator.workqueue import (
    FIRST_RETRY_SECONDS,
    MAX_RETRY_SECONDS,
    OUTAGE,
    RETRY,
    SETTLED,
    Next,
    Work,
    WorkQueue,
    delay,
)
from support.played_clock import played
from support.waiting import eventually


@contextlib.asynccontextmanager
async def running(work: Work, workers: int = 2) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(workers=workers, rng=lambda: 0.5)
    task = asyncio.create_task(queue.run(work))
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_key_that_waits_is_not_queued_twice():
    seen: list[str] = []

    async def work(key: str) -> Next:
        seen.append(key)
        return SETTLED

    queue = WorkQueue()
    for key in ("a", "b", "a", "a"):
        queue.add(key)
    assert len(queue) == 2
    task = asyncio.create_task(queue.run(work))
    await eventually(queue.idle)
    task.cancel()
    assert seen == ["a", "b"]


async def test_a_key_is_never_worked_on_twice_at_once_and_news_meanwhile_are_not_lost():
    active, most, runs = 0, 0, 0
    entered, leave = asyncio.Event(), asyncio.Event()

    async def work(key: str) -> Next:
        nonlocal active, most, runs
        active, runs = active + 1, runs + 1
        most = max(most, active)
        entered.set()
        await leave.wait()
        active -= 1
        return SETTLED

    async with running(work) as queue:
        queue.add("a")
        await entered.wait()
        queue.add("a")
        queue.add("a")
        leave.set()
        await eventually(queue.idle)
    assert (most, runs) == (1, 2)


async def test_different_keys_are_worked_on_at_the_same_time():
    both = asyncio.Barrier(2)

    async def work(key: str) -> Next:
        await both.wait()
        return SETTLED

    async with running(work) as queue:
        queue.add("a")
        queue.add("b")
        await eventually(queue.idle)


async def test_a_failed_key_comes_back_and_its_success_forgets_the_failures(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.001)
    answers = [RETRY, RETRY, SETTLED, RETRY, SETTLED]

    async def work(key: str) -> Next:
        return answers.pop(0)

    async with running(work) as queue:
        queue.add("a")
        await eventually(queue.idle)
        assert len(answers) == 2
        assert queue._failures == {}
        queue.add("a")
        await eventually(queue.idle)
    assert answers == []


async def test_a_bug_in_one_key_stops_neither_it_nor_the_others(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.001)
    attempts = {"bad": 0, "good": 0}

    async def work(key: str) -> Next:
        attempts[key] += 1
        if key == "bad" and attempts[key] < 3:
            raise KeyError("a bug")
        return SETTLED

    async with running(work, workers=1) as queue:
        queue.add("bad")
        queue.add("good")
        await eventually(queue.idle)
    assert attempts == {"bad": 3, "good": 1}


async def test_news_about_a_key_that_waits_for_its_retry_are_worked_on_at_once():
    attempts = 0

    async def work(key: str) -> Next:
        nonlocal attempts
        attempts += 1
        return Next(after=3600) if attempts == 1 else SETTLED

    async with running(work) as queue:
        queue.add("a")
        await eventually(lambda: queue.delayed == 1)
        queue.add("a")
        await eventually(queue.idle)
    assert attempts == 2


async def test_cancelling_leaves_no_timer_behind():
    async def work(key: str) -> Next:
        return Next(after=3600)

    async with running(work) as queue:
        queue.add("a")
        await eventually(lambda: queue.delayed == 1)
    assert queue.delayed == 0


@pytest.mark.parametrize("failures", [1, 2, 3, 8, 50, 5000])
def test_delays_double_up_to_their_cap_with_a_quarter_of_jitter(failures):
    middle = min(FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 16), MAX_RETRY_SECONDS)
    assert delay(failures, random_unit=0.0) == pytest.approx(middle * 0.75)
    assert delay(failures, random_unit=1.0) == pytest.approx(middle * 1.25)


def test_the_age_is_that_of_the_key_that_waits_longest(monkeypatch: pytest.MonkeyPatch):
    now = 10.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    queue = WorkQueue()
    assert queue.age == 0.0
    queue.add("a")
    now = 13.0
    queue.add("b")
    queue.add("a")
    assert queue.age == 3.0


@played
async def test_in_an_outage_keys_queue_up_for_their_turn_and_the_first_that_succeeds_frees_all(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(module, "MAX_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(module, "RETRIES_PER_SECOND", 20.0)
    down, attempts = True, 0

    async def work(key: str) -> Next:
        nonlocal attempts
        attempts += 1
        return OUTAGE if down else SETTLED

    async with running(work) as queue:
        for number in range(200):
            queue.add(f"key-{number}")
        await eventually(lambda: attempts >= 200)
        await asyncio.sleep(0.1)  # the burst
        before = attempts
        await asyncio.sleep(1.0)
        assert 18 <= attempts - before <= 22, "twenty a second; 200 keys with a cap of 10 ms would be 20,000"
        down, began = False, asyncio.get_running_loop().time()
        await eventually(queue.idle)
        assert asyncio.get_running_loop().time() - began < 0.5, "taking turns, the last would have waited ten seconds"


async def test_a_key_that_heals_frees_only_those_that_met_the_outage(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 30.0)
    fail = {"own": RETRY, "outage-1": OUTAGE, "outage-2": OUTAGE}
    attempts: list[str] = []

    async def work(key: str) -> Next:
        attempts.append(key)
        return fail.get(key, SETTLED)

    async with running(work) as queue:
        for key in ("own", "outage-1", "outage-2", "well"):
            queue.add(key)
        await eventually(lambda: len(attempts) == 4)
        fail.pop("outage-1")
        fail.pop("outage-2")
        queue.add("outage-1")
        await eventually(lambda: attempts[4:] == ["outage-1", "outage-2"])
        assert queue.delayed == 1


@played
async def test_news_in_an_outage_do_not_put_off_the_next_attempt(monkeypatch):
    """Whoever is worked on at once gives up the turn it had; a turn nobody takes must not be waited for."""
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(module, "RETRIES_PER_SECOND", 20.0)
    down, attempts = True, 0

    async def work(key: str) -> Next:
        nonlocal attempts
        attempts += 1
        return OUTAGE if down else SETTLED

    keys = [f"key-{number}" for number in range(20)]
    async with running(work) as queue:
        for round_ in range(1, 11):
            for key in keys:
                queue.add(key)
            await eventually(lambda round_=round_: attempts >= 20 * round_ and queue.delayed == len(keys))
        down, began = False, asyncio.get_running_loop().time()
        await eventually(queue.idle, within=20)
        assert asyncio.get_running_loop().time() - began < 2.0, "twenty keys at twenty a second are one second"


async def test_news_about_a_key_that_fails_do_not_lengthen_its_pauses():
    attempts = 0

    async def work(key: str) -> Next:
        nonlocal attempts
        attempts += 1
        return RETRY

    async with running(work) as queue:
        for round_ in range(1, 10):
            queue.add("a")
            await eventually(lambda round_=round_: attempts >= round_ and queue.delayed == 1)
        due = queue._timers["a"].when() - asyncio.get_running_loop().time()
        assert due <= FIRST_RETRY_SECONDS, "nine times at once are not nine retries"
        await eventually(lambda: attempts >= 11)
        assert queue._failures["a"] >= 2
