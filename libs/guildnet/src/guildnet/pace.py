"""Spreading attempts over time: a token bucket, a growing pause, and turns that are kept apart."""

from __future__ import annotations

import asyncio
import math
import time


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
