"""The third room: one replica's ring of a run. Each line is encoded once; every viewer gets the same bytes.

A feed takes records from wherever they come and keeps those above its last id, so that a repetition costs nothing. It
has one ring per level somebody looks at. The joined block of the last wake-up is kept, because viewers stand at the
same place nearly always.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from guildnet.logs import Line, Ring, id_key, infer_level
from guildnet_api.logs.follow import SECOND
from guildnet_api.logs.records import Kind, Raw, Record, Run, following
from guildnet_api.signals import Signal
from guildnet_api.sse import compact, frame

BLOCK_LINES: Final = 2000
TOGETHER_SECONDS: Final = 0.04


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


class View:
    """A ring of frames, all of one level or all there are."""

    __slots__ = ("_block", "_from", "_last", "_to", "ring")

    def __init__(self, lines: int, size: int) -> None:
        self.ring = Ring(lines, size)
        self._from: str | None = None
        self._last = ""
        self._to = ""
        self._block = b""

    def append(self, line: Line) -> None:
        self.ring.append(line)
        self._last = line.id
        self._from = None

    def block(self, after: str) -> tuple[bytes, str]:
        """The frames after an id as one block, and the id it ends at; an empty block when there is nothing."""
        if after == self._last:
            return b"", after
        if after == self._from:
            return self._block, self._to
        lines = self.ring.after(after)[:BLOCK_LINES]
        self._from, self._to = after, lines[-1].id if lines else after
        self._block = b"".join(line.data for line in lines)
        return self._block, self._to


class Feed:
    """What one replica knows of a run, and who to wake when that grows."""

    def __init__(self, run: Run, lines: int, size: int) -> None:
        self.run = run
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
        self._levels: dict[str, View] = {}
        self._recent: deque[Raw] = deque()
        self._waking: asyncio.TimerHandle | None = None
        self._woke = 0.0
        self._level_of: deque[tuple[str, str]] = deque(maxlen=lines)

    # ---- what comes in ---------------------------------------------------------------------------------------------

    def accept(self, records: Iterable[Record]) -> None:
        grown = False
        for record in records:
            if self.last and id_key(record.id) <= id_key(self.last):
                continue
            grown = True
            self.last = record.id
            self.first = self.first or record.id
            if record.kind is Kind.END:
                self.ended = self.loaded = True
            else:
                self._keep(record)
        if grown:
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
        self.signal.notify()

    def raw(self, lines: Iterable[Raw]) -> None:
        """Lines without ids, when there is no shared tail that gives them."""
        records, last = [], self.last
        for line in lines:
            last = following(last, line.time_ns)
            records.append(Record(last, line.time_ns, line.data, line.kind))
        self.accept(records)

    def _keep(self, record: Record) -> None:
        level, data = self._encoded(record)
        line = Line(record.id, data)
        self._all.append(line)
        self._level_of.append((record.id, level))
        for wanted, view in self._levels.items():
            if level in ("", wanted):
                view.append(line)
        self.time_ns = max(self.time_ns, record.time_ns)
        self._recent.append(Raw(record.time_ns, record.data, record.kind))
        while self._recent[0].time_ns < self.time_ns - 2 * SECOND:
            self._recent.popleft()

    def _encoded(self, record: Record) -> tuple[str, bytes]:
        """The level (none for a gap: everybody has to know) and the frame."""
        identifier = self.run.prefix + record.id
        if record.kind is Kind.GAP:
            return "", frame(record.data, event="gap", identifier=identifier)
        line = log_line(self.run, record.time_ns, record.data)
        return line["lvl"], frame(compact(line), identifier=identifier)

    def mark(self, *, loaded: bool | None = None, degraded: bool | None = None, trouble: str | None = None) -> None:
        self.loaded = self.loaded if loaded is None else loaded
        self.degraded = self.degraded if degraded is None else degraded
        self.trouble = self.trouble if trouble is None else trouble
        self.signal.notify()

    # ---- what goes out ---------------------------------------------------------------------------------------------

    def view(self, level: str) -> View:
        """The frames of a level, "" for all; made from what is there when first asked for."""
        if not level:
            return self._all
        view = self._levels.get(level)
        if view is None:
            view = self._levels[level] = View(*self._limits)
            held = {line.id: line for line in self._all.ring.after(None)}
            for identifier, found in self._level_of:
                if found in ("", level) and identifier in held:
                    view.append(held[identifier])
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
