"""The events of a watch, read off its lines. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from guildnet.errors import Gone


def decoded(line: bytes) -> dict[str, Any]:
    """The event with `type` and `object`. Raises Gone for anything else: after that nothing is known of the stream."""
    try:
        event = orjson.loads(line)
        if not isinstance(event["object"], dict) or not isinstance(event["type"], str):
            raise TypeError(event)
        if event["type"] != "ERROR":
            event["object"]["metadata"]["resourceVersion"]
    except (ValueError, KeyError, TypeError) as error:
        raise Gone(f"the watch sent something that is not an event: {error!r}"[:300]) from error
    return dict(event)
