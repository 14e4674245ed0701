"""One wake-up for everybody who waits: the only way streams here learn that there is something new."""

from __future__ import annotations

import asyncio


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
