"""A number of bytes on their way from one socket to another within the kernel.

Both sockets stay their transports'; here are duplicates of their descriptors, which the loop watches. Nothing may read
the one or write to the other meanwhile. More than a pipe holds is never taken from the source before the sink has it.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final, Protocol

from guildnet_proxy.http.splicing.pipes import Pipe, Pipes

_FLAGS: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK if hasattr(os, "splice") else 0


class SpliceUser(Protocol):
    """Who is told of a splice. After `splice_ended` and `splice_failed` it is told nothing more."""

    def splice_moved(self, size: int) -> None:
        """So many bytes more have come from the source."""
        ...

    def splice_blocked(self) -> None:
        """The sink takes no more for now; told again when it has taken something, but not all."""
        ...

    def splice_flows(self) -> None:
        """It does again."""
        ...

    def splice_ended(self, rest: bytes) -> None:
        """All of it is in the sink, but for `rest`. Where the kernel cannot do this at all, it ends early."""
        ...

    def splice_failed(self, error: Exception | None) -> None:
        """The source ended (None), or one of the sockets is at fault."""
        ...


class Splice:
    """Moves `left` bytes from `source` to `sink` through `pipe`; all three are given up with it."""

    __slots__ = ("_held", "_left", "_loop", "_pipe", "_pipes", "_sink", "_source", "_stuck", "_user", "begun", "closed")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, pipes: Pipes, pipe: Pipe, source: int, sink: int, left: int,
        user: SpliceUser,
    ) -> None:  # fmt: skip
        self._loop = loop
        self._pipes = pipes
        self._pipe = pipe
        self._source = source
        self._sink = sink
        self._left = left
        self._user = user
        self._held = 0
        self._stuck = False
        self.begun = False
        self.closed = False

    def begin(self) -> None:
        """Harmless twice."""
        if not self.begun:
            self.begun = True
            self._loop.add_reader(self._source, self.step)

    def step(self) -> None:
        """As much as goes at once; called when one of the sockets is ready, harmless when none is."""
        try:
            if not self.closed and self.begun:
                if not self._held:
                    self._pull()
                if self._held:
                    self._push()
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Nothing is moved any more; harmless twice."""
        if self.closed:
            return
        self.closed = True
        if self._stuck:
            self._loop.remove_writer(self._sink)
        elif self.begun:
            self._loop.remove_reader(self._source)
        os.close(self._source)
        os.close(self._sink)
        self._pipes.put(self._pipe, empty=not self._held)

    # ---- the two halves ---------------------------------------------------------------------------------------------

    def _pull(self) -> None:
        try:
            size = os.splice(self._source, self._pipe.write_end, min(self._left, self._pipe.size), flags=_FLAGS)
        except BlockingIOError:
            return
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            self._end(b"")  # the kernel does not do it with such a socket
            return
        if size == 0:
            self._fail(None)
            return
        self._held = size
        self._left -= size
        self._user.splice_moved(size)

    def _push(self) -> None:
        moved = not self._stuck
        while self._held:
            try:
                size = os.splice(self._pipe.read_end, self._sink, self._held, flags=_FLAGS)
            except BlockingIOError:
                self._stick(moved=moved)
                return
            except OSError as error:
                if isinstance(error, ConnectionError):
                    raise
                self._end(self._unpiped())
                return
            self._held -= size
            moved = True
        if not self._left:
            self._end(b"")
        elif self._stuck:
            self._flow()

    def _unpiped(self) -> bytes:
        pieces = []
        while self._held:
            pieces.append(os.read(self._pipe.read_end, self._held))
            self._held -= len(pieces[-1])
        return b"".join(pieces)

    def _stick(self, *, moved: bool) -> None:
        """The rest of what is held waits until the sink takes more."""
        if not self._stuck:
            self._stuck = True
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self.step)
        if moved:
            self._user.splice_blocked()

    def _flow(self) -> None:
        self._stuck = False
        self._loop.remove_writer(self._sink)
        self._loop.add_reader(self._source, self.step)
        self._user.splice_flows()

    def _end(self, rest: bytes) -> None:
        self.close()
        self._user.splice_ended(rest)

    def _fail(self, error: Exception | None) -> None:
        self.close()
        self._user.splice_failed(error)


def between(
    pipes: Pipes,
    loop: asyncio.AbstractEventLoop,
    source: asyncio.Transport,
    sink: asyncio.Transport,
    left: int,
    user: SpliceUser,
) -> Splice | None:
    """A splice between the sockets of two transports, which has not begun; None where there can be none."""
    pipe = pipes.take()
    if pipe is None:
        return None
    source_end, sink_end = duplicate(source), duplicate(sink)
    if source_end >= 0 and sink_end >= 0:
        return Splice(loop, pipes, pipe, source_end, sink_end, left, user)
    pipes.put(pipe, empty=True)
    for end in (source_end, sink_end):
        if end >= 0:
            os.close(end)
    return None


def duplicate(transport: asyncio.Transport) -> int:
    """A descriptor of a transport's socket that outlives it; -1 where it has none or what comes is encrypted."""
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("ssl_object") is not None:
        return -1
    try:
        return os.dup(sock.fileno())
    except OSError:
        return -1
