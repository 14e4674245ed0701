"""Spreading attempts over time: a token bucket, a growing pause after failures, and turns that are kept apart."""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import Final

from guildnet.errors import GuildNetError, TooManyRequests

FIRST_PAUSE_SECONDS: Final = 0.2
MAX_PAUSE_SECONDS: Final = 10.0
"""Bounds of the pause between attempts, seconds. The last keeps "takes effect within 10 s" true after an outage."""


class Bucket:
    """A token bucket that may be owed to: `rate` tokens a second come in, at most `burst` are held."""

    __slots__ = ("_at", "_burst", "_rate", "level")

    def __init__(self, rate: float, burst: float, now: float = 0.0) -> None:
        self._rate = rate
        self._burst = burst
        self._at = now
        self.level = float(burst)
        """Tokens held at the time of the last call; below zero, what is owed."""

    def refill(self, now: float) -> float:
        """Add what came in until `now` (seconds of a monotonic clock); the level then."""
        self.level = min(self._burst, self.level + (now - self._at) * self._rate)
        self._at = now
        return self.level

    def spend(self, tokens: float) -> None:
        """Take tokens out, also more than there are."""
        self.level -= tokens

    def spend_until(self, now: float) -> None:
        """Take a token for every second since `refill`, in which none came in: a budget of time spent working."""
        self.spend(now - self._at)
        self._at = now

    def reserve(self, now: float) -> float:
        """Take one token; seconds from `now` until it is there."""
        self.refill(now)
        self.spend(1)
        return max(0.0, -self.level / self._rate)


def backoff(failures: int, *, first: float, most: float) -> float:
    """Seconds before the next attempt after so many failures in a row (≥ 1): doubled each time, at most `most`."""
    return min(first * 2.0 ** min(failures - 1, 16), most)


class Pace:
    """Keeps the new attempts of several tasks apart, so that an outage is not answered by all of them at once."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = -math.inf

    async def turn(self) -> None:
        """Wait until this attempt may be made: `interval` seconds after the one before, whoever made that."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + self._interval
        await asyncio.sleep(at - now)


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
