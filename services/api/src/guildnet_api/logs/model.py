"""The values of live logs: runs of containers, raw lines, records with ids, encoded lines. Pure.

An id is `nanoseconds-n`, ordered by both numbers: the form of Redis stream ids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

NS_PER_SECOND: Final = 1_000_000_000
TRUNCATION_MARK: Final = b" [cut]"
_ID: Final = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
"""Both are numbers of 64 bits in Redis."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a container: a restart or a new pod is another one."""

    pod_uid: str
    pod: str
    container: str
    restart: int

    @property
    def prefix(self) -> str:
        """Text before a line's id for a client, so that the id names its run: `POD.RESTART.CONTAINER.`."""
        return f"{self.pod_uid[:8]}.{self.restart}.{self.container}."


class Kind(StrEnum):
    """Kind of a record, by the letter that Redis holds."""

    LINE = "l"
    GAP = "g"  # lines before it could not be recovered
    END = "e"  # the run is over and nothing follows


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as the kubelet has it: its own time (Unix nanoseconds) and its bytes; no id yet."""

    time_ns: int
    data: bytes
    kind: Kind = Kind.LINE


@dataclass(frozen=True, slots=True)
class Record:
    """A line with its id in the run; ids of a run strictly rise."""

    id: str
    time_ns: int
    data: bytes
    kind: Kind = Kind.LINE


@dataclass(frozen=True, slots=True)
class Line:
    """A line or a gap as the frame that every reader of its run is sent. `level` is "" for a gap.

    `data_at` is where the frame's `data:` field begins: a stream of several containers puts another id before it.
    """

    id: str
    frame: bytes
    level: str = ""
    data_at: int = 0

    @property
    def data(self) -> bytes:
        """The frame from its `data:` field on."""
        return self.frame[self.data_at :]


def id_key(id_: str) -> tuple[int, int]:
    """The order of ids: 9-10 is before 10-2. Raises ValueError for anything that is not `digits-digits`."""
    found = _ID.fullmatch(id_)
    if not found:
        raise ValueError(f"{id_[:64]!r} is not the id of a log line")
    return int(found[1]), int(found[2])


def next_id(last: str, time_ns: int) -> str:
    """The id of a line after `last` ("" for none): its own time, or where clocks stepped back, one further."""
    if not last:
        return f"{time_ns}-0"
    high, _, low = last.partition("-")
    return f"{time_ns}-0" if time_ns > int(high) else f"{high}-{int(low) + 1}"


def truncated(data: bytes, max_bytes: int) -> bytes:
    """The data, cut after `max_bytes` with a mark where it is longer."""
    return data if len(data) <= max_bytes else data[:max_bytes] + TRUNCATION_MARK


def rfc3339(time_ns: int) -> str:
    """Unix nanoseconds as UTC text with all nine digits, so that times sort as text."""
    seconds, nanoseconds = divmod(time_ns, NS_PER_SECOND)
    return f"{_whole(seconds)}.{nanoseconds:09d}Z"


@lru_cache(maxsize=64)
def _whole(seconds: int) -> str:
    """Of a second: most lines share theirs with others."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
