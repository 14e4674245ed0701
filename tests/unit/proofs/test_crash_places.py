"""Plans begin while the process keeps up with those that run; where it does not, one runs all the same."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from proofs.crash.places import LATE_SECONDS, Places


async def test_plans_begin_one_after_the_other_up_to_the_most():
    places = Places(3)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(places.place())
        assert places.running == 3
        another = asyncio.create_task(stack.enter_async_context(places.place()))
        await asyncio.sleep(0.1)
        assert places.running == 3
        another.cancel()
    assert places.running == 0


async def test_no_other_plan_begins_while_the_event_loop_is_late():
    late = True

    async def slow() -> None:
        while late:
            time.sleep(LATE_SECONDS * 1.5)  # noqa: ASYNC251  the lateness itself
            await asyncio.sleep(0)

    places = Places(2)
    burden = asyncio.create_task(slow())
    async with places.place(), AsyncExitStack() as stack:
        second = asyncio.create_task(stack.enter_async_context(places.place()))
        await asyncio.sleep(1)
        assert places.running == 1
        late = False
        await burden
        await asyncio.wait_for(second, timeout=5)
        assert places.running == 2
