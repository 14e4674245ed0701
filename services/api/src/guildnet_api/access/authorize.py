"""Authorization: the rules of `guildnet.access` on the watched Capabilities; denials go to the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from guildnet.access import Action, Decision, Default, Launch, Rules, Target, authorize
from guildnet.capability import Selector
from guildnet.errors import Conflict, Denied, GuildNetError, NotFound
from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_api.access.audit import Actor, AuditTrail
from guildnet_api.cluster.watches import Watches

ON_ONE: Final = (Action.DELETE, Action.READ_LOGS, Action.PROXY, Action.START, Action.STOP, Action.UPDATE)
"""Actions on one workspace that somebody can see."""


def target_of(ws: Workspace) -> Target:
    return Target(ws.labels, ws.owner)


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Decides for one install."""

    watches: Watches
    default: Default
    audit: AuditTrail

    @property
    def rules(self) -> Rules:
        return Rules(self.watches.capabilities(), self.default)

    def decide(self, identity: Identity, action: Action, target: Target, launch: Launch | None = None) -> Decision:
        return authorize(identity, action, target, self.rules, launch)

    def require(
        self, actor: Actor, action: Action, what: str, target: Target, launch: Launch | None = None
    ) -> Decision:
        """The decision that allows it; see `enforce`."""
        return self.enforce(actor, action, what, self.decide(actor.identity, action, target, launch))

    def enforce(self, actor: Actor, action: Action, what: str, decision: Decision) -> Decision:
        """The decision, where it allows. Else, after a line in the audit trail, raises Denied with a detail for every
        field that stands against it, or Conflict `limit_reached` where only the number of workspaces does."""
        if decision.allowed:
            return decision
        self.audit.denied(actor, action, what, decision)
        refusal: type[GuildNetError] = Conflict if decision.used_up else Denied
        code = "limit_reached" if decision.used_up else "forbidden"
        message = f"You may not {_verb(action)} {what}: {decision.reason}."
        raise refusal(message, code=code, details=decision.problems)

    def require_identified(self, actor: Actor, action: Action, what: str) -> None:
        """For what every identified caller may do. Raises Denied for an anonymous one."""
        if actor.identity.kind == "anonymous":
            self.require(actor, action, what, Target())

    def list_filter(self, identity: Identity) -> Callable[[Workspace], bool] | None:
        """A test for the workspaces that the caller may know of; None where it may know of every one."""
        rules = self.rules
        if identity.is_admin or (rules.capabilities is not None and not rules.capabilities and rules.default == "open"):
            return None if authorize(identity, Action.LIST, Target(), rules).allowed else _nothing
        return lambda ws: authorize(identity, Action.LIST, target_of(ws), rules).allowed

    def get_visible(self, actor: Actor, name: str, action: Action = Action.LIST) -> Workspace:
        """The workspace of this name, which the caller asks for to do `action`.

        Raises NotFound, in the same words for one that is there and that the caller has no right on: that is a denial,
        and leaves a line in the audit trail. Raises Denied for every name while the rules cannot be read.
        """
        ws = self.watches.index.get(name)
        if ws is None:
            if self.rules.capabilities is None:
                self.require(actor, action, name, Target())
            raise _unknown(name)
        self.require_known(actor, action, ws)
        return ws

    def require_known(self, actor: Actor, action: Action, ws: Workspace) -> None:
        """Raises NotFound for a workspace that the caller may not know of, Denied where nobody can say what it may."""
        known = self.decide(actor.identity, Action.LIST, target_of(ws))
        if self.rules.capabilities is None:
            self.enforce(actor, action, ws.name, known)
        if not known.allowed:
            self.audit.denied(actor, action, ws.name, known)
            raise _unknown(ws.name)

    def rights(self, identity: Identity, ws: Workspace) -> list[tuple[Action, Decision]]:
        """What the caller may do with this very workspace, and why not; for a UI, and no denial."""
        target = target_of(ws)
        return [(action, self.decide(identity, action, target)) for action in ON_ONE]

    def possible_actions(self, identity: Identity) -> list[Action]:
        """Actions that the caller may take on some workspace, if not on every one: for a UI to show or hide."""
        rules = self.rules
        anywhere = None if rules.capabilities is None else [replace(c, selector=Selector()) for c in rules.capabilities]
        own, rules = Target(owner=identity.subject), replace(rules, capabilities=anywhere)
        return [action for action in Action if authorize(identity, action, own, rules).allowed]


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no workspace {name!r}; GET /api/servers lists those there are.")


def _verb(action: Action) -> str:
    return {Action.READ_LOGS: "read the logs of", Action.STOP_ALL: "stop"}.get(action, action.value)


def _nothing(_: Workspace) -> bool:
    return False
