"""After 101: bytes both ways, never messages. Each half closes on its own.

An upstream that resets its connection has its last words: what the kernel had of it by then still goes to the client. A
relay is swept for idleness, for an end that does not read and for a close that does not come to its end; closed when
the right to it is withdrawn. When the process stops, its client is told to leave between two frames (1001).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Generic, cast

from guildnet_proxy.http.forward import R, Side
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.http.splicing.splice import duplicate
from guildnet_proxy.http.states.frames import GOING_AWAY, Frames

SILENT_SECONDS = 1.0
"""An upstream that has said nothing for so long, and was read, is taken to be between two frames."""


class Relay(Generic[R]):
    """The two ends of one upgraded connection. `ended` is called once, when both are gone.

    `last` is when something moved, as far as the last sweep saw.
    """

    __slots__ = (
        "_ended", "_limits", "_loop", "_moved", "address", "client", "closing_since", "last", "record", "upstream",
    )  # fmt: skip

    def __init__(
        self, client: Side, upstream: Side, record: R, address: str, limits: Limits, ended: Callable[[Relay[R]], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = ended
        self._limits = limits
        self.record = record
        self.address = address
        self.last = self._loop.time()
        self._moved = 0
        self.closing_since = 0.0
        self.client, self.upstream = self._ends(client, upstream)
        self._join()

    def _ends(self, client: Side, upstream: Side) -> tuple[End, End]:
        return End(self, client), End(self, upstream)

    def _join(self) -> None:
        self.client.other, self.upstream.other = self.upstream, self.client
        for end in (self.client, self.upstream):
            end.transport.set_protocol(cast("asyncio.Protocol", end))

    def begin(self, down: bytes, up: bytes) -> None:
        """Writes what came before there was a relay. Who was full then still is: nobody says so a second time."""
        for end in (self.client, self.upstream):
            if end.full_since:
                end.other.hold()
            else:
                end.other.go_on()
        self.client.transport.write(down)
        if up:
            self.upstream.transport.write(up)

    # ---- ends -------------------------------------------------------------------------------------------------------

    def sweep(self, now: float) -> None:
        limits, client, upstream = self._limits, self.client, self.upstream
        moved = client.received + upstream.received
        if moved != self._moved:
            self._moved, self.last = moved, now
        full = client.full_since or upstream.full_since
        silent = now - self.last
        if self.closing_since:
            if now - self.closing_since > limits.closing_seconds:
                self.abort()
        elif full and now - full > limits.unread_seconds:
            self.abort()
        elif silent > limits.relay_idle_seconds or (
            (client.finished or upstream.finished) and silent > limits.half_closed_seconds
        ):
            self.close()

    def close(self) -> None:
        """Both ends, the client's first; who does not read the rest in time is reset."""
        self.closing()
        self.client.transport.close()
        self.upstream.transport.close()

    def abort(self) -> None:
        """Both ends at once."""
        self.client.transport.abort()
        self.upstream.transport.abort()

    def closing(self) -> None:
        """From now on it is a matter of Limits.closing_seconds."""
        self.closing_since = self.closing_since or self._loop.time()

    def lost(self) -> None:
        """Both ends gone, none of the three holds another: what they have is free now, not when the garbage collector
        comes, which is seldom."""
        client, upstream = self.client, self.upstream
        if client.gone and upstream.gone:
            self._ended(self)
            client.other = upstream.other = self.client = self.upstream = _NOBODY

    # ---- the process stops ------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Follows the frames to the client, so that `leave` finds a place between two."""
        self.upstream = FollowedEnd(self, self.upstream)
        self._join()

    def leave(self) -> None:
        """Tells the client to leave; its answer reaches the upstream, which then ends in good order.

        Within a frame it is told at the frame's end; where the frames are not known both ends are closed.
        """
        upstream = self.upstream
        if self.closing_since or not isinstance(upstream, FollowedEnd) or upstream.lost():
            self.close()
        elif upstream.frames.between:
            self.closing()
            self.client.transport.write(GOING_AWAY)
        else:
            upstream.leaving = True


class End:
    """One side; what it reads goes to `other`. `received` counts that in bytes.

    An asyncio.Protocol in all but name: compiled, what inherits from a class of Python's is as slow as one.
    """

    __slots__ = ("_relay", "_rest", "finished", "full_since", "gone", "other", "received", "transport")

    def __init__(self, relay: Relay[Any], side: Side) -> None:
        self._relay = relay
        self._rest = -1
        self.transport = side.transport
        self.full_since = side.full_since
        self.other: End = self
        self.finished = False
        self.gone = False
        self.received = 0

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        """The other side is told, and may still talk; when it already finished too, both are closed."""
        self.finished = True
        self._relay.last = self._relay._loop.time()  # noqa: SLF001  one object in two parts
        other = self.other
        if other.finished or not other.transport.can_write_eof():
            self._relay.closing()
            other.transport.close()
            return False
        self.end_other()
        return True

    def pause_writing(self) -> None:
        self.full_since = self._relay._loop.time()  # noqa: SLF001  as above
        self.other.hold()

    def resume_writing(self) -> None:
        self.full_since = 0.0
        self.other.go_on()

    def hold(self) -> None:
        """Reads nothing more; harmless twice, and when it is gone."""
        if not self.gone and not self.transport.is_closing():
            self.transport.pause_reading()

    def go_on(self) -> None:
        """Reads again; harmless as `hold` is."""
        if self._rest >= 0:
            self._pass_rest()
        elif not self.gone and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        relay, other = self._relay, self.other
        other.drop_rest()
        if not other.gone:
            leaves = exc is not None and self is relay.upstream and not relay.closing_since
            relay.closing()
            if leaves:
                self._last_words()
            elif exc is not None:
                other.transport.abort()
            else:
                other.transport.close()
        relay.lost()

    # ---- the last words of an upstream ------------------------------------------------------------------------------

    def _last_words(self) -> None:
        """A write failed, so its reader never saw what had come before the reset; the kernel still has it. What the
        client says is read and dropped until it has heard the rest: closing at once could reset that away."""
        other = self.other
        self._rest = duplicate(self.transport)
        self.transport, self.finished = _GONE, True
        other.go_on()
        self._pass_rest()

    def _pass_rest(self) -> None:
        """As much as the client takes; then its end is told that there is no more."""
        other = self.other
        while self._rest >= 0 and not other.full_since:
            data = _read(self._rest)
            if not data:
                self.drop_rest()
                break
            self._pass(data)
        if self._rest < 0:
            self.end_other()

    def _pass(self, data: bytes) -> None:
        other = self.other
        self.received += len(data)
        other.transport.write(data)

    def end_other(self) -> None:
        """The other side is told that no more comes from here."""
        if not self.other.transport.is_closing():
            self.other.transport.write_eof()

    def drop_rest(self) -> None:
        """Nobody reads what is left."""
        if self._rest >= 0:
            os.close(self._rest)
            self._rest = -1


class _Gone(asyncio.Transport):
    """Instead of a transport that is lost: takes everything and does nothing."""

    def write(self, data: object) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def is_closing(self) -> bool:
        return True


_GONE = _Gone()


def _read(descriptor: int) -> bytes:
    """What has come, at most 64 KiB; nothing where there is nothing left."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


class _Nobody(End):
    """Instead of an end that is gone."""

    def __init__(self) -> None:
        self.transport = _GONE
        self.other = self
        self.full_since = 0.0
        self.finished = self.gone = True
        self.received = 0
        self._rest = -1


_NOBODY = _Nobody()


class FollowedEnd(End):
    """The upstream's end while the process stops: nothing follows the frame that tells the client to leave.

    `leaving`: it is to be told at the end of the frame that has begun.
    """

    __slots__ = ("_heard", "frames", "leaving")

    def __init__(self, relay: Relay[Any], before: End) -> None:
        super().__init__(relay, before)
        self.finished, self.gone, self.received = before.finished, before.gone, before.received
        self.frames = Frames(between=not before.other.full_since)
        self.leaving = False
        self._heard = relay._loop.time()  # noqa: SLF001  as above

    def lost(self) -> bool:
        """Are the frames not known? The following may have begun within one; servers are not silent there for long."""
        frames, now = self.frames, self._relay._loop.time()  # noqa: SLF001  as above
        if frames.lost and now - self._heard > SILENT_SECONDS and not self.other.full_since:
            self.frames = frames = Frames(between=True)
        return frames.lost

    def data_received(self, data: bytes) -> None:
        relay = self._relay
        if relay.closing_since:
            return
        self.lost()
        if self.leaving:
            data = data[: self.frames.finish(data)]
        else:
            self.frames.feed(data)
        super().data_received(data)
        self._heard = relay._loop.time()  # noqa: SLF001  as above
        if self.leaving and (self.frames.between or self.frames.lost):
            relay.leave()

    def go_on(self) -> None:
        self._heard = self._relay._loop.time()  # noqa: SLF001  as above
        super().go_on()
