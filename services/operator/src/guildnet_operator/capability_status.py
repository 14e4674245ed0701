"""The status of Capabilities, written by the operator that leads: whether each is valid, and what it grants to whom."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from guildnet.errors import GuildNetError, NotFound
from guildnet.kube.client import Client
from guildnet.kube.resources import CAPABILITIES
from guildnet.names import FIELD_MANAGER_OPERATOR
from guildnet_operator import metrics
from guildnet_operator.status.grants import status_of
from guildnet_operator.watch.caches import Cluster
from guildnet_operator.workqueue import RETRY, SETTLED, Next, WorkQueue

log = structlog.get_logger(__name__)


class CapabilityStatus:
    """`run()` keeps the status of every Capability of one namespace what it should be."""

    def __init__(self, client: Client, cluster: Cluster, namespace: str) -> None:
        self._client = client
        self._cluster = cluster
        self._namespace = namespace
        self._queue = WorkQueue(workers=1)

    async def run(self) -> None:
        """Run until cancelled."""
        self._cluster.capability_changed = self._queue.add
        try:
            await self._queue.run(self._write, lambda: self._cluster.capability_names)
        finally:
            self._cluster.capability_changed = None

    async def _write(self, name: str) -> Next:
        live = self._cluster.capability_object(name)
        if live is None:
            return SETTLED
        status = status_of(live, now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        if status == live.get("status"):
            return SETTLED
        # Of the version that was judged: a change in between is judged anew when the watch brings it.
        body = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "status": status}
        try:
            await self._client.merge_patch(
                CAPABILITIES,
                self._namespace,
                name,
                body,
                subresource="status",
                field_manager=FIELD_MANAGER_OPERATOR,
            )
        except NotFound:
            return SETTLED
        except GuildNetError as error:
            log.warning("status not written", capability=name, error=error.message, code=error.code)
            return RETRY
        metrics.written("Capability", "status")
        return SETTLED
