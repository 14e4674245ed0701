"""A bounded memo in two generations: what is asked for again stays, what is not goes with its generation.

A leaf. It never stops learning, and forgetting costs nothing per entry, which an exact order of last uses would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Holds at most `room` in all, in entries or in what `weigh` says of a key; a key above half of it is not kept.

    Values are never None. `young` may be read directly where a call counts; `get` finds the rest.
    """

    __slots__ = ("_half", "_old", "_size", "_weigh", "young")

    def __init__(self, room: int, weigh: Callable[[K], int] | None = None) -> None:
        self._half = room // 2
        self._weigh = weigh
        self._old: dict[K, V] = {}
        self._size = 0
        self.young: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def get(self, key: K) -> V | None:
        found = self.young.get(key)
        if found is None:
            found = self._old.pop(key, None)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Keeps `value`, instead of what was kept for `key`."""
        if key not in self.young:
            size = 1 if self._weigh is None else self._weigh(key)
            if size > self._half:
                return
            if self._size + size > self._half:
                self._old, self.young, self._size = self.young, {}, 0
            self._old.pop(key, None)
            self._size += size
        self.young[key] = value

    def clear(self) -> None:
        self._old, self.young, self._size = {}, {}, 0
