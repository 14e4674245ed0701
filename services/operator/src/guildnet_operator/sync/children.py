"""One pass over the children of a Workspace: each is read in the caches and written only where it differs.

What a pod needs before it may start (its claim, its password) is made first; everything else goes out at the same time.
A pod is never made to use a claim or a Secret that belongs to a stranger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from guildnet.errors import Denied, GuildNetError, Invalid
from guildnet.kube.resources import SECRETS, WORKSPACES
from guildnet_operator.plan import manifests
from guildnet_operator.plan.manifests import Manifest
from guildnet_operator.plan.plan import Plan
from guildnet_operator.status.children import Children, Object
from guildnet_operator.status.snapshot import Problem
from guildnet_operator.sync.ownership import Owner, owner_of
from guildnet_operator.sync.writer import ChildResult, Writer, refusal, stranger
from guildnet_operator.watch.caches import Cache, Cluster

SECRET: Final = "Secret"  # noqa: S105 - a kind
CLAIM: Final = "PersistentVolumeClaim"


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The children that are ours after a pass, and what stood in the way."""

    children: Children
    problems: tuple[Problem, ...] = ()
    errors: tuple[GuildNetError, ...] = ()
    secret_ensured: bool = False
    unwanted: bool = False
    """The Workspace is gone or going, which the watch has not told yet: nothing was written."""


class ChildSync:
    """Brings children in line with the plan. Refused and unreachable are results, not exceptions."""

    def __init__(self, writer: Writer, cluster: Cluster, password: Callable[[], str]) -> None:
        self._writer = writer
        self._cluster = cluster
        self._password = password
        self._caches: Mapping[str, Cache[Object, bytes]] = {
            "Deployment": cluster.deployments,
            "Service": cluster.services,
            CLAIM: cluster.claims,
            "Ingress": cluster.ingresses,
        }

    async def sync(self, plan: Plan, live: Children, *, secret_ensured: bool, fresh: bool) -> SyncResult:
        """Make the children be as the plan says. Raises GuildNetError where nobody knows whether it is still wanted.

        `secret_ensured`: its Secret was seen before and need not be read again. `fresh`: nothing was made for it yet.
        What was there before and is missing now may be missing because the Workspace is being deleted. Where the watch
        is late with that, a child made again would have to be collected again: so the API server is asked first.
        """
        wanted = {manifest["kind"]: manifest for manifest in manifests.desired(plan)}
        results: dict[str, ChildResult | None] = {
            kind: self._writer.inspect(plan, manifest, self._caches[kind]) for kind, manifest in wanted.items()
        }
        if plan.password_secret is not None:
            results[SECRET] = ChildResult(live={}) if secret_ensured else None
        # The settled case, by far the most frequent one, ends here without a task, an await or a write.
        if not all(results.values()):
            missing = any(self._is_missing(kind, wanted[kind]) for kind in wanted if results[kind] is None)
            if missing and not fresh and not await self._is_wanted(plan):
                return SyncResult(self._cluster.with_pods(plan.name, only_ours(plan, live)), unwanted=True)
            await self._act(plan, wanted, results, fresh=fresh)
        results["Ingress"] = results.get("Ingress") or await self._no_ingress(plan, live)
        return self._result(plan, live, {kind: item for kind, item in results.items() if item is not None})

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
                await act("Deployment")
            else:
                results["Deployment"] = results["Deployment"] or ChildResult()

        await asyncio.gather(workload(), act("Service"), act("Ingress"))

    async def _secret(self, plan: Plan, *, fresh: bool) -> ChildResult:
        """The password Secret: created when missing, never compared or written again."""
        name = plan.password_secret
        assert name is not None  # noqa: S101 - asked for only where the decision names one
        manifest = manifests.password_secret(plan, self._password())
        try:
            # For a new workspace it is certainly missing; otherwise a read spares the API server a refused write.
            found = None if fresh else await self._writer.read(SECRETS, name)
            found = found or await self._writer.create_only(SECRETS, manifest)
            found = found or await self._writer.read(SECRETS, name)
        except (Invalid, Denied) as error:
            return refusal(SECRET, name, error, None)
        except GuildNetError as error:
            return ChildResult(error=error)
        if found is None:
            return ChildResult()
        problem = stranger(plan, SECRET, found)
        # Of the Secret's content nothing is kept.
        return ChildResult(problem=problem) if problem else ChildResult(live={})

    async def _no_ingress(self, plan: Plan, live: Children) -> ChildResult | None:
        """Take away an Ingress of ours that is no longer wanted: it would lead past the proxy for ever."""
        if live.ingress is None or not _is_ours(plan, "Ingress", live.ingress):
            return None
        try:
            await self._writer.remove("Ingress", live.ingress)
        except GuildNetError as error:
            return ChildResult(error=error)
        return None

    def _result(self, plan: Plan, live: Children, results: Mapping[str, ChildResult]) -> SyncResult:
        def ours(kind: str, cached: Object | None) -> Object | None:
            result = results.get(kind)
            if result is not None and result.live is not None:
                return result.live
            return cached if cached is not None and _is_ours(plan, kind, cached) else None

        ingress = results.get("Ingress")
        children = Children(
            deployment=ours("Deployment", live.deployment),
            service=ours("Service", live.service),
            claim=ours(CLAIM, live.claim),
            ingress=ingress.live if ingress else None,
        )
        found = results.values()
        secret = results.get(SECRET)
        return SyncResult(
            self._cluster.with_pods(plan.name, children),
            problems=tuple(item.problem for item in found if item.problem is not None),
            errors=tuple(item.error for item in found if item.error is not None),
            secret_ensured=secret is not None and secret.live is not None,
        )


def only_ours(plan: Plan, live: Children) -> Children:
    """The cached children without those of strangers, for a Workspace nothing is made for any more."""

    def ours(kind: str, obj: Object | None) -> Object | None:
        return obj if obj is not None and _is_ours(plan, kind, obj) else None

    return Children(
        deployment=ours("Deployment", live.deployment),
        service=ours("Service", live.service),
        claim=ours(CLAIM, live.claim),
        ingress=ours("Ingress", live.ingress),
    )


def _is_ours(plan: Plan, kind: str, obj: Object) -> bool:
    return owner_of(kind, obj, name=plan.name, uid=plan.uid) is Owner.OURS
