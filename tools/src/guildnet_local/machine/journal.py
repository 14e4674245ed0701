"""The journal: every resource is written down before it is made, so that `down` can take all of them away again.

One JSON object a line, appended and flushed to disk before the resource exists. It never says that something *was*
made: an entry means that it may exist, and undoing tolerates that it does not. Refuses nothing but a file that is not a
journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BrokenJournalError(Exception):
    """A line in the middle of the journal cannot be read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource: its kind (`directory`, `netns`, `process` …) and what identifies it."""

    kind: str
    facts: Mapping[str, Any]

    def line(self) -> str:
        return json.dumps({"kind": self.kind, **self.facts}, sort_keys=True) + "\n"


def parse(text: str) -> tuple[Entry, ...]:
    """The entries in the order they were written.

    A last line cut short by a crash is ignored: the resource was not made yet. Raises BrokenJournalError for any other.
    """
    entries = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            facts = json.loads(line)
            entries.append(Entry(facts.pop("kind"), facts))
        except (ValueError, AttributeError, KeyError, TypeError) as problem:
            if number == len(lines):
                break
            raise BrokenJournalError(f"line {number} of the journal is not an entry: {line[:80]!r}") from problem
    return tuple(entries)


def backwards(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """What to undo, in the order to undo it: the last made first, and each resource once."""
    seen: set[str] = set()
    for entry in reversed(entries):
        if (line := entry.line()) not in seen:
            seen.add(line)
            yield entry


class Journal:
    """The journal file of one cluster."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: set[str] = {entry.line() for entry in self.entries()}

    def entries(self) -> tuple[Entry, ...]:
        """All entries; none when there is no journal."""
        try:
            return parse(self.path.read_text())
        except FileNotFoundError:
            return ()

    def intend(self, kind: str, **facts: Any) -> None:
        """Write down what is about to be made. Writing the same again changes nothing."""
        entry = Entry(kind, facts)
        if entry.line() in self._known:
            return
        self._end_cut_line()
        with self.path.open("a") as file:
            file.write(entry.line())
            file.flush()
            os.fsync(file.fileno())
        self._known.add(entry.line())

    def _end_cut_line(self) -> None:
        """Drop a last line that a crash cut short, or the next entry would be glued to it."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        if content and not content.endswith(b"\n"):
            os.truncate(self.path, content.rfind(b"\n") + 1)
