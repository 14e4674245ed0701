"""Places for plans: as many at the same time as this process keeps up with, whatever else runs on the machine.

The operators of all plans write through proxies in this process. Where it is late by seconds, their leases cannot be
renewed in time, and what a plan would show is that the machine is too small for so many.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LATE_SECONDS = 0.15
"""How late the event loop may wake for another plan to begin. A busy machine of two cores: half of that on average."""
LOOKS = 5
LOOK_SECONDS = 0.05


class Places:
    """Up to `most` places; `running` are taken."""

    def __init__(self, most: int) -> None:
        self.running = 0
        self._places = asyncio.Semaphore(most)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and until the process is not late; the first of all waits for nothing."""
        async with self._places:
            async with self._turn:
                while self.running and await _lateness() > LATE_SECONDS:
                    pass
                self.running += 1
            try:
                yield
            finally:
                self.running -= 1


async def _lateness() -> float:
    """Seconds by which the event loop was late at most, in a quarter of a second or as long as it takes."""
    clock = asyncio.get_running_loop().time
    latest = 0.0
    for _ in range(LOOKS):
        began = clock()
        await asyncio.sleep(LOOK_SECONDS)
        latest = max(latest, clock() - began - LOOK_SECONDS)
    return latest
