"""Readers beside others that take nothing, at the product's own limit for those: measured while all of them stall."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from guildnet_api.settings import Settings
from proofs.loglab import fanout
from proofs.loglab.apis import ApiProcess
from proofs.loglab.crowd import crowd
from proofs.loglab.readers import Task
from proofs.loglab.writing import Observed, next_window, observe, writing

LIMIT_SECONDS = float(Settings.model_fields["slow_viewer_seconds"].default)
RING_LINES = int(Settings.model_fields["log_lines"].default)
FILL_SECONDS = 2.5
"""Until the buffers of a stalled reader are full."""
_POLL_SECONDS = 0.1
_CUT_WITHIN_SECONDS = LIMIT_SECONDS + FILL_SECONDS + 5.0
"""From the moment on in which they began to take nothing."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the healthy readers were sent beside stalled ones, and how those fared meanwhile.

    `overrun` is how many lines were written while they stalled, `cut_early` how many were gone before the measured
    lines ended. `stalled_late` is how many seconds after the first measured line the last of them may have begun to
    stall, reckoned back from when it was cut; None where some were never cut.
    """

    observed: Observed
    stalled: int
    overrun: int
    cut_early: int
    stalled_late: float | None

    @property
    def faults(self) -> str:
        """Why nothing was shown, or what was wrong; "" for neither."""
        found = [self.observed.faults]
        if self.cut_early:
            found.append(f"{self.cut_early} of {self.stalled} stalled readers were cut before the measurement ended")
        if self.stalled_late is None:
            found.append(f"not every stalled reader was cut within {_CUT_WITHIN_SECONDS:g} s")
        elif self.stalled_late > 0:
            found.append(f"a reader stalled only {self.stalled_late:.1f} s after the measurement began")
        if self.overrun <= RING_LINES:
            found.append(f"{self.overrun} lines while they stalled did not overrun the ring of {RING_LINES}")
        return ", ".join(filter(None, found))

    def __str__(self) -> str:
        return f"{self.stalled} stalled: {self.observed}, {self.overrun:,} lines while they stalled"


async def compared(made: fanout.Bench, load: fanout.Load, stalled: int) -> tuple[Observed, Beside]:
    """The same readers of the same process, first alone, then beside those that stall."""
    async with fanout.one_api(made) as api, writing(2.0, made.write) as lines:
        target = api.target(made.workspace, "&tail=0")
        async with crowd(Task(api.port, target, api.headers(), load.readers), core=made.other_core) as readers:
            lines.rate = load.rate
            await asyncio.sleep(fanout.SETTLE)
            alone = await observe(lines, readers, next_window(lines, load.seconds))
            async with crowd(Task(api.port, target, api.headers(), 0, stalled), core=made.other_core) as stalling:
                await stalling.stall()
                before, began = lines.number, time.monotonic()
                await asyncio.sleep(FILL_SECONDS)
                window = next_window(lines, load.seconds)
                observed = await observe(lines, readers, window)
                early = round(await api.metric(fanout.CUT))
                cut = await _last_cut(api, stalled, began + _CUT_WITHIN_SECONDS)
                # Who was cut had been stalled for LIMIT_SECONDS at least.
                late = None if cut is None else max(0.0, cut - LIMIT_SECONDS - lines.written_at(window.first))
                return alone, Beside(observed, stalled, window.last - before, early, late)


async def _last_cut(api: ApiProcess, stalled: int, until: float) -> float | None:
    """When so many were cut, None where they are not until then."""
    while await api.metric(fanout.CUT) < stalled:
        if time.monotonic() > until:
            return None
        await asyncio.sleep(_POLL_SECONDS)
    return time.monotonic()
