"""One replica's copy of a run's log. Each line is encoded once; every reader gets the same bytes.

A feed takes records from wherever they come and keeps those above its last id, so that a repetition costs nothing.
Readers take a `FilteredRing` of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from guildnet.errors import TooManyRequests
from guildnet_api.aio import Signal
from guildnet_api.logs.encoding import encoded
from guildnet_api.logs.filtered import EVERYTHING, Filter, FilteredRing, RingLimits
from guildnet_api.logs.model import NS_PER_SECOND, Kind, RawLine, Record, Run, id_key, next_id
from guildnet_api.logs.searched import SearchedRing

COALESCE_SECONDS: Final = 0.04
"""Least time between two wake-ups of readers: a write to each of them is what costs, not what is in it."""
MAX_FILTERS: Final = 32
"""Different filters open on one feed at the same time: each is applied to every line."""


class Counters(Protocol):
    """Receives the counts of what passes through feeds."""

    def records_received(self, records: Sequence[Record]) -> None:
        """New records, once what was there at the beginning is in."""
        ...

    def log_bytes_sent(self, size: int) -> None:
        """Bytes, to all readers together."""
        ...


class Feed:
    """The log of one run as far as this replica has it; wakes its readers when that grows.

    `loaded` once the tail that existed is in, `ended` once nothing follows, `degraded` while lines are not shared
    between replicas; `trouble` says why nothing comes, "" while all is well. `first` and `last` are ids, "" before the
    first record.
    """

    def __init__(self, run: Run, limits: RingLimits, counters: Counters | None = None) -> None:
        self.run = run
        self.signal = Signal()
        self.resync = asyncio.Event()
        """Set when the shared tail may have more than the feed."""
        self.loaded = False
        self.ended = False
        self.degraded = False
        self.trouble = ""
        self.last = ""
        self.first = ""
        self._counters = counters
        self._limits = limits
        self._everything = FilteredRing(run, limits)
        self._filtered: dict[Filter, FilteredRing] = {}
        self._recent: deque[RawLine] = deque()
        self._time_ns = 0
        self._wake_timer: asyncio.TimerHandle | None = None
        self._woken_at = 0.0

    # ---- what comes in ---------------------------------------------------------------------------------------------

    def accept(self, records: Iterable[Record]) -> None:
        """Keep the records above the last id, and wake readers."""
        fresh = []
        for record in records:
            if self.last and id_key(record.id) <= id_key(self.last):
                continue
            fresh.append(record)
            self.last = record.id
            self.first = self.first or record.id
            if record.kind is Kind.END:
                self.ended = self.loaded = True
            else:
                self._keep(record)
        if fresh:
            if self.loaded and self._counters:
                self._counters.records_received(fresh)
            self._wake_soon()

    def accept_raw(self, lines: Iterable[RawLine]) -> None:
        """Lines without ids, when there is no shared tail that gives them."""
        records, last = [], self.last
        for line in lines:
            last = next_id(last, line.time_ns)
            records.append(Record(last, line.time_ns, line.data, line.kind))
        self.accept(records)

    def recent(self) -> Sequence[RawLine]:
        """The lines of the last two seconds of the log, by their own times."""
        return tuple(self._recent)

    def mark(self, *, loaded: bool | None = None, degraded: bool | None = None, trouble: str | None = None) -> None:
        """Change what is given, and wake every reader."""
        self.loaded = self.loaded if loaded is None else loaded
        self.degraded = self.degraded if degraded is None else degraded
        self.trouble = self.trouble if trouble is None else trouble
        self.wake_readers()

    def _keep(self, record: Record) -> None:
        line = encoded(self.run, record)
        for ring in self._rings():
            ring.offer(line)
        self._time_ns = max(self._time_ns, record.time_ns)
        self._recent.append(RawLine(record.time_ns, record.data, record.kind))
        while self._recent[0].time_ns < self._time_ns - 2 * NS_PER_SECOND:
            self._recent.popleft()

    # ---- readers ---------------------------------------------------------------------------------------------------

    def wake_readers(self) -> None:
        """Wake every reader, also the attached ones."""
        for ring in self._rings():
            ring.push.wake()
        self.signal.notify()

    def open_filter(self, wanted: Filter) -> FilteredRing:
        """The ring of a filter, made from the lines at hand when first asked for; forgotten with its last reader.

        Raises TooManyRequests while MAX_FILTERS others are open, Invalid for a `q` that cannot be matched.
        """
        ring = self._everything if wanted == EVERYTHING else self._filtered.get(wanted)
        if ring is None:
            if len(self._filtered) >= MAX_FILTERS:
                raise TooManyRequests("Too many different filters are open on this log; try again without q.")
            ring = self._filtered[wanted] = self._made(wanted)
        ring.readers += 1
        return ring

    def close_filter(self, ring: FilteredRing) -> None:
        ring.readers -= 1
        if not ring.readers and self._filtered.get(ring.filter) is ring:
            del self._filtered[ring.filter]

    @contextmanager
    def filtered(self, wanted: Filter) -> Iterator[FilteredRing]:
        """The ring of a filter for as long as the block lasts."""
        ring = self.open_filter(wanted)
        try:
            yield ring
        finally:
            self.close_filter(ring)

    def holds(self, id_: str) -> bool:
        """Whether every line after this id is at hand."""
        return bool(self.first) and id_key(id_) >= id_key(self.first) and self._everything.ring.covers(id_)

    def _made(self, wanted: Filter) -> FilteredRing:
        if wanted.q:
            return SearchedRing(self.run, self._limits, wanted, self._everything.ring)
        ring = FilteredRing(self.run, self._limits, wanted)
        for line in self._everything.ring.after(None):
            ring.offer(line)
        return ring

    def _rings(self) -> Iterable[FilteredRing]:
        return (self._everything, *self._filtered.values())

    def _wake_soon(self) -> None:
        """At once after a quiet while, else together with what else comes within COALESCE_SECONDS."""
        if self._wake_timer:
            return
        loop = asyncio.get_running_loop()
        wait = self._woken_at + COALESCE_SECONDS - loop.time()
        if wait <= 0:
            self._deliver()
        else:
            self._wake_timer = loop.call_later(wait, self._deliver)

    def _deliver(self) -> None:
        """Write to attached readers, wake the others."""
        self._wake_timer = None
        self._woken_at = asyncio.get_running_loop().time()
        for ring in self._rings():
            ring.flush()
            ring.prune()
            if self._counters:
                self._counters.log_bytes_sent(ring.take_pushed_bytes())
        self.signal.notify()
        if self.ended:
            self.wake_readers()


class FeedSink:
    """A `Sink` that writes straight into a feed, for when there is no Redis."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def known(self) -> Sequence[RawLine]:
        return self._feed.recent()

    async def append(self, lines: Sequence[RawLine]) -> None:
        self._feed.accept_raw(lines)

    async def live(self) -> None:
        self._feed.mark(loaded=True)
