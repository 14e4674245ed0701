"""The status of Capabilities, written by the operator that leads: whether each is valid, and what it grants to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from guildnet.errors import GuildNetError, NotFound
from guildnet.kube.client import Client
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import CAPABILITIES
from guildnet.names import FIELD_MANAGER_OPERATOR
from guildnet_operator import metrics
from guildnet_operator.status.grants import status_of
from guildnet_operator.workqueue import RETRY, SETTLED, Next, WorkQueue

log = structlog.get_logger(__name__)


class CapabilityStatus:
    """`run()` keeps the status of every Capability of one namespace what it should be."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._queue = WorkQueue(workers=1)
        self._capabilities: Reflector[Mapping[str, Any]] = Reflector(
            client, CAPABILITIES, namespace=namespace, parse=dict, on_change=self._changed
        )

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run(self._write), name="capability status")
            group.create_task(self._capabilities.run(), name="watch capabilities")

    def _changed(self, change: Change[Mapping[str, Any]]) -> None:
        if change.new is not None:
            self._queue.add(change.key)

    async def _write(self, name: str) -> Next:
        live = self._capabilities.store.get(name)
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
