"""The third room: one replica's ring of a run. Each line is encoded once; every viewer gets the same bytes.

A feed takes records from wherever they come and keeps those above its last id, so that a repetition costs nothing. What
readers take is a `View` of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

from guildnet.errors import TooManyRequests
from guildnet_api.http.sse import compact, frame
from guildnet_api.logs.filtered import EVERYTHING, Look, View, of_frame
from guildnet_api.logs.model import Line, id_key, infer_level
from guildnet_api.logs.records import Kind, Raw, Record, Run, following
from guildnet_api.logs.source.follower import SECOND
from guildnet_api.signals import Signal

TOGETHER_SECONDS: Final = 0.04
MOST_VIEWS: Final = 32
"""Different looks at one feed at the same time: each is asked about every line."""


def rfc3339(time_ns: int) -> str:
    """With all nine digits, so that times of one length sort as text."""
    moment = datetime.fromtimestamp(time_ns // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % SECOND:09d}Z"


def log_line(run: Run, time_ns: int, data: bytes) -> dict[str, str]:
    """A LogLine of the contract."""
    text = data.decode("utf-8", "replace")
    return {
        "t": rfc3339(time_ns),
        "lvl": infer_level(text),
        "msg": text,
        "container": run.container,
        "pod": run.pod,
    }


class Counters(Protocol):
    """Who counts what passes through feeds."""

    def took(self, records: Sequence[Record]) -> None:
        """New records, once what was there at the beginning is in."""
        ...

    def wrote(self, size: int) -> None:
        """Bytes, to all readers together."""
        ...


class Feed:
    """What one replica knows of a run, and who to wake when that grows."""

    def __init__(self, run: Run, lines: int, size: int, counters: Counters | None = None) -> None:
        self.run = run
        self._counters = counters
        self.signal = Signal()
        self.nudge = asyncio.Event()
        self.loaded = False
        self.ended = False
        self.degraded = False
        self.trouble = ""
        self.last = ""
        self.first = ""
        self.time_ns = 0
        self._limits = (lines, size)
        self._all = View(lines, size)
        self._views: dict[Look, View] = {}
        self._recent: deque[Raw] = deque()
        self._waking: asyncio.TimerHandle | None = None
        self._woke = 0.0

    # ---- what comes in ---------------------------------------------------------------------------------------------

    def accept(self, records: Iterable[Record]) -> None:
        grown = []
        for record in records:
            if self.last and id_key(record.id) <= id_key(self.last):
                continue
            grown.append(record)
            self.last = record.id
            self.first = self.first or record.id
            if record.kind is Kind.END:
                self.ended = self.loaded = True
            else:
                self._keep(record)
        if grown:
            if self.loaded and self._counters:
                self._counters.took(grown)
            self._grown()

    def _grown(self) -> None:
        """Wake viewers: at once after a quiet while, else together with what else comes within moments. A write to each
        viewer is what costs, not what is in it."""
        if self._waking:
            return
        loop = asyncio.get_running_loop()
        wait = self._woke + TOGETHER_SECONDS - loop.time()
        if wait <= 0:
            self._wake()
        else:
            self._waking = loop.call_later(wait, self._wake)

    def _wake(self) -> None:
        self._waking = None
        self._woke = asyncio.get_running_loop().time()
        for view in self._looks():
            view.carry()
            if self._counters:
                self._counters.wrote(view.written())
        self.signal.notify()
        if self.ended:
            self.call()

    def call(self) -> None:
        """Let every reader look around, also those that are written to without being woken."""
        for view in self._looks():
            view.riders.call()
        self.signal.notify()

    def _looks(self) -> Iterable[View]:
        return (self._all, *self._views.values())

    def raw(self, lines: Iterable[Raw]) -> None:
        """Lines without ids, when there is no shared tail that gives them."""
        records, last = [], self.last
        for line in lines:
            last = following(last, line.time_ns)
            records.append(Record(last, line.time_ns, line.data, line.kind))
        self.accept(records)

    def _keep(self, record: Record) -> None:
        level, text, data = self._encoded(record)
        line = Line(record.id, data)
        self._all.append(line)
        for view in self._views.values():
            view.offer(line, level, text)
        self.time_ns = max(self.time_ns, record.time_ns)
        self._recent.append(Raw(record.time_ns, record.data, record.kind))
        while self._recent[0].time_ns < self.time_ns - 2 * SECOND:
            self._recent.popleft()

    def _encoded(self, record: Record) -> tuple[str, str, bytes]:
        """The level (none for a gap), the text and the frame."""
        identifier = self.run.prefix + record.id
        if record.kind is Kind.GAP:
            return "", "", frame(record.data, event="gap", identifier=identifier)
        line = log_line(self.run, record.time_ns, record.data)
        return line["lvl"], line["msg"], frame(compact(line), identifier=identifier)

    def mark(self, *, loaded: bool | None = None, degraded: bool | None = None, trouble: str | None = None) -> None:
        self.loaded = self.loaded if loaded is None else loaded
        self.degraded = self.degraded if degraded is None else degraded
        self.trouble = self.trouble if trouble is None else trouble
        self.call()

    # ---- what goes out ---------------------------------------------------------------------------------------------

    def look(self, look: Look) -> View:
        """The frames of a look, made from what is there when first asked for; forgotten with its last `look_away`.

        Raises TooManyRequests where too many others ask for something else, Invalid for a question that is none.
        """
        view = self._all if look == EVERYTHING else self._views.get(look)
        if view is None:
            if len(self._views) >= MOST_VIEWS:
                raise TooManyRequests("Too many different filters are open on this log; try again without q.")
            view = self._views[look] = self._made(look)
        view.readers += 1
        return view

    def look_away(self, view: View) -> None:
        view.readers -= 1
        if not view.readers and self._views.get(view.look) is view:
            del self._views[view.look]

    @contextmanager
    def view(self, look: Look) -> Iterator[View]:
        """A look for as long as the block lasts."""
        view = self.look(look)
        try:
            yield view
        finally:
            self.look_away(view)

    def _made(self, look: Look) -> View:
        view = View(*self._limits, look)
        for line in self._all.ring.after(None):
            view.offer(line, *of_frame(line.data))
        return view

    def holds(self, identifier: str) -> bool:
        """Whether everything after this id is in the ring."""
        return bool(self.first) and id_key(identifier) >= id_key(self.first) and self._all.ring.covers(identifier)

    def recent(self) -> Sequence[Raw]:
        return tuple(self._recent)


class Direct:
    """A `Sink` straight into a feed, for when there is no Redis."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def known(self) -> Sequence[Raw]:
        return self._feed.recent()

    async def append(self, lines: Sequence[Raw]) -> None:
        self._feed.raw(lines)

    async def live(self) -> None:
        self._feed.mark(loaded=True)
