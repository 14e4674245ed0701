"""One pass over the children of a Workspace: each is read in the caches and written only where it differs.

What a pod needs before it may start (its claim, its password) is made first; everything else goes out at the same time.
A pod is never made to use a claim or a Secret that belongs to a stranger.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final

from guildnet.errors import Denied, GuildNetError, Invalid, TooLarge
from guildnet.kube.resources import SECRETS, WORKSPACES
from guildnet.names import exposure_policy_name
from guildnet_operator.plan import manifests, secret_refs
from guildnet_operator.plan.manifests import Manifest
from guildnet_operator.plan.plan import Plan
from guildnet_operator.status.children import Children, Object
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Problem
from guildnet_operator.sync.ownership import Owner, owner_of
from guildnet_operator.sync.results import Failure, Known, Meanwhile, SyncResult
from guildnet_operator.sync.writer import ChildResult, Writer, leaving, refusal, stranger
from guildnet_operator.watch.cache import Cache
from guildnet_operator.watch.caches import Cluster

SECRET: Final = "Secret"  # noqa: S105  a kind
CLAIM: Final = "PersistentVolumeClaim"
EXPOSING: Final = ("Ingress", "NetworkPolicy")
"""Kinds that are there while they are wanted: one left behind would lead past the proxy for ever."""
SLOW_WRITE_SECONDS: Final = 4.0
"""How long the writes of a pass may take before what is known meanwhile is told, and again each time as long."""


class ChildSync:
    """Brings children in line with the plan. Refused and unreachable are results, not exceptions."""

    def __init__(self, writer: Writer, cluster: Cluster, login: Callable[[Plan], Mapping[str, str]]) -> None:
        self._writer = writer
        self._cluster = cluster
        self._login = login
        self._caches: Mapping[str, Cache[Object, bytes]] = {
            "Deployment": cluster.deployments,
            "Service": cluster.services,
            CLAIM: cluster.claims,
            "Ingress": cluster.ingresses,
            "NetworkPolicy": cluster.network_policies,
        }

    def forget(self, uid: str) -> None:
        """The Workspace with this uid is gone."""
        self._writer.forget(uid)

    async def sync(self, plan: Plan, live: Children, known: Known, meanwhile: Meanwhile) -> SyncResult:
        """Make the children be as the plan says. Raises nothing of `guildnet.errors`.

        What was there before and is missing now may be missing because the Workspace is being deleted. Where the watch
        is late with that, a child made again would have to be collected again: so the API server is asked first.
        """
        wanted = {manifest["kind"]: manifest for manifest in manifests.desired(plan)}
        results: dict[str, ChildResult | None] = {
            kind: self._writer.inspect(plan, manifest, self._caches[kind], asked=known.asked)
            for kind, manifest in wanted.items()
        }
        if plan.password_secret is not None:
            results[SECRET] = ChildResult(live={}) if known.secret_ensured == plan.password_secret else None
        # The settled case, by far the most frequent one, ends here without a task, an await or a write.
        surplus = _surplus(plan, live, wanted)
        if surplus or not all(results.values()):
            writing = asyncio.create_task(self._write(plan, live, wanted, surplus, results, fresh=known.fresh))
            try:
                while not (await asyncio.wait({writing}, timeout=SLOW_WRITE_SECONDS))[0]:
                    await meanwhile(self._result(plan, live, results))
            finally:
                await _ended(writing)
            if (instead := writing.result()) is not None:
                return instead
        return self._result(plan, live, results)

    async def _write(
        self,
        plan: Plan,
        live: Children,
        wanted: Mapping[str, Manifest],
        surplus: Mapping[str, Object],
        results: dict[str, ChildResult | None],
        *,
        fresh: bool,
    ) -> SyncResult | None:
        """Fill in the results that are missing; where nothing may be written, the result of the pass instead."""
        missing = any(self._is_missing(kind, wanted[kind]) for kind in wanted if results[kind] is None)
        # A claim that is to stay would be left by a Workspace that is gone already.
        sure = fresh and not (plan.claim and plan.claim.retain)
        if missing and not sure:
            kept = self._cluster.with_pods(plan.name, only_ours(plan, live))
            try:
                if not await self._is_wanted(plan):
                    return SyncResult(kept, unwanted=True)
            except GuildNetError as error:
                return SyncResult(kept, failures=(Failure("Workspace", plan.name, error),))
        await self._act(plan, wanted, results, fresh=fresh)
        for kind, left in surplus.items():
            results[kind] = await self._remove(plan, kind, left)
        return None

    def _is_missing(self, kind: str, manifest: Manifest) -> bool:
        return self._caches[kind].get(manifest["metadata"]["name"]) is None

    async def _is_wanted(self, plan: Plan) -> bool:
        """Is this very Workspace still there, and not being deleted? Raises GuildNetError where nobody knows."""
        found = await self._writer.read(WORKSPACES, plan.name)
        return (
            found is not None
            and found["metadata"]["uid"] == plan.uid
            and not found["metadata"].get("deletionTimestamp")
        )

    async def _act(
        self, plan: Plan, wanted: Mapping[str, Manifest], results: dict[str, ChildResult | None], *, fresh: bool
    ) -> None:
        async def act(kind: str) -> None:
            if results.get(kind, ChildResult()) is None:
                results[kind] = (
                    await self._secret(plan, fresh=fresh)
                    if kind == SECRET
                    else await self._writer.ensure(plan, wanted[kind], self._caches[kind])
                )

        async def workload() -> None:
            await asyncio.gather(act(CLAIM), act(SECRET))
            needs = [item for kind in (CLAIM, SECRET) if (item := results.get(kind)) is not None]
            if all(item.live is not None for item in needs):
                if results.get("Deployment", ChildResult()) is None:
                    results["Deployment"] = await self._secrets_refused(plan)
                await act("Deployment")
            else:
                results["Deployment"] = results["Deployment"] or ChildResult()

        await asyncio.gather(workload(), act("Service"), *map(act, EXPOSING))

    async def _secrets_refused(self, plan: Plan) -> ChildResult | None:
        """The result of a Deployment whose env refers to a Secret that is not for its workspace; None for any other."""
        # One that is to stop is given nothing.
        for name in secret_refs.to_be_read(plan) if plan.replicas else ():
            try:
                why = secret_refs.refused(plan, name, await self._writer.read(SECRETS, name))
            except (Invalid, Denied, TooLarge) as error:
                return refusal(SECRET, name, error, None)
            except GuildNetError as error:
                return ChildResult(error=error)
            if why:
                return ChildResult(problem=Problem(Reason.FOREIGN_SECRET, SECRET, name, why))
        return None

    async def _secret(self, plan: Plan, *, fresh: bool) -> ChildResult:
        """The password Secret: created when missing, never compared or written again."""
        name = plan.password_secret
        assert name is not None  # noqa: S101  asked for only where the decision names one
        manifest = manifests.password_secret(plan, self._login(plan))
        try:
            # For a new workspace it is certainly missing; otherwise a read spares the API server a refused write.
            found = None if fresh else await self._writer.read(SECRETS, name)
            found = found or await self._writer.create_only(SECRETS, manifest)
            found = found or await self._writer.read(SECRETS, name)
        except (Invalid, Denied, TooLarge) as error:
            return refusal(SECRET, name, error, None)
        except GuildNetError as error:
            return ChildResult(error=error)
        if found is None:
            return ChildResult()
        problem = stranger(plan, SECRET, found) or leaving(SECRET, found)
        # Of the Secret's content nothing is kept.
        return ChildResult(problem=problem) if problem else ChildResult(live={})

    async def _remove(self, plan: Plan, kind: str, left: Object) -> ChildResult:
        """Take away one of ours that is no longer wanted."""
        try:
            await self._writer.remove(plan, kind, left)
        except (Invalid, Denied, TooLarge) as error:
            return refusal(kind, left["metadata"]["name"], error, None)
        except GuildNetError as error:
            return ChildResult(error=error)
        return ChildResult()

    def _result(self, plan: Plan, live: Children, results: Mapping[str, ChildResult | None]) -> SyncResult:
        """The result of a pass; a child without one is being written, and nobody has answered yet."""

        def ours(kind: str, cached: Object | None) -> Object | None:
            result = results.get(kind)
            if result is not None and result.live is not None:
                return result.live
            return cached if cached is not None and _is_ours(plan, kind, cached) else None

        children = Children(
            deployment=ours("Deployment", live.deployment),
            service=ours("Service", live.service),
            claim=ours(CLAIM, live.claim),
            ingress=ours("Ingress", live.ingress) if plan.reach.ingress is not None else None,
            network_policy=ours("NetworkPolicy", live.network_policy) if plan.reach.admits is not None else None,
        )
        found = [item for item in results.values() if item is not None]
        secret = results.get(SECRET)
        return SyncResult(
            self._cluster.with_pods(plan.name, children),
            problems=tuple(item.problem for item in found if item.problem is not None),
            failures=tuple(
                Failure(kind, _child_name(plan, kind), None if item is None else item.error)
                for kind, item in results.items()
                if (item.error is not None if item is not None else not _waits(kind, results))
            ),
            secret_ensured=plan.password_secret if secret is not None and secret.live is not None else None,
            after=min((item.after for item in found if item.after is not None), default=None),
        )


async def _ended(task: asyncio.Task[SyncResult | None]) -> None:
    """Cancel a task that nobody waits for any more; one that is done is left as it is."""
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _waits(kind: str, results: Mapping[str, ChildResult | None]) -> bool:
    """Has this child, which has no result yet, not been written either, because one that it needs has none?"""
    return kind == "Deployment" and any(results.get(need, ChildResult()) is None for need in (CLAIM, SECRET))


def _child_name(plan: Plan, kind: str) -> str:
    names = {
        SECRET: plan.password_secret,
        CLAIM: plan.claim.name if plan.claim else None,
        "NetworkPolicy": exposure_policy_name(plan.name),
    }
    return names.get(kind) or plan.name


def _surplus(plan: Plan, live: Children, wanted: Mapping[str, Manifest]) -> dict[str, Object]:
    """What is ours and leads past the proxy, though it is no longer wanted."""
    found = zip(EXPOSING, (live.ingress, live.network_policy), strict=True)
    return {kind: obj for kind, obj in found if obj is not None and kind not in wanted and _is_ours(plan, kind, obj)}


def only_ours(plan: Plan, live: Children) -> Children:
    """The cached children without those of strangers, for a Workspace nothing is made for any more."""

    def ours(kind: str, obj: Object | None) -> Object | None:
        return obj if obj is not None and _is_ours(plan, kind, obj) else None

    return Children(
        deployment=ours("Deployment", live.deployment),
        service=ours("Service", live.service),
        claim=ours(CLAIM, live.claim),
        ingress=ours("Ingress", live.ingress),
        network_policy=ours("NetworkPolicy", live.network_policy),
    )


def _is_ours(plan: Plan, kind: str, obj: Object) -> bool:
    return owner_of(kind, obj, name=plan.name, uid=plan.uid, owner=plan.owner) is Owner.OURS
