"""Typed events of a log stream. `encode` makes their bytes, as late as possible and once.

Lines travel as blocks: readers at the same place share one `Lines`, and so its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guildnet_api.http import sse
from guildnet_api.logs.model import Line, Run

CUT_RETRY_MS = 1000


class Lines:
    """Consecutive lines of one run. `end` is the id its reader has reached afterwards."""

    __slots__ = ("_bytes", "end", "lines", "run")

    def __init__(self, run: Run, lines: Sequence[Line], end: str) -> None:
        self.run = run
        self.lines = lines
        self.end = end
        self._bytes: bytes | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def encode(self) -> bytes:
        """The frames, joined at the first call and kept for the other readers."""
        if self._bytes is None:
            self._bytes = b"".join([line.frame for line in self.lines])
        return self._bytes


@dataclass(frozen=True, slots=True)
class MergedLines:
    """Lines of one container in a stream of several, each with the id that names the place in every container."""

    lines: Sequence[tuple[str, Line]]

    def encode(self) -> bytes:
        return b"".join([_with_id(line, identifier) for identifier, line in self.lines])


@dataclass(frozen=True, slots=True)
class Source:
    """The lines after it are of this run."""

    run: Run

    def encode(self) -> bytes:
        run = self.run
        return _named("source", {"pod": run.pod, "container": run.container, "restart": run.restart})


@dataclass(frozen=True, slots=True)
class Status:
    """Why there is no line, or whether lines are shared between replicas (`degraded`)."""

    reason: str
    message: str
    degraded: bool | None = None

    def encode(self) -> bytes:
        told: dict[str, Any] = {"reason": self.reason, "message": self.message}
        return _named("status", told if self.degraded is None else told | {"degraded": self.degraded})


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines after the reader's last id (`after`) that cannot be sent."""

    reason: str
    message: str
    after: str

    def encode(self) -> bytes:
        return _named("gap", {"reason": self.reason, "message": self.message, "after": self.after})


@dataclass(frozen=True, slots=True)
class Timeline:
    """Kubernetes events and condition changes of the workspace; without ids, so that a reader's place stays."""

    entries: Sequence[Mapping[str, Any]]

    def encode(self) -> bytes:
        return b"".join(_named("event", entry) for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Cut:
    """The last event of a reader that is too slow or asks too much: it may connect again after `last_event_id`."""

    reason: str
    message: str
    last_event_id: str

    def encode(self) -> bytes:
        told = {"reason": self.reason, "message": self.message, "lastEventId": self.last_event_id}
        return sse.Retry(CUT_RETRY_MS).encode() + _named("cut", told)


@dataclass(frozen=True, slots=True)
class End:
    """The stream has nothing more to bring: a browser that is not told so opens it again."""

    def encode(self) -> bytes:
        return _named("end", {})


def _named(event: str, data: Mapping[str, Any]) -> bytes:
    return sse.frame(sse.compact(data), event=event)


def _with_id(line: Line, identifier: str) -> bytes:
    return b"%bid: %b\n%b" % (b"" if line.level else b"event: gap\n", identifier.encode(), line.data)
