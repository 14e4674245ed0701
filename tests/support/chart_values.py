"""The chart's values as people read them: each path with its default and the comment that stands over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from support.chart import CHART

VALUES: Final = CHART / "values.yaml"
_COMMON: Final = re.compile(r"^#   (?P<keys>[a-zA-Z][\w., ]*?)(?:  .*)?$")


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `comment` is what stands right over it; "" where only a group's comment, or that of all components,
    is about it (`about`)."""

    path: str
    default: Any
    comment: str
    about: str


def values() -> list[Value]:
    """In the order of the file; a map whose keys are the install's own is one value."""
    return list(_walk(VALUES.read_text().splitlines()))


def common() -> frozenset[str]:
    """Keys that the comment over the components explains for all of them."""
    return frozenset(key for line in VALUES.read_text().splitlines() for key in _common(line))


def _common(line: str) -> Iterator[str]:
    found = _COMMON.match(line)
    if found and all(re.fullmatch(r"[a-z]\w*(\.\w+)?", key) for key in found["keys"].split(", ")):
        yield from (key.partition(".")[0] for key in found["keys"].split(", "))


def _walk(lines: list[str]) -> Iterator[Value]:
    text = "\n".join(lines)
    yield from _below(yaml.compose(text), yaml.safe_load(text), lines, "", "")


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
