"""Publications of records in Redis, as the append script writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guildnet_api.logs.model import Kind, Record


@dataclass(frozen=True, slots=True)
class Publication:
    """Records that follow each other, and the id before the first: a feed that is not there has missed some."""

    before: str
    records: Sequence[Record]


def decode(payload: bytes) -> Publication:
    """The id before, then `id kind time length` and the bytes of each record. Raises ValueError for anything else."""
    before, _, rest = payload.partition(b"\n")
    records = []
    while rest:
        head, _, rest = rest.partition(b"\n")
        identifier, kind, time_ns, length = head.split(b" ")
        size = int(length)
        if not 0 <= size <= len(rest):
            raise ValueError(f"a record of {size} bytes, of which {len(rest)} came")
        records.append(Record(identifier.decode(), int(time_ns), rest[:size], Kind(kind.decode())))
        rest = rest[size:]
    return Publication(before.decode(), records)
