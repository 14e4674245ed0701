"""Events and condition changes between the lines of a log, each once, as it becomes known, for who asks (`events=1`).

They come as named events without ids, so that they never move the place at which a reader goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from guildnet_api.http import sse
from guildnet_api.signals import Signal

MOST_AT_FIRST: Final = 50

Entry = dict[str, Any]


class Happenings:
    """One reader's side. `entries` gives the whole timeline, oldest first; `version` changes whenever that may have."""

    def __init__(
        self, entries: Callable[[], Sequence[Entry]], version: Callable[[], object], signals: Sequence[Signal]
    ) -> None:
        self.signals = signals
        self._entries = entries
        self._version = version
        self._seen: object = None
        self._told: set[tuple[str, ...]] = set()

    def news(self, since: str = "") -> bytes:
        """What was not told yet and is not older than `since` (RFC 3339, whole seconds), as named events."""
        version = self._version()
        if version == self._seen:
            return b""
        first, self._seen = self._seen is None, version
        fresh = [entry for entry in self._entries() if _key(entry) not in self._told]
        self._told.update(_key(entry) for entry in fresh)
        shown = [entry for entry in fresh if str(entry["t"]) >= since]
        return b"".join(sse.frame(sse.compact(e), event="event") for e in shown[-MOST_AT_FIRST if first else 0 :])


def _key(entry: Entry) -> tuple[str, ...]:
    return tuple(str(entry.get(name, "")) for name in ("t", "object", "reason", "condition", "count", "message"))
