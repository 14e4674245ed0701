"""What one identity may take of a process: requests a second and at once, streams, searches in logs.

So nobody is stalled by what somebody else asks for. Anonymous callers have no limit here: they may ask for next to
nothing, and the proxy bounds them by address. Each replica counts for itself.
"""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

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


class Limits:
    """Counts by subject."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self._clock = clock
        self._rates: OrderedDict[str, Bucket] = OrderedDict()
        self._requests: Counter[str] = Counter()
        self._readings: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._searches: Counter[str] = Counter()

    @contextmanager
    def request(self, subject: str) -> Iterator[None]:
        """Held while a request is answered. Raises TooManyRequests."""
        text = f"You have {self.bounds.requests} requests under way; wait for them."
        with _held(self._requests, subject, self.bounds.requests, text):
            wait = self._wait(subject)
            if wait:
                raise TooManyRequests(
                    f"You ask more than {self.bounds.rate:g} times a second; slow down.", retry_after=wait
                )
            yield

    def reading(self, subject: str) -> AbstractContextManager[None]:
        """Held while a log is read for a list or a file. Raises TooManyRequests."""
        text = f"You have {self.bounds.readings} logs read as lists or files; wait for them."
        return _held(self._readings, subject, self.bounds.readings, text)

    @contextmanager
    def stream(self, subject: str, *, searches: bool = False) -> Iterator[None]:
        """Held while a stream is open. Raises TooManyRequests."""
        with ExitStack() as stack:
            text = f"You have {self.bounds.streams} streams open; close one."
            stack.enter_context(_held(self._streams, subject, self.bounds.streams, text))
            if searches:
                text = f"You have {self.bounds.searches} streams with a q open; close one."
                stack.enter_context(_held(self._searches, subject, self.bounds.searches, text))
            yield

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


@contextmanager
def _held(counts: Counter[str], subject: str, most: int, text: str) -> Iterator[None]:
    if counts[subject] >= most:
        raise TooManyRequests(text, retry_after=AGAIN_SECONDS)
    counts[subject] += 1
    try:
        yield
    finally:
        counts[subject] -= 1
        if not counts[subject]:
            del counts[subject]
