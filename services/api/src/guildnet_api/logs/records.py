"""What travels between the rooms: a run of a container, its raw lines, records with ids, publications of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CUT_MARK: Final = b" [cut]"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a container: a restart or a new pod is another one."""

    pod_uid: str
    pod: str
    container: str
    restart: int

    @property
    def prefix(self) -> str:
        """What stands before a line's id for a client, so that the id says of which run it is."""
        return f"{self.pod_uid[:8]}.{self.restart}.{self.container}."


class Kind(StrEnum):
    """What a record tells."""

    LINE = "l"
    GAP = "g"  # lines before it could not be recovered
    END = "e"  # the run is over and nothing follows


@dataclass(frozen=True, slots=True)
class Raw:
    """A line as the kubelet has it: its own time (Unix nanoseconds) and its bytes; no id yet."""

    time_ns: int
    data: bytes
    kind: Kind = Kind.LINE


@dataclass(frozen=True, slots=True)
class Record:
    """A line with its place in the run (`nanoseconds-n`, strictly rising)."""

    id: str
    time_ns: int
    data: bytes
    kind: Kind = Kind.LINE


@dataclass(frozen=True, slots=True)
class Publication:
    """Records that follow each other, and the id before the first: whoever does not stand there has missed some."""

    before: str
    records: Sequence[Record]


def cut(data: bytes, limit: int) -> bytes:
    return data if len(data) <= limit else data[:limit] + CUT_MARK


def decode(payload: bytes) -> Publication:
    """The form that the append script publishes: the id before, then `id kind time length` and the bytes of each.

    Raises ValueError when it is anything else.
    """
    before, _, rest = payload.partition(b"\n")
    records = []
    while rest:
        head, _, rest = rest.partition(b"\n")
        identifier, kind, time_ns, length = head.split(b" ")
        size = int(length)
        records.append(Record(identifier.decode(), int(time_ns), rest[:size], Kind(kind.decode())))
        rest = rest[size:]
    return Publication(before.decode(), records)


def following(last: str, time_ns: int) -> str:
    """The id of a line after `last` ("" for none): its own time, or where clocks stepped back, one further."""
    if not last:
        return f"{time_ns}-0"
    high, _, low = last.partition("-")
    return f"{time_ns}-0" if time_ns > int(high) else f"{high}-{int(low) + 1}"
