"""Server-sent events as bytes (WHATWG HTML, section 9.2). Frames only: who sends them when is decided elsewhere."""

from __future__ import annotations

import json
from typing import Any, Final

PING: Final = b": ping\n\n"
PING_SECONDS: Final = 15.0  # the contract promises 20 at the latest; proxies on the way add their own delay
RETRY_MS: Final = 2000
END: Final = b"event: end\ndata: {}\n\n"
"""The stream has nothing more to bring: a browser that is not told so opens it again."""
HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


def retry(milliseconds: int = RETRY_MS) -> bytes:
    return b"retry: %d\n\n" % milliseconds


def compact(value: Any) -> bytes:
    """JSON on one line: a newline inside a `data:` would end the field."""
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
