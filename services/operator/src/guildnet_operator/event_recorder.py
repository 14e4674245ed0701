"""Kubernetes Events on a Workspace for what changed, so that `kubectl describe` shows its history.

Best effort: an Event that cannot be written is logged and forgotten. It never holds up or fails a reconcile for long.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from guildnet.errors import GuildNetError
from guildnet.kube.client import Client
from guildnet.kube.resources import EVENTS, path
from guildnet.names import API_VERSION
from guildnet.workspace import Phase, Workspace, WorkspaceSpec, WorkspaceStatus
from guildnet.workspace.admission import CONDITION, LIMIT_REACHED

log = structlog.get_logger(__name__)

COMPONENT: Final = "guildnet-operator"
WRITE_TIMEOUT_SECONDS: Final = 2.0
_MAX_MESSAGE: Final = 1000


class EventRecorder:
    """Writes Events into one namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def unreadable(self, name: str, uid: str, why: str) -> None:
        """Tell that the stored Workspace cannot be read."""
        about = Workspace(name=name, namespace=self._namespace, uid=uid, spec=WorkspaceSpec(image=""))
        message = (
            f"The operator cannot read this Workspace: {why.rstrip('.')}. What it had made of it is left as it is. "
            "Correct the Workspace, or delete it."
        )
        await self._write(event(about, "Warning", "Unreadable", message, now=datetime.now(UTC)))

    async def transition(self, workspace: Workspace, status: WorkspaceStatus) -> None:
        """Tell of the change from the Workspace's present status to this one, where it is worth telling."""
        found = worth_telling(workspace.status, status)
        if found is None:
            return
        await self._write(event(workspace, *found, now=datetime.now(UTC)))

    async def _write(self, body: dict[str, Any]) -> None:
        try:
            await self._client.request("POST", path(EVENTS, self._namespace), body=body, timeout=WRITE_TIMEOUT_SECONDS)
        except GuildNetError as error:
            log.warning("event not written", workspace=body["involvedObject"]["name"], error=error.message)


def worth_telling(old: WorkspaceStatus, new: WorkspaceStatus) -> tuple[str, str, str] | None:
    """(type, reason, message) of the Event for this change; None where there is nothing to tell."""
    before, after = old.condition("Degraded"), new.condition("Degraded")
    if after is not None and after.status == "True" and (before is None or before.reason != after.reason):
        return "Warning", after.reason, after.message
    place, had = new.condition(CONDITION), old.condition(CONDITION)
    if place is not None and place.reason == LIMIT_REACHED and (had is None or had.reason != LIMIT_REACHED):
        return "Warning", place.reason, place.message
    if old.phase == new.phase or new.phase in (None, Phase.PENDING, Phase.TERMINATING):
        return None
    ready = new.condition("Ready")
    return ("Normal", ready.reason, ready.message) if ready is not None else None


def event(workspace: Workspace, type_: str, reason: str, message: str, *, now: datetime) -> dict[str, Any]:
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{workspace.name}.{secrets.token_hex(8)}", "namespace": workspace.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "Workspace",
            "name": workspace.name,
            "namespace": workspace.namespace,
            "uid": workspace.uid,
            "resourceVersion": workspace.resource_version,
        },
        "type": type_,
        "reason": reason,
        "message": message[:_MAX_MESSAGE],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
