"""Authorization: the rules of `guildnet.access` on the watched Capabilities; denials go to the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from guildnet.access import Action, Decision, Default, Launch, Target, check_constraints, decide, grants
from guildnet.capability import Capability, Selector
from guildnet.errors import Conflict, Denied, GuildNetError, NotFound
from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_api.access.audit import Actor, AuditTrail
from guildnet_api.cluster.watches import Watches

_REASONS: Mapping[str, str] = {
    "anonymous": "log in first",
    "capabilities-unreadable": "the rules of this install cannot be read right now; try again",
    "default-owner": "it belongs to somebody else",
    "default-closed": "this install allows only what a Capability allows",
    "no-capability": "no Capability allows it to you",
}


def target_of(ws: Workspace) -> Target:
    return Target(ws.labels, ws.owner)


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Decides for one install."""

    watches: Watches
    default: Default
    audit: AuditTrail

    def decide(self, identity: Identity, action: Action, target: Target) -> Decision:
        return decide(identity, action, target, self.watches.capabilities(), self.default)

    def require(self, actor: Actor, action: Action, what: str, target: Target) -> Decision:
        """Raises Denied, after writing so into the audit trail."""
        decision = self.decide(actor.identity, action, target)
        if not decision.allowed:
            self.audit.denied(actor, action, what, decision)
            why = _REASONS.get(decision.rule, "it is not allowed")
            raise Denied(f"You may not {_verb(action)} {what}: {why}.")
        return decision

    def require_identified(self, actor: Actor, action: Action, what: str) -> None:
        """For what every identified caller may do. Raises Denied for an anonymous one."""
        if actor.identity.kind == "anonymous":
            self.audit.denied(actor, action, what, Decision(allowed=False, rule="anonymous"))
            raise Denied(f"You may not {_verb(action)} {what}: {_REASONS['anonymous']}.")

    def list_filter(self, identity: Identity) -> Callable[[Workspace], bool] | None:
        """A test for the workspaces that the caller may list; None where it may list every one."""
        capabilities = self.watches.capabilities()
        everything = Target(owner=identity.subject)
        if identity.is_admin or (capabilities is not None and not capabilities and self.default == "open"):
            return None if decide(identity, Action.LIST, everything, capabilities, self.default).allowed else _nothing
        return lambda ws: decide(identity, Action.LIST, target_of(ws), capabilities, self.default).allowed

    def get_visible(self, identity: Identity, name: str) -> Workspace:
        """The workspace of this name. Raises NotFound, also for one that the caller may not list."""
        ws = self.watches.index.get(name)
        if ws is None or not self.decide(identity, Action.LIST, target_of(ws)).allowed:
            raise NotFound(f"There is no workspace {name!r}; GET /api/servers lists those there are.")
        return ws

    def possible_actions(self, identity: Identity) -> list[Action]:
        """Actions that the caller may take on some workspace, if not on every one: for a UI to show or hide."""
        capabilities = self.watches.capabilities()
        anywhere = None if capabilities is None else [replace(c, selector=Selector()) for c in capabilities]
        own = Target(owner=identity.subject)
        return [action for action in Action if decide(identity, action, own, anywhere, self.default).allowed]

    def constrain(self, actor: Actor, action: Action, what: str, target: Target, launch: Launch) -> None:
        """Check the constraints of the Capability that granted it: image, ports, number of workspaces.

        Raises Denied, or Conflict `limit_reached` where only the number stands against it.
        """
        decision = self.decide(actor.identity, action, target)
        if not decision.rule.startswith("capability/"):
            return
        verdict = check_constraints(self._granting(actor.identity, action, target), launch)
        if verdict.ok:
            return
        self.audit.denied(actor, action, what, Decision(allowed=False, rule=verdict.rule))
        reasons = "; ".join(problem.reason for problem in verdict.problems)
        refusal: type[GuildNetError] = Conflict if verdict.used_up else Denied
        code = "limit_reached" if verdict.used_up else "forbidden"
        raise refusal(f"You may not {_verb(action)} {what}: {reasons}.", code=code, details=verdict.problems)

    def _granting(self, identity: Identity, action: Action, target: Target) -> Sequence[Capability]:
        return grants(identity, action, target, self.watches.capabilities() or ())


def _verb(action: Action) -> str:
    return {Action.READ_LOGS: "read the logs of", Action.STOP_ALL: "stop"}.get(action, action.value)


def _nothing(_: Workspace) -> bool:
    return False
