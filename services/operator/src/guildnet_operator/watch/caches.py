"""The operator's copies of the cluster: kopf's watch for Workspaces, a reflector for every other kind.

A change only enqueues the name of the Workspace it concerns; what is to be done is read from the stores when its turn
comes. What the operator wrote itself is visible at once, although the watch tells of it later. Nothing here writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from guildnet import capability
from guildnet.capability import Capability
from guildnet.errors import GuildNetError
from guildnet.kube.client import Client
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import (
    CAPABILITIES,
    CONFIGMAPS,
    DEPLOYMENTS,
    EVENTS,
    INGRESSES,
    NETWORKPOLICIES,
    PODS,
    PVCS,
    REPLICASETS,
    SERVICES,
    Resource,
)
from guildnet.names import (
    LABEL_MANAGED,
    claim_name,
    exposure_policy_name,
    workspace_of_claim,
    workspace_of_exposure_policy,
)
from guildnet.pace import Pace
from guildnet.workspace import Workspace
from guildnet.workspace.admission import CONDITION, LIMIT_REACHED
from guildnet.workspace.origin import port_requested
from guildnet_operator.status.children import CONFIGURATION_REASONS, Children, Object, PodView, ReplicaSetView
from guildnet_operator.watch import live, pod_events
from guildnet_operator.watch.cache import Cache
from guildnet_operator.watch.grouped import Grouped, V
from guildnet_operator.watch.workspaces import WorkspaceWatch

T = TypeVar("T")
S = TypeVar("S")

ATTEMPT_INTERVAL_SECONDS: Final = 0.75
"""Between two attempts of the watches in an outage; each can be a list and a watch: under three a second."""
ENTRIES_KEY: Final = "tailnet"
_MANAGED: Final = f"{LABEL_MANAGED}=true"


class Watch(Protocol):
    """The copy of one kind of object, as health checks and metrics see it; see `Reflector` for what each means."""

    synced: asyncio.Event
    last_error: GuildNetError | None

    def age(self) -> float: ...

    async def missed(self) -> str | None: ...

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """Where what is watched is: the namespace of the Workspaces, the install's own, and the way to the API server."""

    namespace: str
    release_namespace: str
    entries_configmap: str
    kubeconfig: str | None = None


class Cluster:
    """The stores, and `run`, which keeps them. `enqueue` gets the name of every Workspace that a change concerns."""

    def __init__(self, client: Client, watched: Watched, enqueue: Callable[[str], None]) -> None:
        self._client = client
        self._namespace = namespace = watched.namespace
        self._enqueue = enqueue
        self._pace = Pace(ATTEMPT_INTERVAL_SECONDS)
        self._pods: Grouped[PodView] = Grouped()
        self._replica_sets: Grouped[ReplicaSetView] = Grouped()
        self.workspaces = WorkspaceWatch(client, namespace, watched.kubeconfig, enqueue, self._pace)
        self.deployments = self._cache(DEPLOYMENTS, live.packed, live.unpacked)
        self.services = self._cache(SERVICES, live.packed, live.unpacked)
        self.claims = self._cache(PVCS, live.packed, live.unpacked, workspace_of=workspace_of_claim)
        self.ingresses = self._cache(INGRESSES, live.packed, live.unpacked)
        self.network_policies = self._cache(
            NETWORKPOLICIES, live.packed, live.unpacked, workspace_of=workspace_of_exposure_policy
        )
        self._warnings: dict[str, dict[pod_events.About, pod_events.PodWarning]] = {}
        """By the uid of the pod."""
        self._entries_name = watched.entries_configmap
        self._entries: Reflector[Object] = Reflector(
            client,
            CONFIGMAPS,
            namespace=watched.release_namespace,
            field_selector=f"metadata.name={watched.entries_configmap}",
            parse=live.plain,
            on_change=self._entries_changed,
            pace=self._pace,
        )
        self.capability_changed: Callable[[str], None] | None = None
        """Is told the name of each Capability that is new or changed."""
        self._capabilities: Reflector[tuple[dict[str, Any], Capability]] = Reflector(
            client,
            CAPABILITIES,
            namespace=namespace,
            parse=lambda obj: (obj, capability.parse(obj)),
            on_change=self._capability_changed,
            pace=self._pace,
        )
        pods = self._grouped(PODS, live.pod, self._pods)
        self._pods_by_name = pods.store
        self.watches: dict[str, Watch] = {
            "workspaces": self.workspaces,
            "deployments": self.deployments.reflector,
            "services": self.services.reflector,
            "persistentvolumeclaims": self.claims.reflector,
            "ingresses": self.ingresses.reflector,
            "networkpolicies": self.network_policies.reflector,
            "replicasets": self._grouped(REPLICASETS, live.replica_set, self._replica_sets),
            "pods": pods,
            "entries": self._entries,
            "capabilities": self._capabilities,
            "events": self._events(),
        }

    async def run(self) -> None:
        """Keep every store up to date until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, watch in self.watches.items():
                group.create_task(watch.run(), name=f"watch {name}")

    async def synced(self) -> None:
        """Wait until every store holds what the cluster has: before that, a missing child means nothing."""
        for watch in self.watches.values():
            await watch.synced.wait()

    def named(self, name: str) -> Children:
        """The objects under the names of this Workspace's children, whoever made them; no pods."""
        return Children(
            deployment=self.deployments.get(name),
            service=self.services.get(name),
            claim=self.claims.get(claim_name(name)),
            ingress=self.ingresses.get(name),
            network_policy=self.network_policies.get(exposure_policy_name(name)),
        )

    def with_pods(self, name: str, found: Children) -> Children:
        """These children of the Workspace with the pods of their Deployment."""
        return live.with_pods(found, self._replica_sets.of(name), self._pods.of(name), self._warnings)

    def misconfigured(self, name: str) -> bool:
        """Does a pod labelled as this Workspace's wait for something its configuration refers to?"""
        return any(pod.waiting_reason in CONFIGURATION_REASONS for pod in self._pods.of(name))

    @property
    def tailnet_name(self) -> str | None:
        """The DNS name the proxy has on the tailnet, as it published it; None without a tailnet."""
        return _data(self._entries.store.get(self._entries_name)).get(ENTRIES_KEY) or None

    def ports_requested(self, workspace: Workspace) -> frozenset[int]:
        """The container ports of this Workspace for which the proxy asks for an origin on the tailnet."""
        live = self._entries.store.get(self._entries_name)
        asked = filter(None, map(port_requested, _data(live)))
        return frozenset(port for uid, port in asked if uid == workspace.uid)

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """Every Capability, as last heard."""
        return tuple(read for _, read in self._capabilities.store.values())

    @property
    def capability_names(self) -> tuple[str, ...]:
        return tuple(self._capabilities.store)

    def capability_object(self, name: str) -> Mapping[str, Any] | None:
        """The Capability as the API server sent it, status included."""
        found = self._capabilities.store.get(name)
        return None if found is None else found[0]

    def _cache(
        self,
        resource: Resource,
        hold: Callable[[dict[str, Any]], S],
        load: Callable[[S], T],
        *,
        workspace_of: Callable[[str], str | None] = str,
    ) -> Cache[T, S]:
        def changed(change: Change[S]) -> None:
            if change.kind == "synced":
                cache.listed()
                return
            cache.moved()
            # Also objects that are not ours: when one goes, its name is free for the Workspace that wants it.
            name = workspace_of(change.key)
            if name:
                self._enqueue(name)

        reflector = Reflector(
            self._client, resource, namespace=self._namespace, parse=hold, on_change=changed, pace=self._pace
        )
        cache = Cache(reflector, hold, load)
        return cache

    def _grouped(self, resource: Resource, parse: Callable[[dict[str, Any]], V], grouped: Grouped[V]) -> Reflector[V]:
        def changed(change: Change[V]) -> None:
            grouped.change(change)
            for name in {item.workspace for item in (change.old, change.new) if item is not None}:
                self._enqueue(name)

        return Reflector(
            self._client,
            resource,
            namespace=self._namespace,
            label_selector=_MANAGED,
            parse=parse,
            on_change=changed,
            pace=self._pace,
        )

    def _events(self) -> Reflector[pod_events.PodWarning]:
        return Reflector(
            self._client,
            EVENTS,
            namespace=self._namespace,
            field_selector=pod_events.FIELD_SELECTOR,
            parse=pod_events.parse,
            on_change=self._warned,
            pace=self._pace,
        )

    def _warned(self, change: Change[pod_events.PodWarning]) -> None:
        warning = change.new
        if warning is None:
            if change.old is not None:
                self._warnings.pop(change.old.pod_uid, None)
            return
        if not warning.persists:
            return
        known = self._warnings.setdefault(warning.pod_uid, {})
        before, known[warning.about] = known.get(warning.about), warning
        pod = self._pods_by_name.get(warning.pod)
        if pod is not None and (before is None or before.message != warning.message):
            self._enqueue(pod.workspace)

    def _capability_changed(self, change: Change[tuple[dict[str, Any], Capability]]) -> None:
        """Those that wait for a place may have one now; who has one keeps it."""
        if change.new is not None and self.capability_changed is not None:
            self.capability_changed(change.key)
        for name, workspace in self.workspaces.store.items():
            told = workspace.status.condition(CONDITION)
            if told is not None and told.reason == LIMIT_REACHED:
                self._enqueue(name)

    def _entries_changed(self, change: Change[Object]) -> None:
        if change.kind == "synced":
            return
        old, new = _data(change.old), _data(change.new)
        if old.get(ENTRIES_KEY) != new.get(ENTRIES_KEY):
            for name in self.workspaces.store:
                self._enqueue(name)
            return
        for key in new.keys() - old.keys():
            if port_requested(key) and new[key] in self.workspaces.store:
                self._enqueue(new[key])


def _data(configmap: Object | None) -> dict[str, str]:
    return (configmap or {}).get("data") or {}
