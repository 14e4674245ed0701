"""What the api records in the audit trail: every mutation and every denial.

The line is written before the mutation is sent, and a line that cannot be written fails the request: nothing happens
unrecorded. A mutation that then fails gets a second line with its failure. The schema is `guildnet.audit`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from guildnet.access import Action, Decision
from guildnet.audit import Line, Writer
from guildnet.errors import GuildNetError
from guildnet.identity import Identity


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and by which request."""

    identity: Identity
    request_id: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The trail of the api. All methods raise Unreachable when the line cannot be written."""

    writer: Writer = field(default_factory=lambda: Writer("api"))

    def allowed(self, actor: Actor, action: Action, what: str, decision: Decision) -> None:
        """Record a mutation that is about to be sent."""
        self._record(actor, action, what, decision, "allowed")

    def denied(self, actor: Actor, action: Action, what: str, decision: Decision) -> None:
        """Record a refusal."""
        self._record(actor, action, what, decision, "denied")

    def failed(self, actor: Actor, action: Action, what: str, decision: Decision, error: GuildNetError) -> None:
        """Record that an allowed mutation came to nothing."""
        self._record(actor, action, what, decision, f"failed:{error.code}")

    def _record(self, actor: Actor, action: Action, what: str, decision: Decision, result: str) -> None:
        line = Line(actor.request_id, action.value, what, decision.allowed, decision.rule, result)
        self.writer.record(actor.identity, line)
