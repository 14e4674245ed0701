"""What one reader was sent, checked line by line: numbers that rise by one, nothing lost, repeated or out of order.

Lines are `n=COUNT t=UNIX_NANOSECONDS` somewhere in the data. Readers of one stream are sent the same bytes in mostly
the same pieces, so a piece is parsed once and what it says is kept for the others: every reader can be checked. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

_LINE = re.compile(rb"n=(\d+) t=(\d+)")
_PIECES_KEPT = 64
NS_OF_AGE = 100_000
"""Ages are counted in steps of a tenth of a millisecond."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of a stream, and what is left of one that was cut."""

    numbers: tuple[int, ...]
    times: tuple[int, ...]
    gaps: int
    rest: bytes
    consecutive: bool


@lru_cache(_PIECES_KEPT)
def parse(data: bytes) -> Piece:
    """What the bytes say up to their last line feed."""
    end = data.rfind(b"\n") + 1
    whole = data[:end]
    found = [(int(number), int(written)) for number, written in _LINE.findall(whole)]
    numbers = tuple(number for number, _ in found)
    consecutive = all(b == a + 1 for a, b in pairwise(numbers))
    return Piece(numbers, tuple(written for _, written in found), whole.count(b"event: gap"), data[end:], consecutive)


@dataclass
class Counts:
    """What all readers count together. `first` and `last` are the numbers of the lines that are measured, 0 for none;
    faults count whenever they happen. `ages` are those of the measured lines, in steps of NS_OF_AGE."""

    first: int = 0
    last: int = 0
    deliveries: int = 0
    complete: int = 0
    lost: int = 0
    again: int = 0
    gaps: int = 0
    closed: int = 0
    ages: Counter[int] = field(default_factory=Counter)

    def measure(self, first: int, last: int) -> None:
        """From now on these lines are measured."""
        self.first, self.last = first, last
        self.deliveries = self.complete = 0
        self.ages.clear()

    def age(self, share: float) -> float:
        """Milliseconds that so large a share of the deliveries was at most old, 0 without any."""
        wanted, seen = share * self.ages.total(), 0
        for age in sorted(self.ages):
            seen += self.ages[age]
            if seen >= wanted:
                return round(age * NS_OF_AGE / 1e6, 1)
        return 0.0


class Sequence:
    """One reader's place in the stream."""

    __slots__ = ("_counts", "_last", "_rest")

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._last = 0
        self._rest = b""

    def take(self, data: bytes, now_ns: int) -> None:
        """The next bytes, which came now. Whatever line comes first is where this reader begins."""
        piece = parse(self._rest + data if self._rest else data)
        self._rest = piece.rest
        counts, numbers = self._counts, piece.numbers
        counts.gaps += piece.gaps
        if not numbers:
            return
        before = self._last
        if not piece.consecutive or (before and numbers[0] != before + 1):
            self._look(numbers)
        self._last = max(before, numbers[-1]) if piece.consecutive else max(before, *numbers)
        if counts.first <= numbers[0] and numbers[-1] <= counts.last and piece.consecutive:
            measured: tuple[int, ...] = piece.times
        else:
            pairs = zip(numbers, piece.times, strict=True)
            measured = tuple(written for number, written in pairs if counts.first <= number <= counts.last)
        counts.deliveries += len(measured)
        for written in measured:
            counts.ages[(now_ns - written) // NS_OF_AGE] += 1
        if before < counts.last <= self._last:
            counts.complete += 1

    def _look(self, numbers: tuple[int, ...]) -> None:
        """Count what is wrong with these lines after those before."""
        last = self._last
        for number in numbers:
            if last and number > last + 1:
                self._counts.lost += number - last - 1
            self._counts.again += number <= last
            last = max(last, number)
