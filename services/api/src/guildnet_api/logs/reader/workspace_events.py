"""Events and condition changes of a workspace, for readers that ask for them (`events=1`): each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from guildnet_api.aio import Signal
from guildnet_api.logs.reader.stream_events import Timeline

MAX_INITIAL_ENTRIES: Final = 50

Entry = dict[str, Any]


class WorkspaceEvents:
    """One reader's side of a timeline. `entries` returns all of it, oldest first; `version` changes whenever that may
    have changed; `signals` are notified then."""

    __slots__ = ("_entries", "_seen_version", "_sent", "_version", "signals")

    def __init__(
        self, entries: Callable[[], Sequence[Entry]], version: Callable[[], object], signals: Sequence[Signal]
    ) -> None:
        self.signals = signals
        self._entries = entries
        self._version = version
        self._seen_version: object = None
        self._sent: set[tuple[str, ...]] = set()

    def unsent(self, since: str = "") -> Timeline | None:
        """Entries that were not sent yet and are not older than `since` (RFC 3339, whole seconds); None for none."""
        version = self._version()
        if version == self._seen_version:
            return None
        first, self._seen_version = self._seen_version is None, version
        fresh = [entry for entry in self._entries() if _key(entry) not in self._sent]
        self._sent.update(_key(entry) for entry in fresh)
        shown = [entry for entry in fresh if str(entry["t"]) >= since]
        return Timeline(shown[-MAX_INITIAL_ENTRIES if first else 0 :]) if shown else None


def _key(entry: Entry) -> tuple[str, ...]:
    return tuple(str(entry.get(name, "")) for name in ("t", "object", "reason", "condition", "count", "message"))
