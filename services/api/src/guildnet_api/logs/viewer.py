"""The fourth room: what one client of `/sse/logs` is sent, in order.

First the tail, then every line as it comes, over restarts and new pods, until the client leaves. Lines are unnamed
events with ids; `source`, `status`, `gap`, `event`, `cut` and `end` are named. A client that names its last id goes on
at the next line, or is told by a `gap` what could not be recovered.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

from guildnet.errors import TooManyRequests
from guildnet_api.cluster.index import Roster
from guildnet_api.http import sse
from guildnet_api.http.event_stream import Closing, Connection
from guildnet_api.logs.cursor import Place, Wish, next_step, place, run_of
from guildnet_api.logs.feed import Feed, rfc3339
from guildnet_api.logs.filtered import View
from guildnet_api.logs.hub import TICK_SECONDS, Hub
from guildnet_api.logs.model import id_key
from guildnet_api.logs.records import Run
from guildnet_api.logs.workspace_events import Happenings
from guildnet_api.signals import first_of
from guildnet_api.workspaces.view import explanation

START: Final = "0-0"
LOOK_SECONDS: Final = 2.0  # between two questions whether the reader still may


class Viewer:
    """One reader. `blocks` are the bytes to send; the end of them is the end of the stream."""

    __slots__ = (
        "_allowed", "_closing", "_connection", "_cut_off", "_first", "_happenings", "_hub", "_looked_at", "_place",
        "_revoked", "_roster", "_sent_at", "_told", "_wish",
    )  # fmt: skip

    def __init__(
        self,
        wish: Wish,
        hub: Hub,
        roster: Roster,
        closing: Closing,
        allowed: Callable[[], bool],
        happenings: Happenings | None = None,
    ) -> None:
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
        self._cut_off = False
        self._happenings = happenings

    async def blocks(self, connection: Connection | None) -> AsyncGenerator[bytes, None]:
        """The bytes to send. Lines may also be written to the connection while the next ones are waited for."""
        self._connection = connection
        yield sse.retry() + self._news()
        done: Run | None = None
        while not self._over():
            step = next_step(run_of(self._roster.pod(self._wish.target), self._wish), done, self._place)
            if step.run is None:
                told, more = self._nothing()
                if told:
                    yield told
                if not more:
                    return
                # Whoever was sent something looks again before waiting: the news may have come meanwhile.
                if not told:
                    await self._wait(self._roster)
                continue
            if step.lost:
                yield self._gap("restarted", "The container ran anew; lines of its earlier runs may be missing.")
            feed = self._hub.open(step.run)
            try:
                for part in (self._until_loaded, self._lines):
                    async with aclosing(part(feed)) as blocks:
                        async for block in blocks:
                            self._sent_at = time.monotonic()
                            yield block
            finally:
                self._hub.leave(feed)
            done = step.run
            if self._cut_off:
                return
            if self._wish.ends and done == run_of(self._roster.pod(self._wish.target), self._wish):
                yield sse.END
                return
        yield sse.retry(self._closing.retry_ms) if self._closing.closed else b""

    def _nothing(self) -> tuple[bytes, bool]:
        """What to say where there is nothing to read, and whether to go on waiting for something."""
        ws = self._roster.get(self._wish.target)
        if ws is None:
            return self._status(reason="Deleted", message="The workspace does not exist any more."), False
        if self._wish.previous:
            words = "The container has not run before in this pod."
            return self._status(reason="NoPrevious", message=words) + sse.END, False
        reason, message = explanation(ws, self._roster.pod(ws.name))
        told = self._status(reason=reason or "Waiting", message=message or "There is nothing to read yet.")
        told = told or self._news() or self._ping()
        return told, bool(told) or self._wish.follow

    async def _until_loaded(self, feed: Feed) -> AsyncGenerator[bytes, None]:
        yield self._source(feed.run)
        while not feed.loaded and not self._over():
            if told := self._aside(feed):
                yield told
            else:
                await self._wait(feed)

    async def _lines(self, feed: Feed) -> AsyncGenerator[bytes, None]:
        try:
            view = feed.look(self._wish.look)
        except TooManyRequests as error:
            yield self._cut("filters", error.message, self._wish.resume)
            return
        try:
            cursor = self._begin(feed, view)
            if cursor is None:
                yield self._gap("expired", "Lines between your last one and the oldest kept are lost.")
                cursor = START
            while (more := self._more(feed, view, cursor)) is not None:
                block, cursor = more
                if block:
                    yield block
                elif self._happenings is None and self._connection is not None:
                    cursor = await self._ride(view, cursor, self._connection)
                else:
                    await self._wait(feed)
        finally:
            feed.look_away(view)

    def _more(self, feed: Feed, view: View, cursor: str) -> tuple[bytes, str] | None:
        """The next bytes, none while there are none, and the place after them; None when this run is over for it."""
        if self._over() or self._cut_off:
            return None
        run, ended = feed.run, feed.ended
        if view.ring.last_id and cursor != START and not view.ring.covers(cursor):
            return self._cut("slow", "Too slow for the stream; connect again.", run.prefix + cursor), cursor
        block, cursor = view.block(cursor)
        if block:
            return block, cursor
        if view.too_slow:
            return self._cut("query", view.too_slow, run.prefix + cursor), cursor
        if ended or self._closing.closed:
            self._place = Place(run.prefix, cursor)
        if ended or self._wish.ends:
            return None
        return self._aside(feed), cursor

    async def _ride(self, view: View, cursor: str, connection: Connection) -> str:
        """Be written to by the feed until there is something to look at; the place then."""
        rider = view.get_on(connection, cursor)
        try:
            await rider.called()
        finally:
            cursor = view.riders.get_off(rider)
        self._sent_at = max(self._sent_at, view.wrote_at)
        return cursor

    def _begin(self, feed: Feed, view: View) -> str | None:
        """Where to start in a run: after the last id, after the lines of the run before, or at the tail. None where the
        lines after the last id are not held any more."""
        at, first = self._place, self._first
        self._first = False
        if at is None:
            lines = view.ring.tail(self._wish.tail) if first else view.ring.after(None)
            if first and len(lines) < len(view.ring):
                return view.ring.tail(len(lines) + 1)[0].id
            return START
        if at.prefix == feed.run.prefix and feed.ended and id_key(feed.last) < id_key(at.identifier):
            return START  # it is over, and what is left of it ends before the last line: that is the gap to be told
        if at.prefix == feed.run.prefix:
            return at.identifier if feed.holds(at.identifier) or not feed.first else None
        # A stream that ended with a restart can have brought the first lines of the new run already.
        lines = view.ring.after(f"{at.time_ns}-{1 << 62}")
        return view.ring.tail(len(lines) + 1)[0].id if len(view.ring) > len(lines) else START

    # ---- named events ----------------------------------------------------------------------------------------------

    def _source(self, run: Run) -> bytes:
        told = {"pod": run.pod, "container": run.container, "restart": run.restart}
        return sse.frame(sse.compact(told), event="source")

    def _gap(self, reason: str, message: str) -> bytes:
        last = self._wish.resume
        return sse.frame(sse.compact({"reason": reason, "message": message, "after": last}), event="gap")

    def _cut(self, reason: str, message: str, last: str) -> bytes:
        self._cut_off = True
        self._closing.cut(reason)
        told = {"reason": reason, "message": message, "lastEventId": last}
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

    def _aside(self, feed: Feed) -> bytes:
        """What is to be sent while there is no line."""
        return self._state(feed) or self._news() or self._ping()

    def _news(self) -> bytes:
        if self._happenings is None:
            return b""
        since = rfc3339(self._place.time_ns)[:19] if self._place else ""
        return self._happenings.news(since)

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
        signals = (where.signal, *(self._happenings.signals if self._happenings else ()))
        if isinstance(where, Feed) and len(signals) == 1:
            await where.signal.wait()
        else:
            await first_of(signals, TICK_SECONDS)
