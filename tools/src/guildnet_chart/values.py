"""The chart's values as people read them: each path with its default and the comment that stands over it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

_COMMON: Final = re.compile(r"^#   (?P<keys>[a-zA-Z][\w., ]*?)(?:  +(?P<what>.*))?$")
_GOES_ON: Final = re.compile(r"^#   {7,}(?P<what>.*)$")


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `comment` is what stands right over it; "" where only a group's comment, or that of all components,
    is about it (`about`)."""

    path: str
    default: Any
    comment: str
    about: str


def read(text: str) -> list[Value]:
    """In the order of the file; a map whose keys are the install's own is one value."""
    return list(_below(yaml.compose(text), yaml.safe_load(text), text.splitlines(), "", ""))


def common(text: str) -> frozenset[str]:
    """Keys that the comment over the components explains for all of them."""
    return frozenset(key.partition(".")[0] for keys in explained(text) for key in keys)


def explained(text: str) -> dict[tuple[str, ...], str]:
    """What the comment over the components says, by the keys it says it of."""
    found: dict[tuple[str, ...], str] = {}
    last: tuple[str, ...] | None = None
    for line in text.splitlines():
        more, head = _GOES_ON.match(line), _COMMON.match(line)
        keys = tuple(head["keys"].split(", ")) if head else ()
        if more and last:
            found[last] = f"{found[last]} {more['what'].strip()}".strip()
        elif keys and all(re.fullmatch(r"[a-z]\w*(\.\w+)?", key) for key in keys):
            found[keys] = (head["what"] or "").strip() if head else ""
            last = keys
        else:
            last = None
    return found


def _below(node: Any, document: Any, lines: list[str], path: str, about: str) -> Iterator[Value]:
    for key, value in node.value:
        line = key.start_mark.line
        said = _comment(lines, line)
        default = document[key.value]
        below = f"{path}{key.value}"
        # What is written in one line is one value.
        if isinstance(value, yaml.MappingNode) and value.value and value.start_mark.line > line:
            yield from _below(value, default, lines, f"{below}.", said or about)
        else:
            yield Value(below, default, said, about)


def _comment(lines: list[str], line: int) -> str:
    """The comment right over a line."""
    first = line
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return " ".join(text.lstrip()[1:].strip() for text in lines[first:line])
