"""A bounded ring of lines, in the order of their ids. Pure."""

from __future__ import annotations

from collections import deque
from itertools import islice

from guildnet_api.logs.model import Line, id_key


class Ring:
    """The last lines of a stream, bounded by count and by bytes; ids only ever go up.

    The newest line is kept even where it alone is over the bound of bytes.
    """

    __slots__ = ("_bytes", "_capacity_bytes", "_capacity_lines", "_dropped", "_keys", "_lines")

    def __init__(self, capacity_lines: int, capacity_bytes: int) -> None:
        self._capacity_lines = capacity_lines
        self._capacity_bytes = capacity_bytes
        self._lines: deque[Line] = deque()
        self._keys: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._dropped: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def size(self) -> int:
        """Bytes of data held."""
        return self._bytes

    @property
    def first_id(self) -> str | None:
        return self._lines[0].id if self._lines else None

    @property
    def last_id(self) -> str | None:
        return self._lines[-1].id if self._lines else None

    def append(self, line: Line) -> bool:
        """Add the newest line. False, and nothing is added, where its id is not above the last: it is a repetition."""
        key = id_key(line.id)
        if self._keys and key <= self._keys[-1]:
            return False
        self._lines.append(line)
        self._keys.append(key)
        self._bytes += len(line.frame)
        while len(self._lines) > 1 and (len(self._lines) > self._capacity_lines or self._bytes > self._capacity_bytes):
            self._bytes -= len(self._lines.popleft().frame)
            self._dropped = self._keys.popleft()
        return True

    def drop_before(self, id_: str | None) -> None:
        """Drop every line below this id; None drops nothing."""
        if id_ is None:
            return
        key = id_key(id_)
        while self._keys and self._keys[0] < key:
            self._bytes -= len(self._lines.popleft().frame)
            self._dropped = self._keys.popleft()

    def after(self, id_: str | None, most: int | None = None) -> list[Line]:
        """The lines above this id, in order, the first so many; of all lines for None."""
        if id_ is None:
            return list(islice(self._lines, most))
        behind = self._behind(id_)
        first = len(self._lines) - behind
        if most is None or behind <= most:
            return self.tail(behind)
        return list(islice(self._lines, first, first + most))

    def _behind(self, id_: str) -> int:
        """How many lines are above this id."""
        key = id_key(id_)
        behind = 0
        # Viewers are nearly always at the end: walking back from there is cheaper than a search from the start.
        for held in reversed(self._keys):
            if held <= key:
                break
            behind += 1
        return behind

    def covers(self, id_: str) -> bool:
        """Is everything after this id still held, so that a viewer there misses nothing?"""
        return self._dropped is None or id_key(id_) >= self._dropped

    def tail(self, n: int) -> list[Line]:
        """The last n lines, in order."""
        count = min(max(n, 0), len(self._lines))
        return list(islice(reversed(self._lines), count))[::-1]
