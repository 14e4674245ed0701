"""Server-sent events as bytes (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

PING_SECONDS: Final = 15.0
"""Silence after which a ping is sent: the contract promises 20 s, and proxies on the way add their own delay."""
RETRY_MS: Final = 2000
HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Event(Protocol):
    """Something to be sent on an event stream."""

    def encode(self) -> bytes:
        """Its bytes: one frame or more, each ended by an empty line."""
        ...


@dataclass(frozen=True, slots=True)
class Retry:
    """Milliseconds after which a browser opens a stream again that was lost."""

    milliseconds: int = RETRY_MS

    def encode(self) -> bytes:
        return b"retry: %d\n\n" % self.milliseconds


@dataclass(frozen=True, slots=True)
class Ping:
    """A comment and an event `ping`: it keeps proxies on the way from closing a silent stream, and tells a browser that
    the connection is still there. An EventSource hides comments, and waits for ever on one that was cut without a word.
    """

    def encode(self) -> bytes:
        return b": ping\nevent: ping\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames that are encoded already."""

    data: bytes

    def encode(self) -> bytes:
        return self.data


def compact(value: Any) -> bytes:
    """JSON on one line: a newline inside a `data:` would end the field. Half a character becomes `?`."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # What orjson refuses and JSON can say: lone surrogates, as text of the kernel may hold them, and large numbers.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def frame(data: bytes, *, event: str = "", identifier: str = "") -> bytes:
    """One event; `data` is a single line. Without `event` it is the unnamed one that `onmessage` gets."""
    parts = []
    if event:
        parts.append(b"event: %s\n" % event.encode())
    if identifier:
        parts.append(b"id: %s\n" % identifier.encode())
    parts.append(b"data: %s\n\n" % data)
    return b"".join(parts)
