"""What one identity may take of a process: requests a second and at once, streams, searches in logs.

So nobody is stalled by what somebody else asks for. Anonymous callers have no limit here: they may ask for next to
nothing, and the proxy bounds them by address. Each replica counts for itself.
"""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from guildnet.errors import TooManyRequests
from guildnet.pace import Bucket

MAX_SUBJECTS: Final = 4096
"""Subjects whose rates are remembered; the one that asked least recently begins anew."""
AGAIN_SECONDS: Final = 1.0
"""After which one may try again that has too much open."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one identity: requests a second in the long run, in a burst and at once; lists and files of logs among those
    at once; open streams; those with a `q`."""

    rate: float = 100.0
    burst: int = 1000
    requests: int = 64
    readings: int = 4
    streams: int = 32
    searches: int = 8


class Places:
    """One of each of these counts, until it is closed; once is enough. An object as small as can be: each stream has
    one for hours."""

    __slots__ = ("_counts", "_subject")

    def __init__(self, subject: str, *counts: Counter[str]) -> None:
        self._subject = subject
        self._counts = counts
        for count in counts:
            count[subject] += 1

    def close(self) -> None:
        counts, self._counts = self._counts, ()
        for count in counts:
            count[self._subject] -= 1
            if not count[self._subject]:
                del count[self._subject]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Limits:
    """Counts by subject. What is taken is given back by closing it."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self._clock = clock
        self._rates: OrderedDict[str, Bucket] = OrderedDict()
        self._requests: Counter[str] = Counter()
        self._readings: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._searches: Counter[str] = Counter()

    def request(self, subject: str) -> Places:
        """Held while a request is answered. Raises TooManyRequests."""
        most = self.bounds.requests
        _check(self._requests, subject, most, f"You have {most} requests under way; wait for them.")
        wait = self._wait(subject)
        if wait:
            raise TooManyRequests(
                f"You ask more than {self.bounds.rate:g} times a second; slow down.", retry_after=wait
            )
        return Places(subject, self._requests)

    def reading(self, subject: str) -> Places:
        """Held while a log is read for a list or a file. Raises TooManyRequests."""
        most = self.bounds.readings
        _check(self._readings, subject, most, f"You have {most} logs read as lists or files; wait for them.")
        return Places(subject, self._readings)

    def stream(self, subject: str, *, searches: bool = False) -> Places:
        """Held while a stream is open. Raises TooManyRequests."""
        most, searching = self.bounds.streams, self.bounds.searches
        _check(self._streams, subject, most, f"You have {most} streams open; close one.")
        if not searches:
            return Places(subject, self._streams)
        _check(self._searches, subject, searching, f"You have {searching} streams with a q open; close one.")
        return Places(subject, self._streams, self._searches)

    def headers(self, subject: str) -> dict[str, str]:
        """What is left, in the form of draft-ietf-httpapi-ratelimit-headers."""
        bucket = self._bucket(subject)
        left = bucket.refill(self._clock())
        window = math.ceil(self.bounds.burst / self.bounds.rate)
        full = math.ceil((self.bounds.burst - left) / self.bounds.rate)
        return {
            "RateLimit-Policy": f'"requests";q={self.bounds.burst};w={window}',
            "RateLimit": f'"requests";r={max(0, int(left))};t={full}',
        }

    def _wait(self, subject: str) -> float:
        """Take one request from the rate; seconds to wait where there is none left, and then none is taken."""
        bucket = self._bucket(subject)
        level = bucket.refill(self._clock())
        if level < 1:
            return (1 - level) / self.bounds.rate
        bucket.spend(1)
        return 0.0

    def _bucket(self, subject: str) -> Bucket:
        bucket = self._rates.pop(subject, None) or Bucket(self.bounds.rate, self.bounds.burst, self._clock())
        self._rates[subject] = bucket
        if len(self._rates) > MAX_SUBJECTS:
            self._rates.popitem(last=False)
        return bucket


def _check(counts: Counter[str], subject: str, most: int, text: str) -> None:
    if counts[subject] >= most:
        raise TooManyRequests(text, retry_after=AGAIN_SECONDS)
