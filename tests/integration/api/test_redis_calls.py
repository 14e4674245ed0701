"""Commands to Redis as tasks see them: they end when they are cancelled, whatever they were waiting for."""

from __future__ import annotations

import asyncio

from guildnet_api.logs.model import Run
from guildnet_api.logs.redis.client import connect as connect_redis
from guildnet_api.logs.redis.tail import Tail
from support.waiting import eventually


async def test_a_task_that_asks_redis_all_the_time_ends_when_it_is_cancelled(redis_url: str):
    redis = connect_redis(redis_url)
    tail = Tail(redis, Run("pod", "uid", "main", 0), max_lines=10)
    answers = 0

    async def ask() -> None:
        nonlocal answers
        while True:
            await tail.last(1)
            answers += 1

    try:
        # A cancellation is most easily lost in the very moment of an answer: it is tried after many of them.
        for turn in range(40):
            asking = [asyncio.create_task(ask()) for _ in range(20)]
            until = answers + 20 + turn
            await eventually(lambda until=until: answers >= until, every=0)
            for task in asking:
                task.cancel()
            _, alive = await asyncio.wait(asking, timeout=30)
            assert not alive, f"{len(alive)} tasks went on after their cancellation"
    finally:
        await redis.aclose()
