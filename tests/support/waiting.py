"""Waiting for a condition instead of for time to pass."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(check: Callable[[], Awaitable[T]], *, within: float = ..., every: float = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within: float = ..., every: float = ...) -> T: ...
async def eventually(check: Callable[[], Any], *, within: float = 10.0, every: float = 0.02) -> Any:
    """The first truthy answer of `check` (plain or async). A failing assertion inside it counts as "not yet".

    Raises AssertionError after `within` seconds, with the last assertion's message or answer.
    """
    deadline = time.monotonic() + within
    last: Any
    while True:
        try:
            answer = check()
            last = await answer if inspect.isawaitable(answer) else answer
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within} s; last seen: {last!r}")
        await asyncio.sleep(every)
