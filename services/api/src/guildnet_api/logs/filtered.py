"""Rings of the lines of one level, shared by the readers that ask for the same one (see `searched` for a `q`).

The last block is kept, because readers nearly always stand at the same place.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from guildnet_api.http.event_stream import Connection
from guildnet_api.logs.matcher import Matcher, matcher
from guildnet_api.logs.model import Line, Run
from guildnet_api.logs.push import Attachment, Push
from guildnet_api.logs.reader.stream_events import Lines
from guildnet_api.logs.ring import Ring
from guildnet_api.logs.worker import Searcher

MAX_BLOCK_LINES: Final = 2000
MAX_BLOCK_BYTES: Final = 256 * 1024
"""A reader that hardly takes anything holds one block, besides what is on its way; a longer line is one of its own."""
MAX_PENDING_BYTES: Final = 256 * 1024
"""Bytes that may wait for the next wake-up of readers; more is sent at once."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines a reader wants: of one level, "" for any, that match `q`, "" for all (see `matcher`).

    `q` is compiled once, when a Filter is made, which raises Invalid for one that cannot be matched. `matcher` keeps
    few: of many that are asked for at once each drives out another.
    """

    level: str = ""
    q: str = ""
    matcher: Matcher | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matcher", matcher(self.q))


EVERYTHING: Final = Filter()


@dataclass(frozen=True, slots=True)
class RingLimits:
    """Bounds of one ring."""

    max_lines: int
    max_bytes: int


class FilteredRing:
    """The lines of a run that pass one filter, and the readers attached to them."""

    pushes = True
    """Whether readers may be attached."""
    losses = 0

    def __init__(self, run: Run, limits: RingLimits, wanted: Filter = EVERYTHING) -> None:
        self.filter = wanted
        self.ring = Ring(limits.max_lines, limits.max_bytes)
        self.push = Push()
        self.readers = 0
        self.flushed_at = 0.0
        """When attached readers were last written to (monotonic seconds)."""
        self._run = run
        self._max_pending = min(MAX_BLOCK_LINES, limits.max_lines // 2)
        self._max_pending_bytes = min(MAX_PENDING_BYTES, limits.max_bytes // 2)
        self._pending = self._pending_bytes = 0
        self._pushed_bytes = 0
        self._last = ""
        self._after: str | None = None
        self._block = Lines(run, (), "")

    def offer(self, line: Line) -> None:
        """Take the line if it passes; a gap passes every filter, since every reader has to know of it."""
        if self.filter.level in ("", line.level) or not line.level:
            self.append(line)

    async def catch_up(self, searcher: Searcher) -> None:
        """Find what passes among the lines that came since: here it was found as they came."""

    def prune(self) -> None:
        """Let go of what nothing else holds."""

    def append(self, line: Line) -> None:
        self.ring.append(line)
        self._last = line.id
        self._after = None
        # Attached readers are written to before what they have not been sent is dropped from the ring.
        self._pending += 1
        self._pending_bytes += len(line.frame)
        if self._pending >= self._max_pending or self._pending_bytes >= self._max_pending_bytes:
            self.flush()

    def attach(self, connection: Connection, at: str) -> Attachment:
        """For a reader that has everything up to the end of a block, `at`."""
        self.flush()
        return self.push.attach(connection, at)

    def flush(self) -> None:
        """Write to attached readers whatever they have not been sent."""
        self._pending = self._pending_bytes = 0
        while self.push:
            block = self.after(self.push.at)
            if not block:
                break
            data = block.encode()
            self._pushed_bytes += self.push.flush(data, block.end) * len(data)
            self.flushed_at = time.monotonic()

    def take_pushed_bytes(self) -> int:
        """Bytes written to attached readers since the last call."""
        pushed, self._pushed_bytes = self._pushed_bytes, 0
        return pushed

    def after(self, id_: str) -> Lines:
        """A bounded block of the lines after an id; an empty one that ends there for none."""
        if id_ == self._last:
            return Lines(self._run, (), id_)
        if id_ != self._after:
            lines = _block_of(self.ring.after(id_))
            self._after = id_
            self._block = Lines(self._run, lines, lines[-1].id if lines else id_)
        return self._block


def _block_of(lines: Sequence[Line]) -> Sequence[Line]:
    """The first of these lines that fit in one block: one at least."""
    size = 0
    for count, line in enumerate(lines[:MAX_BLOCK_LINES]):
        size += len(line.frame)
        if count and size > MAX_BLOCK_BYTES:
            return lines[:count]
    return lines[:MAX_BLOCK_LINES]
