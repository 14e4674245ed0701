"""Admission: which Workspaces may run, where Capabilities say how many an owner may at once (`maxConcurrent`).

The operator that holds the lease decides, one Workspace after another and without a pause between looking and giving a
place, so no two can be given the same one, whoever wrote them. Who has a place keeps it until it is stopped or deleted,
also when a limit is lowered; a free one goes to the oldest that waits. That a Deployment of ours has a replica is what
is remembered of a place over a restart: it is written before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import structlog

from guildnet.kube.client import Client
from guildnet.kube.paging import PAGE_OBJECTS, pages
from guildnet.kube.resources import DEPLOYMENTS, WORKSPACES
from guildnet.names import LABEL_MANAGED
from guildnet.workspace import Workspace
from guildnet.workspace.admission import CONDITION, Limit, has_place, limit_of, wants_to_run
from guildnet_operator.status.children import Object
from guildnet_operator.status.snapshot import Admission
from guildnet_operator.watch.caches import Cluster
from guildnet_operator.watch.live import controller_uid

log = structlog.get_logger(__name__)

MANAGED: Final = f"{LABEL_MANAGED}=true"


class Admissions:
    """The places of all owners. `enqueue` gets the name of a Workspace whose turn may have come."""

    def __init__(self, client: Client, cluster: Cluster, namespace: str, enqueue: Callable[[str], None]) -> None:
        self._client = client
        self._cluster = cluster
        self._namespace = namespace
        self._enqueue = enqueue
        self._given: set[str] = set()
        """Uids with a place, from the moment it is given: its Deployment is only in a cache when it was written."""
        self._waiting: dict[str, set[str]] = {}

    async def begin(self) -> None:
        """Take over from the operator that led before: its last writes may not be in our caches yet.

        Raises GuildNetError where the API server does not say what there is.
        """
        self._given.clear()
        self._waiting.clear()
        if all(item.constraints.max_concurrent is None for item in self._cluster.capabilities):
            return
        async for page in pages(self._client, WORKSPACES, self._namespace, limit=PAGE_OBJECTS):
            for item in page.items:
                self._cluster.workspaces.remember(item)
        listed = pages(self._client, DEPLOYMENTS, self._namespace, label_selector=MANAGED, limit=PAGE_OBJECTS)
        async for page in listed:
            self._given.update(controller_uid(item) for item in page.items if _has_replica(item))

    def judge(self, ws: Workspace) -> Admission:
        """Whether it may run; it has a place from then on."""
        self._waiting.get(ws.owner, set()).discard(ws.name)
        if not wants_to_run(ws):
            self._given.discard(ws.uid)
            return Admission()
        limit = limit_of(ws, self._cluster.capabilities)
        if not self._has_place(ws) and limit is not None and not self._is_next(ws, limit):
            self._waiting.setdefault(ws.owner, set()).add(ws.name)
            log.info("no place", workspace=ws.name, owner=ws.owner, limit=limit.most, rule=limit.rule)
            return Admission(limit, waits=True)
        self._given.add(ws.uid)
        return Admission(limit)

    def released(self, owner: str, name: str, uid: str | None = None) -> None:
        """This one runs no more, `uid` where it is gone: those that wait for a place of its owner are looked at."""
        waiting = self._waiting.get(owner)
        if uid is not None:
            self._given.discard(uid)
            if waiting is not None:
                waiting.discard(name)
        for other in sorted(waiting or ()):
            if other != name:
                self._enqueue(other)
        if not waiting:
            self._waiting.pop(owner, None)

    def _is_next(self, ws: Workspace, limit: Limit) -> bool:
        taken, waiting = 0, []
        for other in self._others(ws):
            if self._has_place(other):
                taken += 1
            elif wants_to_run(other):
                waiting.append((other, limit_of(other, self._cluster.capabilities)))
        return has_place(ws, limit, taken, waiting)

    def _others(self, ws: Workspace) -> Iterator[Workspace]:
        found = self._cluster.workspaces.store.values()
        return (other for other in found if other.owner == ws.owner and other.name != ws.name)

    def _has_place(self, ws: Workspace) -> bool:
        """Also one that is being stopped, until its Deployment and its status say that it is."""
        if ws.uid in self._given:
            return True
        told = ws.status.condition(CONDITION)
        if told is not None and told.status == "True":
            return True
        deployment = self._cluster.deployments.get(ws.name)
        return deployment is not None and controller_uid(deployment) == ws.uid and _has_replica(deployment)


def _has_replica(deployment: Object) -> bool:
    return bool(deployment["spec"].get("replicas"))
