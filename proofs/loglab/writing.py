"""The one who writes lines at a rate, and measurements of lines that are written while readers read."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proofs.loglab.crowd import Crowd
from proofs.loglab.readers import Measured

LEAD_SECONDS = 0.5
"""Between the order to measure and the first line that is measured."""
LATE_SECONDS = 20.0
"""How long after the last line has been written it is waited for."""
RATE_SHARE = 0.98
"""Share of the wanted rate below which nothing was measured."""


class Writing:
    """Lines with numbers from 1 on, `rate` a second at even distances; the rate may be changed while it runs."""

    def __init__(self, rate: float, write: Callable[[int], Awaitable[None]]) -> None:
        self.rate = rate
        self._write = write
        self._written = [time.monotonic()]
        self._task: asyncio.Task[None] | None = None

    @property
    def number(self) -> int:
        """Of the last line that was written; 0 before the first."""
        return len(self._written) - 1

    def start(self) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self._go())
        return self._task

    async def _go(self) -> None:
        """Write until cancelled. Who falls behind catches up, but for no more than a second."""
        due = time.monotonic()
        while True:
            await self._write(self.number + 1)
            self._written.append(time.monotonic())
            due = max(due + 1 / self.rate, time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def reached(self, number: int) -> None:
        """Until this line is written. Raises what writing failed with."""
        while self.number < number:
            if self._task is not None and self._task.done():
                self._task.result()
            await asyncio.sleep(0.002)

    def written_at(self, number: int) -> float:
        """When a line was written (monotonic seconds)."""
        return self._written[number]

    def achieved(self, first: int, last: int) -> float:
        """Lines a second that were written between these two."""
        return (last - first) / (self._written[last] - self._written[first])


@asynccontextmanager
async def writing(rate: float, write: Callable[[int], Awaitable[None]]) -> AsyncIterator[Writing]:
    """Write until the block ends."""
    made = Writing(rate, write)
    task = made.start()
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True, slots=True)
class Observed:
    """What readers were sent of the lines of some seconds, and how many a second there were of them."""

    measured: Measured
    rate: float
    wanted: float

    @property
    def faults(self) -> str:
        """Why this cannot be counted as what it should be, "" where it can."""
        slow = self.rate < RATE_SHARE * self.wanted
        behind = f"written at {self.rate:.1f} of {self.wanted:g} lines/s" if slow else ""
        return ", ".join(filter(None, (self.measured.faults, behind)))

    def __str__(self) -> str:
        m = self.measured
        return (
            f"{m.deliveries:,} of {m.readers} × {m.lines} deliveries at {self.rate:.1f} of {self.wanted:g} lines/s, "
            f"age p50 {m.p50:.0f} ms, p99 {m.p99:.0f} ms, most {m.most:.0f} ms, {self.faults or 'all whole'}"
        )


@dataclass(frozen=True, slots=True)
class Window:
    """The lines that are measured: their numbers."""

    first: int
    last: int


def next_window(lines: Writing, seconds: float) -> Window:
    """So many seconds of lines, none of which is written yet."""
    first = lines.number + max(2, round(lines.rate * LEAD_SECONDS))
    return Window(first, first + round(lines.rate * seconds) - 1)


async def observe(lines: Writing, readers: Crowd, window: Window) -> Observed:
    """What the readers are sent of a window's lines: all of them, or what there is some time after the last."""
    wanted = lines.rate
    within = LEAD_SECONDS + (window.last - window.first + 1) / wanted + LATE_SECONDS
    measured = await readers.measure(window.first, window.last, within)
    await lines.reached(window.last)
    return Observed(measured, lines.achieved(window.first, window.last), wanted)
