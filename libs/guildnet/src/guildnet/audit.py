"""The audit trail: one JSON line for every mutation, every denial, and every session's begin and end.

One schema for all services. A line that cannot be written is an error of its own, so that a caller can refuse to act:
nothing happens unrecorded. Env values, query strings and cookies never come here: the fields are named below and
nothing else is taken.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from guildnet.errors import Unreachable
from guildnet.identity import Identity

SCHEMA: Final = 1
"""The value of the line's `audit` field; it is raised when a field changes its meaning."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is recorded of one act or refusal."""

    request_id: str
    action: str
    """What was asked for: an action of a Capability (`launch`, `readLogs` …), `restart`, `request` (of a workspace or a
    path, at the proxy), `identify`, or what became of a session or connection: `login`, `logout`, `open`, `close`."""
    object: str
    """The name of the Workspace it was asked of, or the path of a request that named none."""
    allowed: bool
    rule: str
    """The rule that decided."""
    result: str
    """What became of it: `allowed`, `denied`, `failed:CODE`, an HTTP status, or a duration in seconds (`12.5 s`)."""
    entry: str = ""
    """The entry it came through, for a caller whose identity does not say."""
    address: str = ""
    """Where a stranger asked from; not in the line where it is empty."""
    count: int = 1
    """How often, since the last line about it; not in the line where it is one."""
    fields: tuple[str, ...] = ()
    """The names of the fields that a change wrote; never their values."""


def to_stdout(line: str) -> None:
    """Write a line and hand it to the system at once. Raises OSError, or ValueError where stdout is closed."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the lines of one service (`api`, `proxy`). `write` gets a line without its newline."""

    service: str
    write: Callable[[str], None] = to_stdout

    def record(self, identity: Identity | None, line: Line) -> None:
        """Write a line about a caller; None stands for one who could not be identified.

        Raises Unreachable with the code `audit_failed` when it cannot be written.
        """
        try:
            self.write(self.encoded(identity, line))
        except (OSError, ValueError):  # a stream that is closed is a ValueError
            raise Unreachable(
                "The audit trail cannot be written, so nothing was changed.", code="audit_failed"
            ) from None

    def encoded(self, identity: Identity | None, line: Line) -> str:
        """The line as one JSON object in ASCII."""
        entry = identity.entry if identity is not None else None
        fields: dict[str, str | int | list[str]] = {
            "audit": SCHEMA,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "service": self.service,
            "request_id": line.request_id,
            "who": (identity.subject or identity.kind) if identity is not None else "anonymous",
            "kind": identity.kind if identity is not None else "anonymous",
            "source": identity.source if identity is not None else "none",
            "entry": entry.name if entry is not None else line.entry,
            "action": line.action,
            "object": line.object,
            "allowed": line.allowed,
            "rule": line.rule,
            "result": line.result,
            "fields": list(line.fields),
        }
        if line.address:
            fields["address"] = line.address
        if line.count != 1:
            fields["count"] = line.count
        return json.dumps(fields, separators=(",", ":"))
