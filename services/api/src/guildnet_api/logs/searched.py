"""The lines of a run that match a `q`, found by those who read them: each goes on where the last one stopped.

Nothing is matched while a line comes in. A reader catches up before it looks for lines to send, on the worker thread
and at the cost of its own subject; readers of the same filter share what was found.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from guildnet_api.logs.encoding import text_of
from guildnet_api.logs.filtered import Filter, FilteredRing, RingLimits
from guildnet_api.logs.matcher import Matcher
from guildnet_api.logs.model import Line, Run
from guildnet_api.logs.ring import Ring
from guildnet_api.logs.worker import Searcher

BATCH_LINES: Final = 500
"""Lines after whose matching what was found is kept, whatever becomes of the reader."""


class SearchedRing(FilteredRing):
    """The lines of `source` that pass the filter, no longer kept than there."""

    pushes = False

    def __init__(self, run: Run, limits: RingLimits, wanted: Filter, source: Ring) -> None:
        super().__init__(run, limits, wanted)
        self.losses = 0
        """How often lines left the source before they were matched."""
        self._source = source
        self._passes_q = partial(_passes, wanted.level, wanted.matcher)
        self._scanned: str | None = None
        self._catching_up = asyncio.Lock()

    def offer(self, line: Line) -> None:
        """Nothing is done at once."""

    async def catch_up(self, searcher: Searcher) -> None:
        """Match whatever came since. Raises TooSlow where the subject's budget does not reach; others may go on."""
        async with self._catching_up:
            while lines := self._unscanned():
                passed = await searcher.map(self._passes_q, lines)
                for line, found in zip(lines, passed, strict=True):
                    if found:
                        self.append(line)
                self._scanned = lines[-1].id
                self.prune()

    def prune(self) -> None:
        """Let go of what the source does not hold any more: other lines would be kept for this filter alone."""
        self.ring.drop_before(self._source.first_id)

    def _unscanned(self) -> list[Line]:
        if self._scanned is not None and not self._source.covers(self._scanned):
            self.losses += 1
            self._scanned = None
        return self._source.after(self._scanned, BATCH_LINES)


def _passes(level: str, wanted: Matcher | None, line: Line) -> bool:
    """A gap passes every filter, since every reader has to know of it."""
    if not line.level:
        return True
    return level in ("", line.level) and (wanted is None or wanted.matches(text_of(line)))
