"""Audit lines of mutations and denials, on the shared writer.

The line is written before the mutation is sent, and a line that cannot be written fails the request: nothing happens
unrecorded. A mutation that then fails gets a second line with its failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from guildnet.access import Decision
from guildnet.audit import Line, Writer
from guildnet.errors import GuildNetError
from guildnet.identity import Identity
from guildnet.names import ANNOTATION_LAST_CHANGED_BY, ANNOTATION_TRACEPARENT


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sent a request, its id, and its span where traces are on."""

    identity: Identity
    request_id: str
    traceparent: str = ""

    @property
    def marks(self) -> dict[str, str]:
        """Annotations of what they change."""
        marks = {ANNOTATION_LAST_CHANGED_BY: self.identity.subject}
        return {**marks, ANNOTATION_TRACEPARENT: self.traceparent} if self.traceparent else marks


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The audit trail of the api; an `action` is an `Action`, or `restart`, which takes two of them.

    Every method raises Unreachable `audit_failed` when the line cannot be written.
    """

    writer: Writer = field(default_factory=lambda: Writer("api"))

    def allowed(self, actor: Actor, action: str, name: str, decision: Decision, fields: Sequence[str] = ()) -> None:
        """`fields` are the names of those that the change writes."""
        self._record(actor, action, name, decision, "allowed", fields)

    def denied(self, actor: Actor, action: str, name: str, decision: Decision) -> None:
        self._record(actor, action, name, decision, "denied")

    def failed(self, actor: Actor, action: str, name: str, decision: Decision, error: GuildNetError) -> None:
        self._record(actor, action, name, decision, f"failed:{error.code}")

    def unidentified(self, request_id: str, path: str, error: GuildNetError) -> None:
        """A request whose identity was not signed by the proxy, or not for this request."""
        line = Line(request_id, "identify", path, allowed=False, rule=error.code, result="denied")
        self.writer.record(None, line)

    def _record(
        self, actor: Actor, action: str, name: str, decision: Decision, result: str, fields: Sequence[str] = ()
    ) -> None:
        line = Line(actor.request_id, str(action), name, decision.allowed, decision.rule, result, fields=tuple(fields))
        self.writer.record(actor.identity, line)
