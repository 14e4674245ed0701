"""Bytes in, lines out, never more than one line kept, and no line longer than a limit."""

from __future__ import annotations


class LineSplitter:
    """Splits a stream of chunks at line feeds. A line over `limit` bytes is cut there and its rest dropped."""

    __slots__ = ("_held", "_limit", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines this chunk completes, without their line feeds."""
        *ends, rest = chunk.split(b"\n")
        lines = []
        for end in ends:
            self._hold(end)
            lines.append(self._take())
        self._hold(rest)
        return lines

    def close(self) -> list[bytes]:
        """The last line, where the stream ended without a line feed."""
        return [self._take()] if self._size else []

    def _hold(self, piece: bytes) -> None:
        kept = piece[: self._limit - self._size]
        if kept:
            self._held.append(kept)
            self._size += len(kept)

    def _take(self) -> bytes:
        line = b"".join(self._held)
        self._held.clear()
        self._size = 0
        return line
