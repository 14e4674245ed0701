"""Audit lines of mutations and denials, on the shared writer.

The line is written before the mutation is sent, and a line that cannot be written fails the request: nothing happens
unrecorded. A mutation that then fails gets a second line with its failure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from guildnet.access import Action, Decision
from guildnet.audit import Line, Writer
from guildnet.errors import GuildNetError
from guildnet.identity import Identity


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sent a request, and its id."""

    identity: Identity
    request_id: str


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The audit trail of the api. Every method raises Unreachable `audit_failed` when the line cannot be written."""

    writer: Writer = field(default_factory=lambda: Writer("api"))

    def allowed(self, actor: Actor, action: Action, name: str, decision: Decision) -> None:
        self._record(actor, action, name, decision, "allowed")

    def denied(self, actor: Actor, action: Action, name: str, decision: Decision) -> None:
        self._record(actor, action, name, decision, "denied")

    def failed(self, actor: Actor, action: Action, name: str, decision: Decision, error: GuildNetError) -> None:
        self._record(actor, action, name, decision, f"failed:{error.code}")

    def _record(self, actor: Actor, action: Action, name: str, decision: Decision, result: str) -> None:
        line = Line(actor.request_id, action.value, name, decision.allowed, decision.rule, result)
        self.writer.record(actor.identity, line)
