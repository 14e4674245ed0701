"""The audit trail: one JSON line on stdout for every mutation and every denial.

The line is written before the mutation is sent, and a line that cannot be written fails the request: nothing happens
unrecorded. A mutation that then fails gets a second line with its failure. Env values, query strings and cookies never
come here: the fields are named below and nothing else is taken.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from guildnet.access import Action, Decision
from guildnet.errors import GuildNetError, Unreachable
from guildnet.identity import Identity


def to_stdout(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and by which request."""

    identity: Identity
    request_id: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The trail. `write` gets one line without its newline."""

    write: Callable[[str], None] = to_stdout

    def record(self, actor: Actor, action: Action, what: str, decision: Decision, result: str) -> None:
        """Raises Unreachable when the line cannot be written."""
        try:
            self.write(json.dumps(_line(actor, action, what, decision, result), separators=(",", ":")))
        except OSError:
            raise Unreachable(
                "The audit trail cannot be written, so nothing was changed.", code="audit_failed"
            ) from None

    def allowed(self, actor: Actor, action: Action, what: str, decision: Decision) -> None:
        self.record(actor, action, what, decision, "allowed")

    def denied(self, actor: Actor, action: Action, what: str, decision: Decision) -> None:
        self.record(actor, action, what, decision, "denied")

    def failed(self, actor: Actor, action: Action, what: str, decision: Decision, error: GuildNetError) -> None:
        self.record(actor, action, what, decision, f"failed:{error.code}")


def _line(actor: Actor, action: Action, what: str, decision: Decision, result: str) -> dict[str, Any]:
    identity = actor.identity
    return {
        "audit": 1,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": actor.request_id,
        "who": identity.subject or identity.kind,
        "kind": identity.kind,
        "source": identity.source,
        "entry": identity.entry.name if identity.entry else "",
        "action": action.value,
        "object": what,
        "allowed": decision.allowed,
        "rule": decision.rule,
        "result": result,
    }
