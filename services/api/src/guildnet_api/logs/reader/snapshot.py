"""A log without a stream: the newest lines that match as a list, or everything that matches as a text file."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response, StreamingResponse

from guildnet.errors import Invalid
from guildnet_api.cluster.pods import Pod
from guildnet_api.logs.encoding import LogLine, log_line
from guildnet_api.logs.filtered import EVERYTHING, Filter
from guildnet_api.logs.matcher import TooSlow, matcher
from guildnet_api.logs.model import Run, truncated
from guildnet_api.logs.source.kubelet import LogSource, Options, parse_kube_line

MAX_LINES: Final = 5000
MIN_CHUNK_BYTES: Final = 64 * 1024
"""Bytes of a text file that are sent together."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines: those that pass a filter, between two times (Unix nanoseconds, 0 for open), the newest `limit`."""

    filter: Filter = EVERYTHING
    limit: int = MAX_LINES
    since_ns: int = 0
    until_ns: int = 0
    previous: bool = False
    max_line_bytes: int = 16 * 1024

    @property
    def narrows(self) -> bool:
        return bool(self.filter != EVERYTHING or self.until_ns)


def runs_of(pod: Pod | None) -> list[Run]:
    """The present run of every container that has something to read."""
    return [Run(pod.uid, pod.name, c.name, c.restart) for c in pod.containers if c.has_log] if pod else []


async def newest(source: LogSource, runs: Iterable[Run], selection: Selection) -> list[LogLine]:
    """The newest lines of these runs, oldest first. Raises guildnet.errors."""
    of_each = []
    for run in runs:
        lines: deque[LogLine] = deque(maxlen=selection.limit)
        async with aclosing(_matching(source, run, selection, selection.limit)) as found:
            async for line in found:
                lines.append(line)
        of_each.append(lines)
    merged = list(heapq.merge(*of_each, key=lambda line: line["t"]))
    return merged[-selection.limit :] if selection.limit else []


def text(source: LogSource, run: Run | None, selection: Selection, name: str) -> Response:
    """Everything that matches as `time text` lines, written as it is read. Raises Invalid for a bad `q`."""
    matcher(selection.filter.q)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    chunks = _chunks(source, run, selection)
    return StreamingResponse(chunks, media_type="text/plain; charset=utf-8", headers=headers)


async def _chunks(source: LogSource, run: Run | None, selection: Selection) -> AsyncGenerator[bytes, None]:
    if run is None:
        return
    held, size = [], 0
    try:
        async with aclosing(_matching(source, run, selection, None)) as found:
            async for line in found:
                held.append(f"{line['t']} {line['msg']}\n".encode("utf-8", "replace"))
                size += len(held[-1])
                if size >= MIN_CHUNK_BYTES:
                    yield b"".join(held)
                    held, size = [], 0
    except TooSlow as error:
        held.append(f"[incomplete: {error.message}]\n".encode())
    yield b"".join(held)


async def _matching(
    source: LogSource, run: Run, selection: Selection, tail: int | None
) -> AsyncGenerator[LogLine, None]:
    wanted = matcher(selection.filter.q)
    if tail is not None and selection.narrows:
        tail = MAX_LINES
    options = Options(since_ns=selection.since_ns, tail=tail, previous=selection.previous)
    async with aclosing(_opened(source, run, options)) as raws:
        async for raw in raws:
            time_ns, data = parse_kube_line(raw)
            if time_ns < selection.since_ns or (selection.until_ns and time_ns >= selection.until_ns):
                continue
            line = log_line(run, time_ns, truncated(data, selection.max_line_bytes))
            if selection.filter.level in ("", line["lvl"]) and (wanted is None or wanted.matches(line["msg"])):
                yield line


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
