"""Reads server-sent events (WHATWG HTML, section 9.2.6), as far as the api writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One event. `name` is "" for unnamed ones, `data` the parsed JSON, `id` the last id received so far."""

    name: str
    data: Any
    id: str


def events(lines: Iterable[bytes], last: str = "") -> Iterator[Event]:
    """Events of a stream's lines, with or without their line ends. An event cut off by the stream's end is dropped."""
    name, data, identifier = "", [], last
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field == "id":
                identifier = value
            continue
        if data:
            yield Event(name, json.loads("\n".join(data)), identifier)
        name, data = "", []
