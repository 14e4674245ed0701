"""Requests that come at once begin a few in a turn of the loop, those of one subject after those of others."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from guildnet.identity import Identity
from guildnet_api.deps import IDENTITY
from guildnet_api.http.limits import Bounds, Limits
from guildnet_api.http.request_limits import TAKEN_A_TURN, RequestLimits, RequestTurns
from guildnet_api.http.request_queue import REQUESTS_A_TURN, RequestQueue


async def _turns_until(tasks: list[asyncio.Task[None]]) -> list[int]:
    """How many of the tasks were done after each turn of the loop."""
    counts = []
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        counts.append(sum(task.done() for task in tasks))
    return counts


async def test_each_turn_of_the_loop_begins_a_few() -> None:
    queue = RequestQueue(4)
    counts = await _turns_until([asyncio.create_task(queue.turn("eve")) for _ in range(40)])
    assert max(after - before for before, after in zip([0, *counts], counts, strict=False)) == 4
    assert len(counts) <= 13  # and each of them does


async def test_the_only_request_does_not_wait() -> None:
    queue = RequestQueue(4)
    for _ in range(20):
        task = asyncio.create_task(queue.turn("ann"))
        await asyncio.sleep(0)
        assert task.done()
        await asyncio.sleep(0)


async def test_one_that_asks_little_begins_before_the_many_of_another() -> None:
    queue = RequestQueue(4)
    many = [asyncio.create_task(queue.turn("eve")) for _ in range(400)]
    await asyncio.sleep(0)
    little = asyncio.create_task(queue.turn("ann"))
    await _turns_until([little])
    assert sum(task.done() for task in many) <= 12
    await asyncio.gather(*many)


async def test_a_request_that_is_given_up_takes_no_place() -> None:
    queue = RequestQueue(4)
    tasks = [asyncio.create_task(queue.turn("eve")) for _ in range(40)]
    await asyncio.sleep(0)
    for task in tasks[4:36]:
        task.cancel()
    assert len(await _turns_until(tasks)) <= 4
    assert [task.cancelled() for task in tasks] == [False] * 4 + [True] * 32 + [False] * 4


async def test_requests_that_come_at_once_begin_in_turns_and_a_health_check_does_not_wait() -> None:
    begun = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.append(scope.get("name"))

    async def receive() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    limited = RequestLimits(app, Limits(Bounds()))
    eve = Identity("user", "eve@example.com", source="tailnet")
    tasks = [asyncio.create_task(limited({"name": "eve", IDENTITY: eve}, receive, send)) for _ in range(60)]
    tasks.append(asyncio.create_task(limited({"name": "health"}, receive, send)))
    await asyncio.sleep(0)
    assert begun == ["eve"] * REQUESTS_A_TURN + ["health"]
    await asyncio.gather(*tasks)
    assert begun.count("eve") == 60


async def test_requests_are_taken_up_in_turns_before_anybody_looks_who_sent_them() -> None:
    begun = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.append(scope["path"])

    async def receive() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    taken = RequestTurns(app)
    paths = ["/api/servers"] * 300 + ["/healthz"]
    tasks = [asyncio.create_task(taken({"type": "http", "path": path}, receive, send)) for path in paths]
    await asyncio.sleep(0)
    assert begun == ["/api/servers"] * TAKEN_A_TURN + ["/healthz"]
    await asyncio.gather(*tasks)
    assert len(begun) == len(paths)
