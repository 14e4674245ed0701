"""Bytes in, lines out, never more than one line kept, and no line longer than a limit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from guildnet.pace import Bucket


class LineSplitter:
    """Splits a stream of chunks at line feeds. A line over `limit` bytes is cut there and its rest dropped."""

    __slots__ = ("_held", "_limit", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines this chunk completes, without their line feeds."""
        *ends, rest = chunk.split(b"\n")
        lines = []
        for end in ends:
            self._hold(end)
            lines.append(self._take())
        self._hold(rest)
        return lines

    def close(self) -> list[bytes]:
        """The last line, where the stream ended without a line feed."""
        return [self._take()] if self._size else []

    def _hold(self, piece: bytes) -> None:
        kept = piece[: self._limit - self._size]
        if kept:
            self._held.append(kept)
            self._size += len(kept)

    def _take(self) -> bytes:
        line = b"".join(self._held)
        self._held.clear()
        self._size = 0
        return line


class Shed(bytes):
    """Stands in a stream of lines for `lines` of them that were dropped because they came too fast; empty as bytes."""

    lines: int = 0

    @classmethod
    def of(cls, lines: int) -> Shed:
        made = cls()
        made.lines = lines
        return made


LINE_COST_BYTES: Final = 160
"""Bytes that a line counts as besides its own: taking one apart costs as much as reading so many."""


class SheddingSplitter(LineSplitter):
    """A LineSplitter that takes `rate` bytes a second for long, after a burst, and drops whole lines beyond that.

    What is dropped is only counted, which costs a hundredth of taking it apart: reading goes on at the writer's pace,
    so that what is read is always recent. The first drop is told at once, more of them once a second.
    """

    __slots__ = ("_bytes", "_clock", "_dropped", "_skipping", "_told_at")

    def __init__(self, limit: int, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(limit)
        self._clock = clock
        self._bytes = Bucket(rate, burst, clock())
        self._dropped = 0
        self._told_at = -math.inf
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        now = self._clock()
        if self._bytes.refill(now) < 0:
            return self._skip(chunk, now)
        # May end below zero: what is above the rate now is missing to the chunks that follow.
        self._bytes.spend(len(chunk) + LINE_COST_BYTES * chunk.count(b"\n"))
        if self._skipping:
            _, feed, chunk = chunk.partition(b"\n")
            self._dropped += len(feed)
            self._skipping = not feed
        return [*self._notice(now, also=not self._skipping), *super().feed(chunk)]

    def _skip(self, chunk: bytes, now: float) -> list[bytes]:
        self._take()
        self._dropped += chunk.count(b"\n")
        self._skipping = not chunk.endswith(b"\n") if chunk else self._skipping
        return self._notice(now, also=False)

    def _notice(self, now: float, *, also: bool) -> list[bytes]:
        """The drops since the last notice; `also` where it is not a second since."""
        if not self._dropped or not (also or now - self._told_at >= 1.0):
            return []
        told, self._dropped, self._told_at = Shed.of(self._dropped), 0, now
        return [told]
