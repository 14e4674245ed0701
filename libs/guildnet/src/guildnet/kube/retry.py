"""The pause after a request that failed, before it is made again."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from guildnet.errors import GuildNetError, TooManyRequests
from guildnet.pace import Pace, backoff

FIRST_PAUSE_SECONDS: Final = 0.2
MAX_PAUSE_SECONDS: Final = 10.0
"""Bounds of the pause between attempts, seconds. The last keeps "takes effect within 10 s" true after an outage."""


class Retry:
    """Counts the failures in a row of one task and keeps its attempts apart, and those of all that share a `pace`."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self.failures = 0

    def failed(self, error: GuildNetError) -> float:
        """Count one more failure; how many seconds to `wait`: doubled each time, at least what a 429 asks for."""
        self.failures += 1
        longest = backoff(self.failures, first=FIRST_PAUSE_SECONDS, most=MAX_PAUSE_SECONDS)
        pause = longest * random.uniform(0.5, 1.0)  # noqa: S311  spreads load, protects nothing
        if isinstance(error, TooManyRequests) and error.retry_after:
            pause = max(pause, min(error.retry_after, MAX_PAUSE_SECONDS))
        return pause

    def succeeded(self) -> None:
        """Forget the failures."""
        self.failures = 0

    async def wait(self, pause: float) -> None:
        """Wait out the pause, then for the turn among those that share the pace."""
        await asyncio.sleep(pause)
        if self._pace is not None:
            await self._pace.turn()
