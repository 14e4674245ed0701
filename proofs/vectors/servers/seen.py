"""What a server says it understood: the same line in its log and in its answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

HEADER: Final = "Answers"
"""Method and target of the request that an answer belongs to; the body of an answer to HEAD cannot say it."""


def seen(method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> str:
    fields = [[name.decode("latin-1").lower(), value.decode("latin-1")] for name, value in headers]
    host = ", ".join(value for name, value in fields if name == "host")
    return json.dumps(
        {"method": method, "target": target, "host": host, "body": body.decode("latin-1"), "fields": fields}
    )
