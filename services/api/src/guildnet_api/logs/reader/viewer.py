"""SSE stream of one log reader: the tail, then every line as it comes, over restarts and new pods.

Lines are unnamed events with ids; `source`, `status`, `gap`, `event`, `cut` and `end` are named. A reader that names
its last id goes on at the next line, or is told by a `gap` what could not be recovered.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from guildnet.errors import TooManyRequests
from guildnet_api.aio import wait_first
from guildnet_api.cluster.index import WorkspaceIndex
from guildnet_api.http import sse
from guildnet_api.http.event_stream import SHUTDOWN_RETRY_MS, Connection, StreamSupervisor
from guildnet_api.http.sse import Event
from guildnet_api.logs.feed import Feed
from guildnet_api.logs.filtered import FilteredRing
from guildnet_api.logs.hub import WAKE_SECONDS, Hub
from guildnet_api.logs.model import Run, id_key, rfc3339
from guildnet_api.logs.reader.cursor import Cursor, StreamRequest, asked_run, next_step
from guildnet_api.logs.reader.stream_events import Cut, End, Gap, Lines, Source, Status, Timeline
from guildnet_api.logs.reader.workspace_events import WorkspaceEvents
from guildnet_api.logs.worker import Searcher, TooSlow
from guildnet_api.workspaces.view import explanation

BEGINNING: Final = "0-0"
"""An id below every line."""
RECHECK_ACCESS_SECONDS: Final = 2.0
"""Time between two checks whether a reader may still read."""


@dataclass(frozen=True, slots=True)
class StreamContext:
    """What a stream is made from. `ends_at` is when it has to be asked for again (monotonic seconds)."""

    hub: Hub
    index: WorkspaceIndex
    supervisor: StreamSupervisor
    searcher: Searcher
    ends_at: float = math.inf


class Viewer:
    """One reader. `events` is what it is sent; their end is the end of the stream."""

    __slots__ = (
        "_allowed", "_checked_at", "_connection", "_cursor", "_cut", "_ends_at", "_first", "_hub", "_index", "_request",
        "_revoked", "_searcher", "_sent_at", "_status", "_supervisor", "_workspace_events",
    )  # fmt: skip

    def __init__(
        self,
        request: StreamRequest,
        context: StreamContext,
        allowed: Callable[[], bool],
        workspace_events: WorkspaceEvents | None = None,
    ) -> None:
        """`allowed` tells whether the reader may still read; `workspace_events` are given where it asked for them."""
        self._request = request
        self._hub = context.hub
        self._index = context.index
        self._supervisor = context.supervisor
        self._searcher = context.searcher
        self._ends_at = context.ends_at
        self._allowed = allowed
        self._workspace_events = workspace_events
        self._connection: Connection | None = None
        self._cursor = Cursor.parse(request.resume)
        self._status: Status | None = None
        self._sent_at = time.monotonic()
        self._checked_at = time.monotonic()
        self._first = True
        self._revoked = False
        self._cut = False

    async def events(self, connection: Connection | None) -> AsyncGenerator[Event, None]:
        """What to send. Lines may also be written to the connection while the next event is waited for."""
        self._connection = connection
        yield sse.Retry()
        if news := self._timeline():
            yield news
        done = None
        while not self._over():
            step = next_step(asked_run(self._index.pod(self._request.target), self._request), done, self._cursor)
            if step.run is None:
                idle, more = self._idle()
                for event in idle:
                    yield event
                if not more:
                    return
                # What was sent took time: there may be a run by now, so it is looked for again before waiting.
                if not idle:
                    await self._wait(self._index)
                continue
            if step.lost:
                yield self._gap("restarted", "The container ran anew; lines of its earlier runs may be missing.")
            async with aclosing(self._read(step.run)) as events:
                async for event in events:
                    yield event
            done = step.run
            if self._cut:
                return
            if self._request.ends and done == asked_run(self._index.pod(self._request.target), self._request):
                yield End()
                return
        if not self._revoked:
            yield sse.Retry(SHUTDOWN_RETRY_MS)

    def _idle(self) -> tuple[Sequence[Event], bool]:
        """What to send while there is no run to read, and whether to wait for one."""
        ws = self._index.get(self._request.target)
        if ws is None:
            return self._changed(Status("Deleted", "The workspace does not exist any more.")), False
        if self._request.previous:
            message = "The container has not run before in this pod."
            return (*self._changed(Status("NoPrevious", message)), End()), False
        pod, container = self._index.pod(ws.name), self._request.container
        if pod and container and pod.container(container) is None:
            names = ", ".join(each.name for each in pod.containers)
            status = Status("NoContainer", f"There is no container {container!r}; the pod has {names}.")
            return (*self._changed(status), End()), False
        reason, why = explanation(ws, pod)
        waiting = Status(reason or "Waiting", why or "There is nothing to read yet.")
        if not self._request.follow:
            return (*self._changed(waiting), End()), False
        return self._changed(waiting) or self._timeline_or_ping(), True

    async def _read(self, run: Run) -> AsyncGenerator[Event, None]:
        """Everything of one run."""
        feed = self._hub.open(run)
        try:
            for part in (self._until_loaded, self._lines):
                async with aclosing(part(feed)) as events:
                    async for event in events:
                        self._sent_at = time.monotonic()
                        yield event
        finally:
            self._hub.release(feed)

    async def _until_loaded(self, feed: Feed) -> AsyncGenerator[Event, None]:
        yield Source(feed.run)
        while not feed.loaded and not self._over():
            beside = self._beside(feed)
            for event in beside:
                yield event
            if not beside:
                await self._wait(feed)

    async def _lines(self, feed: Feed) -> AsyncGenerator[Event, None]:
        try:
            ring = feed.open_filter(self._request.filter)
        except TooManyRequests as error:
            yield self._cut_off("filters", error.message, self._request.resume)
            return
        at: str | None = None
        try:
            losses = ring.losses
            await ring.catch_up(self._searcher)
            at = self._begin(feed, ring)
            if at is None:
                yield self._gap("expired", "Lines between your last one and the oldest kept are lost.")
                at = BEGINNING
            while (events := self._next(feed, ring, at, losses)) is not None:
                for event in events:
                    yield event
                    at = event.end if isinstance(event, Lines) else at
                if not events:
                    at = await self._more(feed, ring, at)
                await ring.catch_up(self._searcher)
        except TooSlow as error:
            yield self._cut_off("query", error.message, feed.run.prefix + at if at else self._request.resume)
        finally:
            feed.close_filter(ring)

    async def _more(self, feed: Feed, ring: FilteredRing, at: str) -> str:
        """Until there may be more to send; the id reached meanwhile."""
        if ring.pushes and self._workspace_events is None and self._connection is not None:
            return await self._attached(ring, at, self._connection)
        await self._wait(feed)
        return at

    def _next(self, feed: Feed, ring: FilteredRing, at: str, losses: int) -> Sequence[Event] | None:
        """What to send next after the id `at`, nothing while there is nothing; None when the run is over for it.

        `losses` are those of the ring when the reader began.
        """
        if self._over() or self._cut:
            return None
        ended = feed.ended
        passed = ring.ring.last_id and at != BEGINNING and not ring.ring.covers(at)
        if passed or ring.losses != losses:
            return (self._cut_off("slow", "Too slow for the stream; connect again.", feed.run.prefix + at),)
        block = ring.after(at)
        if block:
            return (block,)
        if ended or self._supervisor.closed:
            self._cursor = Cursor(feed.run.prefix, at)
        if ended or self._request.ends:
            return None
        return self._beside(feed)

    async def _attached(self, ring: FilteredRing, at: str, connection: Connection) -> str:
        """Let the feed write to the connection until there is something else to do; returns the id reached."""
        attachment = ring.attach(connection, at)
        try:
            await attachment.woken()
        finally:
            at = ring.push.detach(attachment)
        self._sent_at = max(self._sent_at, ring.flushed_at)
        return at

    def _begin(self, feed: Feed, ring: FilteredRing) -> str | None:
        """The id to start after in a run: the reader's last, the end of the run before, or the tail's start. None where
        the lines after its last id are not held any more."""
        cursor, first = self._cursor, self._first
        self._first = False
        held = ring.ring
        if cursor is None:
            lines = held.tail(self._request.tail) if first else held.after(None)
            if first and len(lines) < len(held):
                return held.tail(len(lines) + 1)[0].id
            return BEGINNING
        if cursor.prefix == feed.run.prefix and feed.ended and id_key(feed.last) < id_key(cursor.id):
            return BEGINNING  # the run ended before the reader's last line: what is left of it begins with the gap
        if cursor.prefix == feed.run.prefix:
            return cursor.id if feed.holds(cursor.id) or not feed.first else None
        # A stream that ended with a restart can have brought the first lines of the new run already.
        lines = held.after(f"{cursor.time_ns}-{1 << 62}")
        return held.tail(len(lines) + 1)[0].id if len(held) > len(lines) else BEGINNING

    # ---- named events ----------------------------------------------------------------------------------------------

    def _gap(self, reason: str, message: str) -> Gap:
        return Gap(reason, message, self._request.resume)

    def _cut_off(self, reason: str, message: str, last: str) -> Cut:
        self._cut = True
        self._supervisor.count_cut(reason)
        return Cut(reason, message, last)

    def _changed(self, status: Status) -> Sequence[Status]:
        """A status, unless it is the last one sent."""
        if status == self._status:
            return ()
        self._status = status
        self._sent_at = time.monotonic()
        return (status,)

    def _beside(self, feed: Feed) -> Sequence[Event]:
        """What to send while there is no line."""
        return self._feed_status(feed) or self._timeline_or_ping()

    def _feed_status(self, feed: Feed) -> Sequence[Status]:
        if not (feed.degraded or feed.trouble or self._status):
            return ()
        reason = "Degraded" if feed.degraded else "Trouble" if feed.trouble else "Live"
        return self._changed(Status(reason, feed.trouble, feed.degraded))

    def _timeline_or_ping(self) -> Sequence[Event]:
        if news := self._timeline():
            return (news,)
        if time.monotonic() - self._sent_at < sse.PING_SECONDS - WAKE_SECONDS / 2:
            return ()
        self._sent_at = time.monotonic()
        return (sse.Ping(),)

    def _timeline(self) -> Timeline | None:
        if self._workspace_events is None:
            return None
        since = rfc3339(self._cursor.time_ns)[:19] if self._cursor else ""
        return self._workspace_events.unsent(since)

    # ---- waiting ---------------------------------------------------------------------------------------------------

    def _over(self) -> bool:
        """Whether the process shuts down, its time is up, or the right to read was taken away."""
        now = time.monotonic()
        if self._supervisor.closed or self._revoked or now >= self._ends_at:
            return True
        if now - self._checked_at < RECHECK_ACCESS_SECONDS:
            return False
        self._checked_at = now
        self._revoked = not self._allowed()
        return self._revoked

    async def _wait(self, source: Feed | WorkspaceIndex) -> None:
        """Until there may be something new. The hub wakes a feed every few seconds; nobody wakes the index."""
        others = self._workspace_events.signals if self._workspace_events else ()
        if isinstance(source, Feed) and not others:
            await source.signal.wait()
        else:
            await wait_first((source.signal, *others), WAKE_SECONDS)
