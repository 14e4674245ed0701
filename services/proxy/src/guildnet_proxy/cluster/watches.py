"""Feeds the Index from the API server's watches.

The only module of the proxy that asks Kubernetes for anything but token reviews and the entries ConfigMap; never on a
request's path.
"""

from __future__ import annotations

import asyncio
from typing import Any

from guildnet import capability, workspace
from guildnet.capability import Capability
from guildnet.errors import Denied, NotFound
from guildnet.kube import Change, Client, Reflector
from guildnet.kube.resources import CAPABILITIES, ENDPOINTSLICES, WORKSPACES
from guildnet.workspace import Workspace
from guildnet_proxy.cluster.index import Index, Slice, parse_slice


class Watches:
    """Three reflectors; `run` until cancelled."""

    def __init__(self, client: Client, namespace: str, index: Index) -> None:
        self._index = index
        self._workspaces: Reflector[Workspace] = Reflector(
            client, WORKSPACES, namespace=namespace, parse=workspace.parse, on_change=self._on_workspace
        )
        self._slices: Reflector[Slice] = Reflector(
            client, ENDPOINTSLICES, namespace=namespace, parse=parse_slice, on_change=self._on_slice
        )
        self._capabilities: Reflector[Capability] = Reflector(
            client, CAPABILITIES, namespace=namespace, parse=capability.parse, on_change=self._on_capability
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for reflector in (self._workspaces, self._slices, self._capabilities):
                group.create_task(reflector.run())
            group.create_task(self._watch_readability())
            await self._workspaces.synced.wait()
            self._index.listed = True
            await self.synced()
            self._index.confirm()

    async def synced(self) -> None:
        for reflector in self._all():
            await reflector.synced.wait()

    def check(self) -> str | None:
        """For /readyz: what is missing, or None. What an earlier run knew is enough to serve by."""
        if self._index.stale is not None:
            return None
        waiting = [name for name, item in zip(_NAMES, self._all(), strict=True) if not item.synced.is_set()]
        return f"waiting for the first list of {', '.join(waiting)}" if waiting else None

    def forget(self) -> None:
        """What an earlier run knew and this one was not told is not used any longer."""
        self._index.confirm()
        self._index.keep_only(workspaces=self._workspaces.store, slices=self._slices.store)
        if not self._capabilities.synced.is_set():
            self._index.set_capabilities(None)

    def age(self) -> float:
        """Seconds since the API server confirmed all of it; inf before the first lists."""
        return max(reflector.age() for reflector in self._all())

    def _all(self) -> tuple[Reflector[Any], ...]:
        return self._workspaces, self._slices, self._capabilities

    async def _watch_readability(self) -> None:
        """Capabilities that can no longer be read deny; the reflector tells of changes, not of losing the right."""
        while True:
            await asyncio.sleep(1.0)
            if self._index.stale is not None and not self._capabilities.synced.is_set() and not self._refused():
                continue  # an earlier run's are in use
            if (self._capabilities.snapshot() is None) != (self._index.capabilities is None):
                self._index.set_capabilities(self._capabilities.snapshot())

    def _refused(self) -> bool:
        return isinstance(self._capabilities.last_error, Denied | NotFound)

    def _on_workspace(self, change: Change[Workspace]) -> None:
        if change.new is not None:
            self._index.put_workspace(change.new)
        elif change.kind == "deleted":
            self._index.remove_workspace(change.key)
        elif change.kind == "synced":
            self._index.keep_only(workspaces=self._workspaces.store)

    def _on_slice(self, change: Change[Slice]) -> None:
        if change.new is not None:
            self._index.put_slice(change.new)
        elif change.kind == "deleted":
            self._index.remove_slice(change.key)
        elif change.kind == "synced":
            self._index.keep_only(slices=self._slices.store)

    def _on_capability(self, _: Change[Capability]) -> None:
        if self._capabilities.synced.is_set():
            self._index.set_capabilities(self._capabilities.snapshot())


_NAMES = ("workspaces", "endpointslices", "capabilities")
