"""The operator's writes to the children of a Workspace: create what is missing, apply what differs, touch nothing else.

A create is a POST, so it can never change an object that is already there. A change is a server-side apply with the uid
of the very object that was found to be ours, so it can never change another one that took its name in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from guildnet.errors import Conflict, Denied, GuildNetError, Invalid, NotFound, TooLarge, Unreachable
from guildnet.kube.client import JSON_PATCH, Client
from guildnet.kube.resources import DEPLOYMENTS, INGRESSES, NETWORKPOLICIES, PVCS, SERVICES, Resource, path
from guildnet.names import ANNOTATION_HASH, FIELD_MANAGER_OPERATOR
from guildnet_operator import metrics
from guildnet_operator.plan.manifests import Manifest
from guildnet_operator.plan.plan import Plan
from guildnet_operator.status.children import Object
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Problem
from guildnet_operator.sync.brake import WHOLE, Brake, Turns
from guildnet_operator.sync.diff import differs, first_difference
from guildnet_operator.sync.managed_fields import other_manager, takeover
from guildnet_operator.sync.ownership import Owner, owner_of
from guildnet_operator.watch.cache import Cache
from guildnet_operator.watch.live import plain

log = structlog.get_logger(__name__)

RESOURCES: Final[Mapping[str, Resource]] = {
    resource.kind: resource for resource in (DEPLOYMENTS, SERVICES, PVCS, INGRESSES, NETWORKPOLICIES)
}


@dataclass(frozen=True, slots=True)
class ChildResult:
    """What became of one child: the live object of ours, or a problem to show, or an error to try again after.

    `after` says in how many seconds there is something to do about it again.
    """

    live: Object | None = None
    problem: Problem | None = None
    error: GuildNetError | None = None
    after: float | None = None


class Writer:
    """Writes children of one namespace. Raises nothing of `guildnet.errors`: results say what happened."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._brake = Brake()
        self._turns = Turns()

    def inspect(
        self, plan: Plan, manifest: Manifest, cache: Cache[Object, bytes], *, asked: bool
    ) -> ChildResult | None:
        """The result for a child that is as planned or must not be touched; None where there is something to write.

        Not to be touched is also what somebody else undoes again and again, until the pause is over, and, unless a
        change of the Workspace `asked` for it, what has to wait for its turn.
        """
        live = cache.get(manifest["metadata"]["name"])
        if live is None:
            return self._held_back(plan, manifest, None, WHOLE)
        if (result := self._judge(plan, manifest, live)) is not None:
            return result
        held = self._held_back(plan, manifest, live, first_difference(manifest, live) or ANNOTATION_HASH)
        if held is not None or asked:
            return held
        wait = self._turns.wait((plan.uid, manifest["kind"]))
        return ChildResult(live=live, after=wait) if wait else None

    def forget(self, uid: str) -> None:
        """The Workspace with this uid is gone."""
        self._brake.forget(uid)
        self._turns.forget(uid)

    def _held_back(self, plan: Plan, manifest: Manifest, live: Object | None, what: str) -> ChildResult | None:
        pause = self._brake.pause((plan.uid, manifest["kind"]), _wanted(manifest), what)
        return ChildResult(live, self._contested(plan, manifest), after=pause) if pause else None

    def _contested(self, plan: Plan, manifest: Manifest) -> Problem | None:
        found = self._brake.quarrel((plan.uid, manifest["kind"]), _wanted(manifest))
        if found is None:
            return None
        quarrel, _ = found
        by = f" (field manager {quarrel.manager})" if quarrel.manager else ""
        words = f"changes {quarrel.what}{by}" if quarrel.what else "deletes the whole"
        return Problem(Reason.CONTESTED, manifest["kind"], manifest["metadata"]["name"], words)

    async def ensure(self, plan: Plan, manifest: Manifest, cache: Cache[Object, bytes]) -> ChildResult:
        """Make the child be there as wanted."""
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        try:
            live = cache.get(name) or await self._create(plan, manifest, cache)
            result = self._judge(plan, manifest, live)
            return result or self._as_wanted(plan, manifest, await self._apply(plan, manifest, live, cache))
        except (Invalid, Denied, TooLarge) as error:
            return refusal(kind, name, error, cache.get(name))
        except GuildNetError as error:
            if isinstance(error, NotFound):
                cache.forget(name)
            return ChildResult(error=error)

    def _judge(self, plan: Plan, manifest: Manifest, live: Object) -> ChildResult | None:
        kind = manifest["kind"]
        problem = stranger(plan, kind, live) or leaving(kind, live)
        if problem is not None:
            return ChildResult(problem=problem)
        return None if differs(manifest, live) else self._as_wanted(plan, manifest, live)

    def _as_wanted(self, plan: Plan, manifest: Manifest, live: Object) -> ChildResult:
        """The result of a child that is as planned; that somebody keeps changing it is told until it has ended."""
        quarrel = self._brake.quarrel((plan.uid, manifest["kind"]), _wanted(manifest))
        return ChildResult(live, self._contested(plan, manifest), after=quarrel[1]) if quarrel else ChildResult(live)

    async def create_only(self, resource: Resource, manifest: Manifest) -> Object | None:
        """POST; the object, or None where the name exists already. Raises GuildNetError."""
        try:
            live = await self._client.create(resource, self._namespace, manifest, field_manager=FIELD_MANAGER_OPERATOR)
        except Conflict as error:
            if error.reason != "AlreadyExists":
                raise
            return None
        metrics.written(resource.kind, "create")
        log.info("child created", kind=resource.kind, name=manifest["metadata"]["name"])
        return live

    async def read(self, resource: Resource, name: str) -> Object | None:
        """GET; None where there is none. Raises GuildNetError."""
        try:
            return await self._client.get(resource, self._namespace, name)
        except NotFound:
            return None

    async def remove(self, plan: Plan, kind: str, live: Object) -> None:
        """Delete this very object of ours that is no longer wanted. Raises GuildNetError."""
        name, uid = live["metadata"]["name"], live["metadata"]["uid"]
        try:
            await self._client.delete(RESOURCES[kind], self._namespace, name, uid=uid)
        except NotFound:
            return
        self._brake.forget(plan.uid, kind)
        metrics.written(kind, "delete")
        log.info("child deleted", kind=kind, name=name)

    async def _create(self, plan: Plan, manifest: Manifest, cache: Cache[Object, bytes]) -> Object:
        resource, name = RESOURCES[manifest["kind"]], manifest["metadata"]["name"]
        created = await self.create_only(resource, manifest)
        if created is None:
            # There is one after all: made by a stranger just now, or by us before a crash lost the answer.
            created = await self.read(resource, name)
            if created is None:
                raise Unreachable(f"{resource.kind} {name} came and went while it was looked at")
            return plain(created)
        self._brake.wrote((plan.uid, resource.kind), _wanted(manifest), WHOLE)
        return cache.remember(dict(created))

    async def _apply(self, plan: Plan, manifest: Manifest, live: Object, cache: Cache[Object, bytes]) -> Object:
        resource = RESOURCES[manifest["kind"]]
        name, uid = manifest["metadata"]["name"], live["metadata"]["uid"]
        fresh = await self._client.get(resource, self._namespace, name)
        if fresh["metadata"]["uid"] != uid:
            raise Conflict(f"{resource.kind} {name} is another object than the one that was looked at")
        if not differs(manifest, fresh):
            return cache.remember(fresh)
        patch = takeover(fresh)
        if patch is not None:
            target = path(resource, self._namespace, name)
            await self._client.request("PATCH", target, body=patch, content_type=JSON_PATCH)
            metrics.written(resource.kind, "takeover")
        body = {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}
        applied = await self._client.apply(resource, self._namespace, name, body, FIELD_MANAGER_OPERATOR)
        what = first_difference(manifest, fresh) or ANNOTATION_HASH
        manager = other_manager(fresh, what)
        self._brake.wrote((plan.uid, resource.kind), _wanted(manifest), what, manager)
        metrics.written(resource.kind, "apply")
        log.info("child applied", kind=resource.kind, name=name, because=what, changed_by=manager)
        return cache.remember(applied)


def _wanted(manifest: Manifest) -> str:
    fingerprint: str = manifest["metadata"]["annotations"][ANNOTATION_HASH]
    return fingerprint


def stranger(plan: Plan, kind: str, live: Object) -> Problem | None:
    """The problem of a child whose name somebody else has; None when it is ours."""
    owner = owner_of(kind, live, name=plan.name, uid=plan.uid, owner=plan.owner)
    if owner is Owner.OURS:
        return None
    reason = Reason.NAME_TAKEN if owner is Owner.STRANGER else Reason.LEFTOVER
    return Problem(reason, kind, live["metadata"]["name"])


def leaving(kind: str, live: Object) -> Problem | None:
    """The problem of a child of ours that somebody deletes; None when nobody does. That it is gone will be an event."""
    if not live["metadata"].get("deletionTimestamp"):
        return None
    held_by = ", ".join(live["metadata"].get("finalizers") or ())
    return Problem(Reason.CHILD_LEAVING, kind, live["metadata"]["name"], held_by)


def refusal(kind: str, name: str, error: GuildNetError, live: Object | None) -> ChildResult:
    """The API server does not want it: that is for a person to read, unless it is about our own credentials."""
    if error.reason == "Unauthorized":
        return ChildResult(error=error)
    return ChildResult(live=live, problem=Problem(Reason.REFUSED, kind, name, error.message.rstrip(".")))
