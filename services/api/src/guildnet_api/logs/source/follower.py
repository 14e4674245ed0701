"""The first room: from a container's log to a sink, each line once, whatever breaks in between.

Reading starts again at the last known *second* (Kubernetes cuts `sinceTime` there), so some lines come twice: they are
recognised by their own time and bytes. Where the known ones are not found any more, lines were lost, and a gap is said.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from guildnet.errors import GuildNetError, Invalid, NotFound
from guildnet_api.http.sse import compact
from guildnet_api.logs.model import parse_kube_line
from guildnet_api.logs.records import Kind, Raw, Run, cut
from guildnet_api.logs.source.kubelet import LogSource, Options, Shed
from guildnet_api.tasks import together

log = structlog.get_logger(__name__)

BATCH_LINES: Final = 512
BATCH_BYTES: Final = 512 * 1024
QUEUE_LINES: Final = 2048
SECOND: Final = 1_000_000_000
LAST_DELAY: Final = 5.0
REMOVED: Final = b"unable to retrieve container logs for "
"""What a kubelet says instead of a log that it has removed with its container, as if it were a line of it."""
GONE: Final = b'{"reason":"restarted","message":"The log of this run is not kept any more."}'


class Sink(Protocol):
    """Where a run's lines go. All may raise what their store raises; the follow ends then."""

    async def known(self) -> Sequence[Raw]:
        """The lines of the last second or more, oldest first; none when nothing is known."""
        ...

    async def append(self, lines: Sequence[Raw]) -> None: ...

    async def live(self) -> None:
        """What existed is there; from now on lines are new."""
        ...


class Alignment:
    """Which lines of a reading are new. Stops remembering once the reading is past what was known."""

    def __init__(self, known: Iterable[Raw]) -> None:
        lines = [line for line in known if line.kind is not Kind.END]
        self.last_ns = lines[-1].time_ns if lines else 0
        self._known = Counter((line.time_ns, hash(line.data)) for line in lines)
        self._met = not any(line.kind is Kind.LINE for line in lines)

    def fresh(self, line: Raw) -> Iterable[Raw]:
        """The line itself, nothing, or a gap and the line."""
        key = (line.time_ns, hash(line.data))
        if self._known:
            if self._known[key] > 0:
                self._known[key] -= 1
                self._met = True
                return ()
            if line.time_ns > self.last_ns + SECOND:
                self._known.clear()
        if not self._met and line.time_ns > self.last_ns:
            self._met = True
            gap = b'{"reason":"rotated","message":"Older lines were removed before they could be read."}'
            return (Raw(line.time_ns, gap, Kind.GAP), line)
        return (line,)


@dataclass(frozen=True, slots=True)
class Follow:
    """How one run is followed. `over` tells whether the run has ended as far as the cluster says; `settle` waits, a few
    seconds at most, for the cluster to say so after a stream ended. `behind` is how many runs the container began
    since: of those before the current one the kubelet keeps only the last."""

    source: LogSource
    over: Callable[[Run], bool]
    behind: Callable[[Run], int]
    settle: Callable[[Run], Awaitable[None]]
    max_lines: int
    max_line_bytes: int
    trouble: Callable[[str], None]

    async def run(self, run: Run, sink: Sink) -> None:
        """Returns when the run is over and everything of it is in the sink."""
        if not await self._persist(run, sink, follow=False) and self.behind(run):
            # Of no time of its own: it stands after what is known, and before anything of the next run.
            await sink.append([Raw(1, GONE, Kind.GAP), Raw(0, b"", Kind.END)])
            return
        await sink.live()
        while not self.over(run):
            if not await self._persist(run, sink, follow=True):
                break
            await self.settle(run)
        await self._persist(run, sink, follow=False)
        await sink.append([Raw(0, b"", Kind.END)])

    async def _persist(self, run: Run, sink: Sink, *, follow: bool) -> bool:
        """Read once, again and again until it worked; False when the run is over and cannot be read."""
        delay = 0.25
        while True:
            try:
                await self._read(run, sink, follow=follow)
                self.trouble("")
                return True
            except GuildNetError as error:
                # A kubelet may not know a pod yet that the cluster says runs: only both together mean that it is gone.
                if isinstance(error, Invalid | NotFound) and self.over(run):
                    return False
                log.info("log reading interrupted", pod=run.pod, container=run.container, error=error.message)
                self.trouble(error.message)
                await asyncio.sleep(delay)
                delay = min(LAST_DELAY, delay * 2)

    async def _read(self, run: Run, sink: Sink, *, follow: bool) -> None:
        alignment = Alignment(await sink.known())
        behind = self.behind(run)
        if behind > 1:
            raise NotFound(f"the log of run {run.restart} of {run.container} is not kept any more")
        options = Options(follow=follow, since_ns=alignment.last_ns, tail=self.max_lines, previous=behind == 1)
        queue: asyncio.Queue[Raw | None] = asyncio.Queue(QUEUE_LINES)
        async with together() as tasks, aclosing(self.source.open(run, options)) as lines:
            writer = tasks.create_task(_write(queue, sink))
            last = alignment.last_ns
            async for raw in lines:
                if isinstance(raw, Shed):
                    await queue.put(Raw(last or time.time_ns(), _shed(raw.lines), Kind.GAP))
                    continue
                time_ns, data = parse_kube_line(raw)
                if not time_ns and data.startswith(REMOVED):
                    raise NotFound(data.decode("utf-8", "replace"))
                # The kubelet's own remarks carry no time; they belong where they stand.
                last = time_ns or last or time.time_ns()
                for line in alignment.fresh(Raw(last, cut(data, self.max_line_bytes))):
                    await queue.put(line)
            await queue.put(None)
            await writer


def _shed(lines: int) -> bytes:
    message = f"{lines} lines came too fast to be followed and were dropped."
    return compact({"reason": "rate", "lines": lines, "message": message})


async def _write(queue: asyncio.Queue[Raw | None], sink: Sink) -> None:
    """Whatever arrived while the last write was on its way goes into the next one."""
    line = await queue.get()
    while line is not None:
        batch, size = [line], len(line.data)
        line = None
        ended = False
        while not queue.empty() and len(batch) < BATCH_LINES and size < BATCH_BYTES:
            item = queue.get_nowait()
            if item is None:
                ended = True
                break
            batch.append(item)
            size += len(item.data)
        await sink.append(batch)
        line = None if ended else await queue.get()
