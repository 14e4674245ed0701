"""An event loop whose clock is played: where everything waits for time to pass, it passes at once.

What a test says about seconds is then exact, and holds on a machine that is busy with something else.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class PlayedClock(asyncio.SelectorEventLoop):
    """Begins at 0. There is nobody but this loop: a test that waits for the network or a thread is not for it."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self._now

    def pass_(self, seconds: float) -> None:
        """That much later."""
        self._now += seconds


class _Impatient(selectors.DefaultSelector):
    """Looks once, and lets the time pass that it would have waited."""

    def __init__(self, loop: PlayedClock) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout is None:
            raise RuntimeError("everything waits, and for nothing that will ever come")
        if not found and timeout:
            self._loop.pass_(timeout)
        return found


def played(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test on a loop of its own whose clock is played."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        with asyncio.Runner(loop_factory=PlayedClock) as runner:
            runner.run(test(*args, **named))

    return run
