"""Pipes that bodies go through: a few, made when they are needed and used again."""

from __future__ import annotations

import fcntl
import os
import sys
from typing import Final

PIPE_BYTES: Final = 1024 * 1024
"""What a pipe holds at most. With the usual 64 KiB a body costs a third more: as many calls, and as many wake-ups."""
_LEAST_BYTES: Final = 256 * 1024


class Pipe:
    """`size` is how much may be in it, in bytes."""

    __slots__ = ("read_end", "size", "write_end")

    def __init__(self, read_end: int, write_end: int, size: int) -> None:
        self.read_end = read_end
        self.write_end = write_end
        self.size = size

    def close(self) -> None:
        os.close(self.read_end)
        os.close(self.write_end)


class Pipes:
    """At most `most` at a time. `taken` counts how often one was."""

    __slots__ = ("_free", "_most", "_out", "taken")

    def __init__(self, most: int) -> None:
        self._most = most if sys.platform == "linux" else 0
        self._free: list[Pipe] = []
        self._out = 0
        self.taken = 0

    def take(self) -> Pipe | None:
        """An empty pipe; None where all are in use, or the kernel gives none of a size that pays."""
        if self._out >= self._most:
            return None
        pipe = self._free.pop() if self._free else _made()
        if pipe is not None:
            self._out += 1
            self.taken += 1
        return pipe

    def put(self, pipe: Pipe, *, empty: bool) -> None:
        """Takes a pipe back; one with something in it is of no more use."""
        self._out -= 1
        if empty and self._most:
            self._free.append(pipe)
        else:
            pipe.close()

    def close(self) -> None:
        """Closes those that nobody has; the others are closed when they come back."""
        self._most = 0
        while self._free:
            self._free.pop().close()


def _made() -> Pipe | None:
    """The kernel bounds pipes by user (fs.pipe-user-pages-soft), and descriptors by process."""
    try:
        read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        size = fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        size = fcntl.fcntl(write_end, fcntl.F_GETPIPE_SZ)
    pipe = Pipe(read_end, write_end, size)
    if size >= _LEAST_BYTES:
        return pipe
    pipe.close()
    return None
