"""Follows one container's log into a sink, each line once, whatever breaks in between.

Reading starts again at the last known *second* (Kubernetes cuts `sinceTime` there), so some lines come twice: they are
recognised by their own time and bytes. Where the known ones are not found any more, lines were lost, and a gap is
appended.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from guildnet.errors import GuildNetError, Invalid, NotFound
from guildnet.kube.lines import Shed
from guildnet.pace import backoff
from guildnet_api.aio import task_group
from guildnet_api.http.sse import compact
from guildnet_api.logs.model import NS_PER_SECOND, Kind, RawLine, Run, truncated
from guildnet_api.logs.source.kubelet import REMOVED, LogSource, Options, parse_kube_line
from guildnet_api.logs.source.run_state import RunState

log = structlog.get_logger(__name__)

MAX_BATCH_LINES: Final = 512
MAX_BATCH_BYTES: Final = 512 * 1024
MAX_QUEUED_LINES: Final = 2048
FIRST_RETRY_SECONDS: Final = 0.25
MAX_RETRY_SECONDS: Final = 5.0
GAP_RESTARTED: Final = b'{"reason":"restarted","message":"The log of this run is not kept any more."}'
GAP_ROTATED: Final = b'{"reason":"rotated","message":"Older lines were removed before they could be read."}'


class Sink(Protocol):
    """Where a run's lines go. Every method may raise what its store raises; the follower ends then."""

    async def known(self) -> Sequence[RawLine]:
        """The lines of the last second or more, oldest first; none when nothing is known."""
        ...

    async def append(self, lines: Sequence[RawLine]) -> None: ...

    async def live(self) -> None:
        """What existed is there; from now on lines are new."""
        ...


class Alignment:
    """Which lines of a reading are new. Stops remembering once the reading is past what was known."""

    def __init__(self, known: Iterable[RawLine]) -> None:
        lines = [line for line in known if line.kind is not Kind.END]
        self.last_ns = lines[-1].time_ns if lines else 0
        self._known = Counter((line.time_ns, hash(line.data)) for line in lines)
        self._met = not any(line.kind is Kind.LINE for line in lines)

    def fresh(self, line: RawLine) -> Iterable[RawLine]:
        """The line itself, nothing, or a gap and the line."""
        key = (line.time_ns, hash(line.data))
        if self._known:
            if self._known[key] > 0:
                self._known[key] -= 1
                self._met = True
                return ()
            if line.time_ns > self.last_ns + NS_PER_SECOND:
                self._known.clear()
        if not self._met and line.time_ns > self.last_ns:
            self._met = True
            return (RawLine(line.time_ns, GAP_ROTATED, Kind.GAP), line)
        return (line,)


@dataclass(frozen=True, slots=True)
class Follower:
    """How runs are followed. `report` gets why reading fails right now, "" when it works again."""

    source: LogSource
    state: RunState
    max_lines: int
    max_line_bytes: int
    report: Callable[[str], None]

    async def run(self, run: Run, sink: Sink) -> None:
        """Returns when the run is over and everything of it is in the sink."""
        if not await self._persist(run, sink, follow=False) and self.state.runs_since(run):
            # Of no time of its own: it stands after what is known, and before anything of the next run.
            await sink.append([RawLine(1, GAP_RESTARTED, Kind.GAP), RawLine(0, b"", Kind.END)])
            return
        await sink.live()
        while not self.state.ended(run):
            if not await self._persist(run, sink, follow=True):
                break
            await self.state.settle(run)
        await self._persist(run, sink, follow=False)
        await sink.append([RawLine(0, b"", Kind.END)])

    async def _persist(self, run: Run, sink: Sink, *, follow: bool) -> bool:
        """Read once, again and again until it worked; False when the run is over and cannot be read."""
        failures = 0
        while True:
            try:
                await self._read(run, sink, follow=follow)
                self.report("")
                return True
            except GuildNetError as error:
                # A kubelet may not know a pod yet that the cluster says runs: only both together mean that it is gone.
                if isinstance(error, Invalid | NotFound) and self.state.ended(run):
                    return False
                log.info("log reading interrupted", pod=run.pod, container=run.container, error=error.message)
                self.report(error.message)
                failures += 1
                await asyncio.sleep(backoff(failures, first=FIRST_RETRY_SECONDS, most=MAX_RETRY_SECONDS))

    async def _read(self, run: Run, sink: Sink, *, follow: bool) -> None:
        alignment = Alignment(await sink.known())
        options = Options(follow=follow, since_ns=alignment.last_ns, tail=self.max_lines)
        queue: asyncio.Queue[RawLine | None] = asyncio.Queue(MAX_QUEUED_LINES)
        async with task_group() as tasks, aclosing(self.source.open(run, options)) as lines:
            writer = tasks.create_task(_write(queue, sink))
            last_ns = alignment.last_ns
            async for raw in lines:
                if isinstance(raw, Shed):
                    await queue.put(RawLine(last_ns or time.time_ns(), _rate_gap(raw.lines), Kind.GAP))
                    continue
                time_ns, data = parse_kube_line(raw)
                if not time_ns and data.startswith(REMOVED):
                    raise NotFound(data.decode("utf-8", "replace"))
                # The kubelet's own remarks carry no time; they belong where they stand.
                last_ns = time_ns or last_ns or time.time_ns()
                for line in alignment.fresh(RawLine(last_ns, truncated(data, self.max_line_bytes))):
                    await queue.put(line)
            await queue.put(None)
            await writer


def _rate_gap(lines: int) -> bytes:
    message = f"{lines} lines came too fast to be followed and were dropped."
    return compact({"reason": "rate", "lines": lines, "message": message})


async def _write(queue: asyncio.Queue[RawLine | None], sink: Sink) -> None:
    """Whatever arrived while the last write was on its way goes into the next one."""
    line = await queue.get()
    while line is not None:
        batch, size = [line], len(line.data)
        line = None
        ended = False
        while not queue.empty() and len(batch) < MAX_BATCH_LINES and size < MAX_BATCH_BYTES:
            item = queue.get_nowait()
            if item is None:
                ended = True
                break
            batch.append(item)
            size += len(item.data)
        await sink.append(batch)
        line = None if ended else await queue.get()
