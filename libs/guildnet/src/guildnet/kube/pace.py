"""Spreading the attempts of several tasks over time. It knows nothing of what they attempt."""

from __future__ import annotations

import asyncio
import math
import time


class Pace:
    """Keeps the new attempts of several reflectors apart, so that an outage is not answered by all of them at once."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = -math.inf

    async def turn(self) -> None:
        """Wait until this attempt may be made: `interval` seconds after the one before, whoever made that."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + self._interval
        await asyncio.sleep(at - now)
