"""What is printed: tables for people, JSON, YAML and names for programs. Colours on a terminal alone."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TextIO

FORMATS: Final = ("table", "json", "yaml", "name")
_COLOURS: Final = {
    "running": 32, "True": 32, "ok": 32, "yes": 32, "pending": 33, "unknown": 33, "failed": 31, "False": 31,
    "fault": 31, "Warning": 31, "error": 31, "stopped": 90, "debug": 90, "no": 90,
}  # fmt: skip
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_COLOUR: Final = re.compile(r"(\x1b\[[0-9;]*m)")


class Column(NamedTuple):
    """A column of a table: its title, and the key of the row."""

    title: str
    key: str


def coloured(stream: TextIO) -> bool:
    """Are colours wanted there? No, where it is a pipe, or NO_COLOR (https://no-color.org) or TERM say so."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, word: str, *, on: bool) -> str:
    """The text in the colour of a word such as `running`."""
    return f"\x1b[{_COLOURS[word]}m{text}\x1b[0m" if on and word in _COLOURS else text


def plain(value: object) -> str:
    """A value on one line, without what a terminal would obey: texts come from workspaces."""
    return _CONTROL.sub(" ", "" if value is None else str(value))


def safe_line(text: str) -> str:
    """A log line for a terminal: colours stay, everything else that a terminal would obey goes."""
    kept = [part if at % 2 else plain(part.replace("\t", "    ")) for at, part in enumerate(_COLOUR.split(text))]
    return "".join(kept) + ("\x1b[0m" if len(kept) > 1 else "")


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, colour: bool = False) -> list[str]:
    """Lines: a head, and one a row. The last column is not padded."""
    cells = [[plain(row.get(column.key)) or "-" for column in columns] for row in rows]
    widths = [max([len(column.title), *(len(cell[at]) for cell in cells)]) for at, column in enumerate(columns)]
    lines = ["  ".join(column.title.ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip()]
    for row in cells:
        padded = [paint(cell.ljust(width), cell, on=colour) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return lines


def emit(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], form: str, *, name: str = "id", one: bool = False
) -> None:
    """Print rows in a format. `name` is the key that `-o name` prints; `one` prints the only row itself, not a list."""
    value: Any = rows[0] if one else list(rows)
    if form == "json":
        import json

        say(json.dumps(value, indent=2, ensure_ascii=False))
    elif form == "yaml":
        import yaml

        say(yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip("\n"))
    elif form == "name":
        for row in rows:
            say(plain(row[name]))
    else:
        for line in table(rows, columns, colour=coloured(sys.stdout)):
            say(line)


def say(text: str) -> None:
    """An answer, on standard output, at once."""
    print(text, flush=True)


def note(text: str) -> None:
    """What is not the answer: progress and next steps, on standard error."""
    print(text, file=sys.stderr, flush=True)


def age(seconds: float) -> str:
    """`12s`, `5m`, `3h`, `9d`, as kubectl shows it."""
    for limit, unit, length in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{max(0, int(seconds // length))}{unit}"
    return f"{int(seconds // 86400)}d"
