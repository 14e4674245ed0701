"""Deadlines of Redis commands, at the moment in which a cancellation is most easily lost."""

from __future__ import annotations

import asyncio

import pytest

from guildnet_api.logs.redis.client import within_deadline


async def test_a_cancellation_in_the_moment_of_the_answer_is_not_forgotten():
    answer = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(within_deadline(answer))
    await asyncio.sleep(0)
    answer.set_result("answer")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_an_answer_in_time_is_the_result():
    answer = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(within_deadline(answer))
    await asyncio.sleep(0)
    answer.set_result("answer")
    assert await asking == "answer"


async def test_a_command_that_is_not_answered_fails():
    with pytest.raises(TimeoutError):
        await within_deadline(asyncio.get_running_loop().create_future(), 0.0)
