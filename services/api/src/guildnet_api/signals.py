"""One wake-up for everybody who waits: the only way streams here learn that there is something new."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence


class Signal:
    """`notify` wakes every `wait` that began before it, and none that begins after."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        await self._event.wait()


async def first_of(signals: Sequence[Signal], timeout: float) -> None:
    """Until one of them is notified, or so many seconds have passed."""
    waiting = [asyncio.ensure_future(signal.wait()) for signal in signals]
    try:
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
