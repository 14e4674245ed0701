"""The fourth room: what one client of `/sse/logs` is sent, in order.

First the tail, then every line as it comes, over restarts and new pods, until the client leaves. Lines are unnamed
events with ids; `source`, `status` and `gap` are named. A client that names its last id goes on at the next line, or is
told by a `gap` what could not be recovered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

from guildnet.logs import id_key
from guildnet_api import sse
from guildnet_api.logs.feed import Feed
from guildnet_api.logs.hub import TICK_SECONDS, Hub
from guildnet_api.logs.records import Run
from guildnet_api.pods import Pod
from guildnet_api.roster import Roster
from guildnet_api.servers import explanation
from guildnet_api.streams import Closing

START: Final = "0-0"
LOOK_SECONDS: Final = 2.0  # between two questions whether the reader still may


@dataclass(frozen=True, slots=True)
class Wish:
    """What the client asked for. `resume` is the last id it saw, "" at its first visit."""

    target: str
    level: str = ""
    tail: int = 200
    container: str | None = None
    follow: bool = True
    resume: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """An id of ours taken apart: the run it belongs to and the place in it."""

    prefix: str
    identifier: str

    @property
    def time_ns(self) -> int:
        return id_key(self.identifier)[0]


def place(text: str) -> Place | None:
    """The place an id names, or None for what is not one of ours."""
    prefix, _, identifier = text.rpartition(".")
    try:
        id_key(identifier)
    except ValueError:
        return None
    return Place(f"{prefix}.", identifier) if prefix else None


def run_of(pod: Pod | None, container: str | None) -> Run | None:
    """The run to read of a pod, or None while there is nothing to read."""
    found = pod.container(container) if pod else None
    if pod is None or found is None or not found.has_log:
        return None
    return Run(pod.uid, pod.name, found.name, found.restart)


class Viewer:
    """One reader. `blocks` are the bytes to send; the end of them is the end of the stream."""

    def __init__(self, wish: Wish, hub: Hub, roster: Roster, closing: Closing, allowed: Callable[[], bool]) -> None:
        self._wish = wish
        self._hub = hub
        self._roster = roster
        self._closing = closing
        self._allowed = allowed
        self._told: tuple[Any, ...] = ()
        self._sent_at = time.monotonic()
        self._looked_at = time.monotonic()
        self._place = place(wish.resume)
        self._first = True
        self._revoked = False

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        yield sse.retry()
        done: Run | None = None
        while not self._over():
            run = run_of(self._roster.pod(self._wish.target), self._wish.container)
            if run is None or run == done:
                ws = self._roster.get(self._wish.target)
                if ws is None:
                    yield self._status(reason="Deleted", message="The workspace does not exist any more.")
                    return
                reason, message = explanation(ws, self._roster.pod(ws.name))
                told = self._status(reason=reason or "Waiting", message=message or "There is nothing to read yet.")
                # Whoever was sent something looks again before waiting: the news may have come meanwhile.
                if told := told or self._ping():
                    yield told
                elif self._wish.follow:
                    await self._wait(self._roster)
                else:
                    return
                continue
            async with self._hub.open(run) as feed, aclosing(self._of_run(feed)) as blocks:
                async for block in blocks:
                    self._sent_at = time.monotonic()
                    yield block
            done = run
            if not self._wish.follow:
                return
        yield sse.retry(self._closing.retry_ms) if self._closing.closed else b""

    async def _of_run(self, feed: Feed) -> AsyncGenerator[bytes, None]:
        run = feed.run
        yield self._source(run)
        while not feed.loaded and not self._over():
            if told := self._state(feed) or self._ping():
                yield told
            else:
                await self._wait(feed)
        cursor, opening = self._begin(feed)
        yield opening
        view = feed.view(self._wish.level)
        while not self._over():
            ended = feed.ended
            if view.ring.last_id and cursor != START and not view.ring.covers(cursor):
                yield self._cut(run, cursor)
                self._closing.cut("slow")
                return
            block, cursor = view.block(cursor)
            if block:
                yield block
                continue
            if ended or self._closing.closed:
                self._place = Place(run.prefix, cursor)
            if ended or not self._wish.follow:
                return
            if told := self._state(feed) or self._ping():
                yield told
            else:
                await self._wait(feed)

    def _begin(self, feed: Feed) -> tuple[str, bytes]:
        """Where to start in a run, and what to send before: at the last id, after the lines of the run before, or the
        tail."""
        run, at, first = feed.run, self._place, self._first
        self._first = False
        view = feed.view(self._wish.level)
        if at is None:
            lines = view.ring.tail(self._wish.tail) if first else view.ring.after(None)
            if first and len(lines) < len(view.ring):
                before = view.ring.tail(len(lines) + 1)[0].id
                return before, b""
            return START, b""
        if at.prefix == run.prefix:
            if feed.holds(at.identifier) or not feed.first:
                return at.identifier, b""
            return START, self._gap("expired", "Lines between your last one and the oldest kept are lost.")
        # Another run: what of it was not read is gone with it, unless the reader stood at its end.
        lost = first and bool(self._wish.resume)
        gap = self._gap("restarted", "The container ran anew; its earlier last lines may be missing.") if lost else b""
        # A stream that ended with a restart can have brought the first lines of the new run already.
        lines = view.ring.after(f"{at.time_ns}-{1 << 62}")
        skip = len(view.ring) - len(lines)
        cursor = view.ring.tail(len(lines) + 1)[0].id if skip else START
        return cursor, gap

    # ---- named events ----------------------------------------------------------------------------------------------

    def _source(self, run: Run) -> bytes:
        told = {"pod": run.pod, "container": run.container, "restart": run.restart}
        return sse.frame(sse.compact(told), event="source")

    def _gap(self, reason: str, message: str) -> bytes:
        last = self._wish.resume
        return sse.frame(sse.compact({"reason": reason, "message": message, "after": last}), event="gap")

    def _cut(self, run: Run, cursor: str) -> bytes:
        told = {
            "reason": "slow",
            "message": "Too slow for the stream; connect again.",
            "lastEventId": run.prefix + cursor,
        }
        return sse.retry(1000) + sse.frame(sse.compact(told), event="cut")

    def _status(self, **told: str | bool) -> bytes:
        """A status, unless it was the last one said."""
        key = tuple(told.items())
        if key == self._told:
            return b""
        self._told = key
        self._sent_at = time.monotonic()
        return sse.frame(sse.compact(told), event="status")

    def _state(self, feed: Feed) -> bytes:
        if feed.degraded or feed.trouble or self._told:
            return self._status(
                reason="Degraded" if feed.degraded else "Trouble" if feed.trouble else "Live",
                message=feed.trouble,
                degraded=feed.degraded,
            )
        return b""

    # ---- waiting ---------------------------------------------------------------------------------------------------

    def _ping(self) -> bytes:
        if time.monotonic() - self._sent_at < sse.PING_SECONDS - TICK_SECONDS / 2:
            return b""
        self._sent_at = time.monotonic()
        return sse.PING

    def _over(self) -> bool:
        """Closing down, or the right to read was taken away (looked at every few seconds)."""
        if self._closing.closed or self._revoked:
            return True
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = now
        self._revoked = not self._allowed()
        return self._revoked

    async def _wait(self, where: Feed | Roster) -> None:
        """Until there may be something new. A feed is woken every few seconds by its hub; a roster is not."""
        if isinstance(where, Feed):
            await where.signal.wait()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS):
                await where.signal.wait()
