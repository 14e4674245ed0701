"""The status of a Workspace, written where it has changed: at once where somebody waits for it, else a little later."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from guildnet.errors import Conflict, NotFound
from guildnet.kube.client import Client
from guildnet.kube.resources import WORKSPACES
from guildnet.names import FIELD_MANAGER_OPERATOR
from guildnet.workspace import Workspace, WorkspaceStatus, status_to_wire
from guildnet.workspace import replace as replace_workspace
from guildnet.workspace.admission import CONDITION
from guildnet_operator import metrics
from guildnet_operator.event_recorder import EventRecorder
from guildnet_operator.status.diagnosis import storage_told_in
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Snapshot
from guildnet_operator.status.status import observe
from guildnet_operator.watch.caches import Cluster
from guildnet_operator.workqueue import RETRY, SETTLED, Next

log = structlog.get_logger(__name__)

STATUS_DEBOUNCE_SECONDS: Final = 0.4
"""How long a change of status that nobody waits for is held back for the next one: a start has half a dozen of them."""
FIRST_STATUS_DEBOUNCE_SECONDS: Final = 1.0
"""The same for the first status, which says no more than having none: a start from an image that is there needs one."""


class StatusWriter:
    """Writes the statuses of one install's Workspaces, and an Event for each change of phase."""

    def __init__(self, client: Client, cluster: Cluster, events: EventRecorder) -> None:
        self._client = client
        self._cluster = cluster
        self._events = events
        self._due: dict[str, float] = {}
        """When a change that is held back is to be written, by the uid of its Workspace."""

    def forget(self, uid: str) -> None:
        """The Workspace with this uid is gone."""
        self._due.pop(uid, None)

    async def write(self, snapshot: Snapshot) -> Next:
        """Write the status that this snapshot leads to, if it is another one than is there; when to come again.

        Raises GuildNetError where the API server does not take it.
        """
        # A pass may have waited long for its writes: what counts is the status that is there now.
        now_there = self._cluster.workspaces.get(snapshot.workspace.name)
        if now_there is None or now_there.uid != snapshot.workspace.uid:
            return SETTLED
        seen = {"status": now_there.status, "resource_version": now_there.resource_version}
        workspace = replace_workspace(snapshot.workspace, **seen)
        now = _now()
        status = observe(replace(snapshot, workspace=workspace), now=now)
        # A claim that waits too long is told by the clock alone: no event comes then.
        left = storage_told_in(replace(snapshot, now=now))
        then = SETTLED if left is None or left <= 0 else Next(after=left + 1.0)
        if status == workspace.status:
            self._due.pop(workspace.uid, None)
            return then
        if not urgent(workspace.status, status):
            began = time.monotonic()
            debounce = STATUS_DEBOUNCE_SECONDS if workspace.status.phase else FIRST_STATUS_DEBOUNCE_SECONDS
            due = self._due.setdefault(workspace.uid, began + debounce)
            if began < due:
                return Next(after=due - began)
        written = await self._write(workspace, status)
        self._due.pop(workspace.uid, None)
        return written if written.retry else then

    async def _write(self, workspace: Workspace, status: WorkspaceStatus) -> Next:
        # With the version, or the status of a deleted Workspace could land on its successor of the same name, and one
        # of an operator that leads no more on that of the next. A uid would not do: the API server ignores it here.
        body = {"metadata": {"resourceVersion": workspace.resource_version}, "status": status_to_wire(status)}
        try:
            written = await self._client.merge_patch(
                WORKSPACES,
                workspace.namespace,
                workspace.name,
                body,
                subresource="status",
                field_manager=FIELD_MANAGER_OPERATOR,
            )
        except (NotFound, Conflict) as error:
            log.info("status not written", workspace=workspace.name, error=error.message)
            # Gone: the watch is about to say so. A conflict may also be of two writes at once, with no event after it.
            return SETTLED if isinstance(error, NotFound) else RETRY
        metrics.written("Workspace", "status")
        self._cluster.workspaces.remember(written)
        if status.phase != workspace.status.phase:
            log.info("phase changed", workspace=workspace.name, phase=status.phase, was=workspace.status.phase)
        await self._events.transition(workspace, status)
        return SETTLED


def urgent(old: WorkspaceStatus, new: WorkspaceStatus) -> bool:
    """Is somebody waiting for this change: a phase, readiness, an origin that was asked for, or something wrong?

    The first status of a new Workspace is not: until then everybody takes it for pending. Under a limit the api waits.
    """
    place = new.condition(CONDITION)
    if old.phase is None and new.phase == "Pending":
        return place is not None and place.reason != Reason.ADMITTED
    if old.phase != new.phase or (new.origin and new.origin.ports) != (old.origin and old.origin.ports):
        return True
    for kind in ("Ready", "Degraded", CONDITION):
        before, after = old.condition(kind), new.condition(kind)
        if (before and before.status) != (after and after.status):
            return True
    return False


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
