"""Watches of the cluster, each keeping one copy: no request causes a LIST on the API server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from guildnet import capability, workspace
from guildnet.capability import Capability
from guildnet.errors import NotFound
from guildnet.kube.client import Client
from guildnet.kube.reflector import WATCH_IDLE_SECONDS, Change, Reflector
from guildnet.kube.resources import CAPABILITIES, EVENTS, PODS, WORKSPACES
from guildnet.kube.version import is_older
from guildnet.names import LABEL_WORKSPACE
from guildnet.workspace import Workspace
from guildnet_api.aio import Signal
from guildnet_api.cluster import events, pods
from guildnet_api.cluster.events import Event
from guildnet_api.cluster.index import WorkspaceIndex
from guildnet_api.cluster.pods import Pod
from guildnet_api.workspaces.stats import Starts

SILENT_SECONDS: Final = WATCH_IDLE_SECONDS + 10.0
"""Age from which a copy is old although no watch has failed: the API server takes what is asked and answers nothing."""
MAX_EVENTS: Final = 200
"""Kubernetes events kept per workspace; the newest stay."""


class Watches:
    """Workspaces and their pods (in `index`), Capabilities and events of one namespace; `run` has a task of its own."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.index = WorkspaceIndex()
        self.starts = Starts()
        self.events_changed = Signal()
        """Notified at every Kubernetes event of a workspace."""
        self._events: dict[str, dict[str, Event]] = {}
        self._events_version = 0
        self._workspaces = Reflector(
            client, WORKSPACES, namespace=namespace, parse=workspace.parse, on_change=self._workspace
        )
        self._pods = Reflector(
            client, PODS, namespace=namespace, label_selector=LABEL_WORKSPACE, parse=pods.parse, on_change=self._pod
        )
        self._capabilities = Reflector(
            client, CAPABILITIES, namespace=namespace, parse=capability.parse, on_change=self._capability
        )
        self._kube_events = Reflector(client, EVENTS, namespace=namespace, parse=events.parse, on_change=self._event)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for reflector in (self._workspaces, self._pods, self._capabilities, self._kube_events):
                tasks.create_task(reflector.run())

    @property
    def synced(self) -> bool:
        """Whether lists can be served: Workspaces and pods are there, and the rules for who may see them."""
        return all(r.synced.is_set() for r in (self._workspaces, self._pods, self._capabilities))

    def age(self) -> float:
        """Seconds since the API server last confirmed the oldest of the copies that responses stand on."""
        return max(r.age() for r in (self._workspaces, self._pods, self._capabilities))

    def stale_seconds(self) -> int:
        """How old the copies are while a watch is not live, at least 1; 0 while all are, or before the first list."""
        reflectors = (self._workspaces, self._pods, self._capabilities)
        age = self.age()
        # A watch that brings nothing is found out and replaced before this.
        live = age < SILENT_SECONDS and all(r.last_error is None for r in reflectors)
        return 0 if live or not self.synced else max(1, round(age))

    def missing_kinds(self) -> str | None:
        """The custom resources that the cluster does not serve, as text; None when it serves them."""
        errors = {"workspaces": self._workspaces.last_error, "capabilities": self._capabilities.last_error}
        missing = [what for what, error in errors.items() if isinstance(error, NotFound)]
        return f"not installed: {', '.join(missing)}" if missing else None

    async def wait_synced(self) -> None:
        await asyncio.gather(*(r.synced.wait() for r in (self._workspaces, self._pods, self._capabilities)))

    def capabilities(self) -> Sequence[Capability] | None:
        """Every Capability; None where they cannot be read, which denies everything."""
        return self._capabilities.snapshot()

    @property
    def events_version(self) -> int:
        """A count that rises with every change of a Kubernetes event, of any workspace."""
        return self._events_version

    def events(self, name: str) -> Sequence[Event]:
        return tuple(self._events.get(name, {}).values())

    async def wait_for(self, name: str, resource_version: str, timeout: float = 1.0) -> None:
        """Wait until the copy shows a write just made, so that the writer can read it; `timeout` seconds at most."""
        try:
            async with asyncio.timeout(timeout):
                while not self._shows(name, resource_version):
                    await self.index.signal.wait()
        except TimeoutError:
            return

    async def wait_gone(self, ws: Workspace, timeout: float = 1.0) -> None:
        """Wait until the copy has this very workspace no more, or only as one on its way out; `timeout` at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while (now := self.index.get(ws.name)) is not None and now.uid == ws.uid and not now.deleting:
                    await self.index.signal.wait()

    def _shows(self, name: str, resource_version: str) -> bool:
        ws = self.index.get(name)
        return ws is not None and not is_older(ws.resource_version, resource_version)

    def _workspace(self, change: Change[Workspace]) -> None:
        if change.kind == "synced":
            self.index.listed(workspaces=self._workspaces.resource_version or "")
        elif change.new is not None:
            self.index.put_workspace(change.new)
            self.starts.observe(change.new)
        else:
            self.index.drop_workspace(change.key)

    def _pod(self, change: Change[Pod]) -> None:
        if change.kind == "synced":
            self.index.listed(pods=self._pods.resource_version or "")
        elif change.new is not None:
            self.index.put_pod(change.new)
        elif change.old is not None:
            self.index.drop_pod(change.old)

    def _capability(self, _: Change[Capability]) -> None:
        self.index.signal.notify()

    def _event(self, change: Change[Event]) -> None:
        self._events_version += 1
        self.events_changed.notify()
        if change.new is not None:
            known = self._events.setdefault(change.new.workspace, {})
            known[change.key] = change.new
            if len(known) > MAX_EVENTS:
                del known[min(known, key=lambda name: known[name].time)]
        elif change.old is not None:
            known = self._events.get(change.old.workspace, {})
            known.pop(change.key, None)
            if not known:
                self._events.pop(change.old.workspace, None)
