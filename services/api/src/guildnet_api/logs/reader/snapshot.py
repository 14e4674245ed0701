"""A log without a stream: the newest lines that match as a list, or everything that matches as a text file.

All of the log that the kubelet has is searched, the newest lines first; what was not searched is said. Lines are read
and matched on the worker thread, a batch at a time, and what is held of them is bounded in bytes.
"""

from __future__ import annotations

import heapq
import re
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.responses import Response, StreamingResponse

from guildnet.errors import Invalid
from guildnet_api.cluster.pods import Pod
from guildnet_api.logs.encoding import LogLine, log_line
from guildnet_api.logs.filtered import EVERYTHING, Filter
from guildnet_api.logs.matcher import Matcher
from guildnet_api.logs.model import Run, truncated
from guildnet_api.logs.source.kubelet import REMOVED, LogSource, Options, parse_kube_line
from guildnet_api.logs.source.run_state import run_of
from guildnet_api.logs.worker import Searcher, TooSlow

MAX_LINES: Final = 5000
MAX_LIST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of text in one list, of all containers together."""
TAILS: Final = (MAX_LINES, 20 * MAX_LINES, None)
"""How many of the newest lines are searched first, and how many if those did not have enough; None for all."""
BATCH_LINES: Final = 500
BATCH_BYTES: Final = 256 * 1024
MIN_CHUNK_BYTES: Final = 64 * 1024
"""Bytes of a text file that are sent together."""
_NOT_IN_FILE_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines: those that pass a filter, between two times (Unix nanoseconds, 0 for open), the newest `limit`, None
    for all of them."""

    filter: Filter = EVERYTHING
    limit: int | None = MAX_LINES
    since_ns: int = 0
    until_ns: int = 0
    max_line_bytes: int = 16 * 1024

    @property
    def narrows(self) -> bool:
        return bool(self.filter != EVERYTHING or self.until_ns)


@dataclass(frozen=True, slots=True)
class Found:
    """The newest lines that match, oldest first, and what was not searched or is left out ("" for nothing)."""

    lines: Sequence[LogLine]
    incomplete: str = ""


def runs_of(pod: Pod | None, *, previous: bool) -> list[Run]:
    """The run of every container that has one: the present one, with `previous` the one that ended last."""
    runs = (run_of(pod, container, previous=previous) for container in pod.containers) if pod else ()
    return [run for run in runs if run]


async def newest(source: LogSource, runs: Sequence[Run], selection: Selection, searcher: Searcher) -> Found:
    """The newest lines of these runs, MAX_LINES at most.

    Raises guildnet.errors, TooSlow where not even the newest could be searched.
    """
    limit = MAX_LINES if selection.limit is None else min(selection.limit, MAX_LINES)
    if not (limit and runs):
        return Found(())
    readings = [_Reading(source, run, selection, searcher) for run in runs]
    async with searcher.reading():
        found = [await _newest_of(reading, limit, MAX_LIST_BYTES // len(runs)) for reading in readings]
    merged = list(heapq.merge(*(each.lines for each in found), key=lambda line: line["t"]))
    incomplete = " ".join(dict.fromkeys(each.incomplete for each in found if each.incomplete))
    return Found(merged[-limit:], incomplete)


def text(source: LogSource, runs: Sequence[Run], selection: Selection, searcher: Searcher, name: str) -> Response:
    """What matches as lines `time text`, or `time [container] text` of several, written as it is read."""
    headers = {
        "Content-Disposition": f'attachment; filename="{_NOT_IN_FILE_NAMES.sub("_", name)}"',
        "Cache-Control": "no-store",
    }
    chunks = _chunks(source, runs, selection, searcher)
    return StreamingResponse(chunks, media_type="text/plain; charset=utf-8", headers=headers)


# ---- lists -----------------------------------------------------------------------------------------------------------


class _Newest:
    """The newest lines of a reading, `limit` and so many bytes at most. `cut` once the bytes did not suffice."""

    def __init__(self, limit: int, max_bytes: int) -> None:
        self.lines: deque[LogLine] = deque()
        self.cut = False
        self._limit = limit
        self._max_bytes = max_bytes
        self._bytes = 0

    def append(self, line: LogLine) -> None:
        self.lines.append(line)
        self._bytes += len(line["msg"])
        while len(self.lines) > self._limit or (self._bytes > self._max_bytes and len(self.lines) > 1):
            self.cut = self.cut or len(self.lines) <= self._limit
            self._bytes -= len(self.lines.popleft()["msg"])


async def _newest_of(reading: _Reading, limit: int, max_bytes: int) -> Found:
    """Searches more of the log until there are enough lines."""
    narrows = reading.selection.narrows
    before: tuple[_Newest, int] | None = None
    for tail in TAILS if narrows else (limit,):
        newest, read = _Newest(limit, max_bytes), _Count()
        try:
            async with aclosing(reading.lines(tail, read)) as lines:
                async for line in lines:
                    newest.append(line)
        except TooSlow as error:
            if before is None:
                raise
            found, number = before
            searched = f"Only the newest {number} lines of {reading.run.container} were searched."
            return Found(found.lines, f"{searched} {error.message}")
        before = newest, read.lines
        if len(newest.lines) >= limit or newest.cut or tail is None or read.lines < tail:
            break
    if newest.cut:
        return Found(newest.lines, f"Older lines of {reading.run.container} are left out: the list would be too long.")
    return Found(newest.lines)


# ---- files -----------------------------------------------------------------------------------------------------------


async def _chunks(
    source: LogSource, runs: Sequence[Run], selection: Selection, searcher: Searcher
) -> AsyncGenerator[bytes, None]:
    held: list[bytes] = []
    size = 0
    try:
        if selection.limit is not None:
            found = await newest(source, runs, selection, searcher)
            held = [_file_line(line, several=len(runs) > 1) for line in found.lines]
            yield b"".join(held) + (f"[incomplete: {found.incomplete}]\n".encode() if found.incomplete else b"")
            return
        async with aclosing(_by_time([_Reading(source, run, selection, searcher) for run in runs])) as lines:
            async for line in lines:
                held.append(_file_line(line, several=len(runs) > 1))
                size += len(held[-1])
                if size >= MIN_CHUNK_BYTES:
                    yield b"".join(held)
                    held, size = [], 0
    except TooSlow as error:
        held.append(f"[incomplete: {error.message}]\n".encode())
    yield b"".join(held)


def _file_line(line: LogLine, *, several: bool) -> bytes:
    place = f" [{line['container']}]" if several else ""
    return f"{line['t']}{place} {line['msg']}\n".encode("utf-8", "replace")


async def _by_time(readings: Sequence[_Reading]) -> AsyncGenerator[LogLine, None]:
    """Everything that matches, of all readings in the order of time."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(aclosing(each.lines(None, _Count()))) for each in readings]
        waiting = [(line["t"], index, line) for index, lines in enumerate(opened) if (line := await anext(lines, None))]
        heapq.heapify(waiting)
        while waiting:
            _, index, line = waiting[0]
            yield line
            following = await anext(opened[index], None)
            if following is None:
                heapq.heappop(waiting)
            else:
                heapq.heapreplace(waiting, (following["t"], index, following))


# ---- reading ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Count:
    """How many lines were read, whatever became of them."""

    lines: int = 0


@dataclass(frozen=True, slots=True)
class _Reading:
    """The log of one run, for one request."""

    source: LogSource
    run: Run
    selection: Selection
    searcher: Searcher

    async def lines(self, tail: int | None, read: _Count) -> AsyncGenerator[LogLine, None]:
        """Those that match of the newest `tail`. Raises guildnet.errors, and TooSlow where the selection narrows."""
        options = Options(since_ns=self.selection.since_ns, tail=tail)
        select = partial(_selected, self.run, self.selection, self.selection.filter.matcher)
        async with aclosing(_batches(self.source, self.run, options)) as batches:
            async for batch in batches:
                read.lines += len(batch)
                for line in await self.searcher.map(select, batch, bounded=self.selection.narrows):
                    if line is not None:
                        yield line


def _selected(run: Run, selection: Selection, wanted: Matcher | None, timed: tuple[int, bytes]) -> LogLine | None:
    time_ns, data = timed
    if time_ns < selection.since_ns or (selection.until_ns and time_ns >= selection.until_ns):
        return None
    data = truncated(data, selection.max_line_bytes)
    if wanted is not None and not wanted.matches(data.decode("utf-8", "replace")):
        return None
    line = log_line(run, time_ns, data)
    return line if selection.filter.level in ("", line["lvl"]) else None


async def _batches(source: LogSource, run: Run, options: Options) -> AsyncGenerator[list[tuple[int, bytes]], None]:
    """Times and texts as the kubelet has them, some at a time."""
    batch: list[tuple[int, bytes]] = []
    size = last_ns = 0
    async with aclosing(_opened(source, run, options)) as raws:
        async for raw in raws:
            time_ns, data = parse_kube_line(raw)
            if not time_ns and data.startswith(REMOVED):
                continue  # there is no log any more, and this says so
            # The kubelet's own remarks carry no time; they belong where they stand.
            last_ns = time_ns or last_ns or time.time_ns()
            batch.append((last_ns, data))
            size += len(data)
            if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


async def _opened(source: LogSource, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(source.open(run, options)) as raws:
            async for raw in raws:
                yield raw
    except Invalid as error:
        if error.cluster is not None and error.cluster.status != 400:
            raise
        # The kubelet's way to say that this container has not started, or has no run before this one.
        return
