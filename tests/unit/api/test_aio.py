"""Tasks that end together: which failure is raised, and what counts as a cancellation from outside."""

from __future__ import annotations

import asyncio

import pytest

from guildnet_api.aio import TaskGroup, task_group


class BrokenError(Exception):
    pass


async def fail(after: int = 0) -> None:
    for _ in range(after):
        await asyncio.sleep(0)
    raise BrokenError


async def never(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


def cancelling() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


@pytest.mark.parametrize("waits", [False, True], ids=["the body has ended", "the body waits"])
@pytest.mark.parametrize("after", [0, 1, 5])
async def test_a_childs_failure_is_raised_as_it_is_and_cancels_the_others(waits: bool, after: int):
    ended: list[str] = []

    async def group() -> None:
        async with task_group() as tasks:
            tasks.create_task(never(ended))
            tasks.create_task(fail(after))
            await asyncio.sleep(0)
            if waits:
                await asyncio.Event().wait()

    with pytest.raises(BrokenError):
        await group()
    assert ended == ["ended"]
    assert cancelling() == 0
    async with asyncio.timeout(1):  # a cancellation left over would end this
        await asyncio.sleep(0)


async def test_a_childs_failure_passes_groups_around_it_as_a_failure():
    async def inner() -> None:
        async with task_group() as tasks:
            tasks.create_task(fail(2))

    async def outer() -> None:
        async with task_group() as tasks:
            tasks.create_task(inner())

    with pytest.raises(BrokenError):
        await outer()
    assert cancelling() == 0


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("waits", [False, True], ids=["the body has ended", "the body waits"])
async def test_a_cancellation_from_outside_goes_before_any_failure(fails: bool, waits: bool):
    ended: list[str] = []

    async def stubborn() -> None:
        try:
            await never(ended)
        finally:
            if fails:
                raise BrokenError

    async def group() -> None:
        async with task_group() as tasks:
            tasks.create_task(stubborn())
            if waits:
                await asyncio.Event().wait()

    task = asyncio.create_task(group())
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert ended == ["ended"]


async def test_a_cancellation_that_comes_with_a_failure_still_cancels():
    async def group() -> None:
        async with task_group() as tasks:
            tasks.create_task(fail(3))
            await asyncio.Event().wait()

    task = asyncio.create_task(group())
    for _ in range(20):
        await asyncio.sleep(0)
        if not task.done():
            task.cancel()
    with pytest.raises((asyncio.CancelledError, BrokenError)):
        await task


async def test_a_task_made_while_the_others_end_is_ended_too():
    ended: list[str] = []

    async def late(tasks: TaskGroup) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tasks.create_task(never(ended))

    async def group() -> None:
        async with task_group() as tasks:
            tasks.create_task(late(tasks))
            tasks.create_task(fail(2))

    with pytest.raises(BrokenError):
        await group()


async def test_what_the_body_raises_is_raised_and_ends_the_children():
    ended: list[str] = []

    async def group() -> None:
        async with task_group() as tasks:
            tasks.create_task(never(ended))
            await asyncio.sleep(0)
            raise BrokenError

    with pytest.raises(BrokenError):
        await group()
    assert ended == ["ended"]


async def test_a_child_that_was_cancelled_is_no_failure():
    ended: list[str] = []
    async with task_group() as tasks:
        child = tasks.create_task(never(ended))
        await asyncio.sleep(0)
        child.cancel()
    assert ended == ["ended"]
