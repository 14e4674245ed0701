"""The watch of Workspaces: kopf's events feed the store and the queue; a list of ours finds what kopf cannot tell.

kopf never tells of a deletion that it slept through: after it listed anew (a start, an expired version) it names only
what is there. So a complete list of ours follows each list of kopf's, and one every few minutes for an event that was
lost on its way. An outage leaves the store as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from guildnet.errors import GuildNetError, Unreachable
from guildnet.kube.client import Client
from guildnet.kube.paging import PAGE_OBJECTS, pages
from guildnet.kube.resources import WORKSPACES
from guildnet.kube.version import number
from guildnet.pace import Pace, Retry
from guildnet.workspace import Workspace
from guildnet_operator.watch.kopf_source import KopfSource
from guildnet_operator.watch.workspace_store import WorkspaceStore, version_of

log = structlog.get_logger(__name__)

RELIST_AFTER_SECONDS: float = 300.0
"""Age of the last list from which on another one looks for events that never came."""
KOPF_START_SECONDS: Final = 3.0
"""How long the first list waits for kopf's watch, behind which it has to come: one list instead of two."""
MIN_LIST_INTERVAL_SECONDS: Final = 2.0


class WorkspaceWatch:
    """`run()` keeps `store`; `enqueue` is called on that loop with the name of every Workspace something is told of."""

    def __init__(
        self, client: Client, namespace: str, kubeconfig: str | None, enqueue: Callable[[str], None], pace: Pace
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._enqueue = enqueue
        self._pace = pace
        self._store = WorkspaceStore()
        self._due = asyncio.Event()
        self._confirmed = -math.inf
        self.kopf = KopfSource(namespace, kubeconfig, self)
        self.store: Mapping[str, Workspace] = self._store.values
        self.broken: Mapping[str, str] = self._store.broken
        self.synced = asyncio.Event()
        """Set after the first complete list."""
        self.lists = 0
        self.last_error: GuildNetError | None = None

    def age(self) -> float:
        """Seconds since the API server last confirmed the store (list, event, watch begun); inf before the first."""
        return time.monotonic() - self._confirmed

    async def missed(self) -> str | None:
        """The API server's version of the collection where that is above the store's, else None.

        Asks with a list of one object. Raises what `Client.request` does.
        """
        page = await self._client.list(WORKSPACES, self._namespace, limit=1)
        newest = version_of(page)
        return str(newest) if newest > self._store.newest else None

    def get(self, name: str) -> Workspace | None:
        return self.store.get(name)

    def unreadable(self, name: str) -> tuple[str, int, str] | None:
        """(uid, version, why) of a stored Workspace that cannot be read; None where it can, or there is none."""
        why, identity = self.broken.get(name), self._store.identity(name)
        return None if why is None or identity is None else (*identity, why)

    def remember(self, obj: Mapping[str, Any]) -> None:
        """Take a Workspace as the API server answered our write with it; its event comes later and is no news then."""
        self._store.put(obj)

    async def run(self) -> None:
        """Keep the store up to date until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.kopf.run(), name="kopf")
            group.create_task(self._keep_listed(), name="list of workspaces")

    # What kopf tells, called on our loop.

    def event(self, kind: str | None, obj: Mapping[str, Any]) -> None:
        """One event of kopf's: `kind` as in a watch, None for an object of kopf's own list."""
        if kind == "DELETED":
            self._store.delete(obj)
        else:
            self._store.put(obj)
        self._confirm()
        # Also where it is no news: the answer to our own write may have brought somebody else's change with it.
        self._enqueue(obj["metadata"]["name"])

    def watching(self, *, listed: bool) -> None:
        """kopf's watch has begun, and before it, where `listed`, a new list: what went before that it will not tell."""
        self._confirm()
        if listed:
            self._due.set()

    def failed(self, message: str) -> None:
        """A request of kopf's failed; it tries again by itself."""
        self.last_error = Unreachable(message)

    def ended(self) -> None:
        """kopf gave up and is started again after a pause, in which a list has to do."""
        self._due.set()

    def _confirm(self) -> None:
        self._confirmed = time.monotonic()
        self.last_error = None

    async def _keep_listed(self) -> None:
        wait = KOPF_START_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._due.wait()
            await self._list_until_it_works()
            await asyncio.sleep(MIN_LIST_INTERVAL_SECONDS)
            wait = RELIST_AFTER_SECONDS

    async def _list_until_it_works(self) -> None:
        retry = Retry(self._pace)
        while True:
            self._due.clear()
            try:
                return await self._list()
            except GuildNetError as error:
                self.last_error = error
                pause = retry.failed(error)
                log.warning("workspaces not listed", error=str(error), attempt=retry.failures, pause=round(pause, 2))
                await retry.wait(pause)

    async def _list(self) -> None:
        """Page by page, because all of them at once would need as much memory again as everything that is held."""
        # Read before the list is asked for: an event that overtakes the answer may be newer than all of it.
        known, names, version = self._store.newest, set[str](), 0
        listed = pages(self._client, WORKSPACES, self._namespace, limit=PAGE_OBJECTS)
        async with contextlib.aclosing(listed):
            async for page in listed:
                version = number(page.version) or 0
                if page.first:
                    names.clear()
                    if version < known:
                        self._restored(version, known)
                        known = version
                names.update(item["metadata"]["name"] for item in page.items)
                self._tell(self._store.put_listed(page.items))
        self._tell(self._store.end_list(names, version))
        self.lists += 1
        self._confirm()
        self.synced.set()

    def _restored(self, version: int, known: int) -> None:
        """A consistent list is never older than what was known before; kopf would wait for a version long past."""
        log.warning("the API server went back to an earlier version", version=version, known=known)
        self._store.forget_versions()
        self.kopf.restart()

    def _tell(self, names: list[str]) -> None:
        if names and self.synced.is_set():
            log.info("a list brought what no event did", workspaces=len(names))
        for name in names:
            self._enqueue(name)
