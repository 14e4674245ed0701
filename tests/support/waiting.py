"""Waiting for a condition instead of for time to pass."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from guildnet.errors import NotFound

T = TypeVar("T")


# A check takes no arguments; typed as one of any, since a lambda in a loop binds the loop's variables as defaults.
@overload
async def eventually(check: Callable[..., Awaitable[T | None]], *, within: float = ..., every: float = ...) -> T: ...
@overload
async def eventually(check: Callable[..., T | None], *, within: float = ..., every: float = ...) -> T: ...
async def eventually(check: Callable[..., Any], *, within: float = 10.0, every: float = 0.02) -> Any:
    """The first truthy value of `check` (plain or async). A failing assertion inside it counts as "not yet", as does
    an object that the cluster does not have.

    Asks every `every` seconds. Raises AssertionError after `within` seconds with the last message or value.
    """
    deadline = time.monotonic() + within
    last: Any
    while True:
        try:
            answer = check()
            last = await answer if inspect.isawaitable(answer) else answer
            if last:
                return last
        except (AssertionError, NotFound) as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within} s; last seen: {last!r}")
        await asyncio.sleep(every)


def until(find: Callable[..., T | None], what: str, *, seconds: float = 30.0) -> T:
    """The first truthy value of `find`, without an event loop; asks ten times a second.

    Raises AssertionError naming `what` after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)
    return found
