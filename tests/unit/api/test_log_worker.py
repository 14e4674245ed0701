"""Work on lines in slices on one thread: the event loop goes on, and each subject has a budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from guildnet.errors import TooManyRequests
from guildnet_api.logs.matcher import Matcher
from guildnet_api.logs.worker import BURST_SECONDS, SLICE_SECONDS, TooSlow, Worker
from support.waiting import eventually

WORST = "/(x?.){0,120}z/"
"""An expression that takes milliseconds a line."""
LINE = ("abcx def acme server 10.0.0.1 GET /api/servers/x 503 " * 320)[:16_000]


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


async def test_results_come_in_order_whatever_the_slices(worker: Worker):
    items = list(range(20_000))
    assert await worker.searcher("a").map(lambda n: n * 2, items) == [n * 2 for n in items]


async def test_a_costly_search_keeps_nobody_on_the_loop_waiting_and_ends_with_its_budget(worker: Worker):
    matches = Matcher(WORST).matches
    longest, ended = 0.0, False

    async def look() -> None:
        nonlocal longest
        while not ended:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began)

    looking = asyncio.create_task(look())
    searcher = worker.searcher("a")
    searcher._bucket.spend(BURST_SECONDS - 0.3)
    with pytest.raises(TooSlow):
        await searcher.map(matches, [LINE] * 5000)
    ended = True
    await looking
    assert longest < 0.5, "many times what it takes, a small part of the search"


async def test_who_has_most_of_its_budget_left_is_next(worker: Worker):
    order: list[str] = []

    def busy(name: str) -> None:
        order.append(name)
        until = time.thread_time() + SLICE_SECONDS
        while time.thread_time() < until:
            pass

    greedy = [asyncio.create_task(worker.searcher("greedy").map(busy, ["greedy"] * 60)) for _ in range(3)]
    await eventually(lambda: len(order) >= 30, every=0.001)
    before = len(order)
    await worker.searcher("modest").map(busy, ["modest"] * 5)
    assert order[before:].count("greedy") <= 8, "one slice between two of the modest"
    for task in greedy:
        task.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)


async def test_a_search_that_is_given_up_lets_the_next_one_in(worker: Worker):
    def slow(_: int) -> None:
        time.sleep(0.02)

    given_up = [asyncio.create_task(worker.searcher(f"s{n}").map(slow, range(100))) for n in range(5)]
    await asyncio.sleep(0.05)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    async with asyncio.timeout(5):
        assert await worker.searcher("next").map(lambda n: n, [1, 2, 3]) == [1, 2, 3]


async def test_a_subject_may_ask_for_so_many_expressions_and_then_for_those_it_had(worker: Worker):
    asked = worker.searcher("a")

    async def ask_for_many() -> None:
        for number in range(100_000):
            await asked.admit(f"/(x.{{0,40}}){{2}}{number}q/")

    with pytest.raises(TooManyRequests) as refused:
        await ask_for_many()
    assert refused.value.retry_after
    await asked.admit("")
    await worker.searcher("b").admit("/x+/")


async def test_one_expression_is_compiled_in_a_turn_of_the_event_loop(worker: Worker, monkeypatch: pytest.MonkeyPatch):
    turns = 0
    compiled: list[int] = []

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    monkeypatch.setattr("guildnet_api.logs.worker.matcher", lambda _: compiled.append(turns))
    counting = asyncio.create_task(count_turns())
    await asyncio.gather(*(worker.searcher(str(number)).admit(f"/{number}/") for number in range(10)))
    counting.cancel()
    assert len(set(compiled)) == 10


async def test_all_searches_of_a_subject_share_its_budget_and_others_have_their_own(worker: Worker):
    worker.searcher("a")._bucket.spend(BURST_SECONDS + 1)
    with pytest.raises(TooSlow):
        await worker.searcher("a").map(str, [1])
    assert await worker.searcher("a").map(str, [1], bounded=False) == ["1"]
    assert await worker.searcher("b").map(str, [1]) == ["1"]
