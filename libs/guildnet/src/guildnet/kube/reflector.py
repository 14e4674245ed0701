"""A local copy of one kind of object, kept by list and watch, that survives any outage of the API server.

Once filled it never forgets because of an outage: the last known objects stay until a new list says otherwise. It
tells of every change exactly once, also of deletions and re-creations that happened while it was not looking. It never
writes.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, Generic, TypeVar

import structlog

from guildnet.errors import Denied, Gone, GuildNetError, Invalid, NotFound, Silent, Unreachable
from guildnet.kube import errors, watchevent
from guildnet.kube.client import Client
from guildnet.kube.paging import PAGE_OBJECTS, pages
from guildnet.kube.resources import Resource, path
from guildnet.kube.store import Change, Store
from guildnet.kube.version import is_older
from guildnet.pace import Pace, Retry

__all__ = ["Change", "Reflector"]

T = TypeVar("T")

WATCH_IDLE_SECONDS: Final = 70.0
"""Seconds without a byte after which a watch is not trusted any more, and a list has to say what is there.

The API server sends a bookmark every minute, as a rule: of a kind without a watch cache (Event) it sends none, and now
and then it leaves one out. So silence is no failure, but it looks exactly like a connection that died without a word.
"""

WATCH_STABLE_SECONDS: Final = 10.0
"""Seconds a watch has to last, or else bring an event, before what failed earlier is forgotten."""

WATCH_LIFETIME_SECONDS: Final = (300, 600)
"""Between how many seconds the API server is asked to end a watch: spread, so that not all begin again at once."""
RELIST_AFTER_SECONDS: Final = 300.0
"""Age of a list, seconds, from which on the end of a watch is a reason for a new one instead of a watch alone.

An event that never came shows in nothing else, so one may stay missed for as long as a watch lasts. Of what did not
change the new list costs the reading and nothing more.
"""

log = structlog.get_logger(__name__)


class Reflector(Generic[T]):
    """`run()` in a task of its own, `store` to read, `on_change` to be told (synchronously, before the next event).

    Keys are names, or `namespace/name` for a namespaced kind watched in all namespaces. An object that `parse` refuses
    is left out of `store` and named with the reason in `broken`.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        parse: Callable[[dict[str, Any]], T],
        on_change: Callable[[Change[T]], None] | None = None,
        silence: float = WATCH_IDLE_SECONDS,
        page: int = PAGE_OBJECTS,
        renewal: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._silence = silence
        self._page = page
        self._renewal = RELIST_AFTER_SECONDS if renewal is None else renewal
        self._listed = -math.inf
        self._outlived = False
        self._clock = clock
        self._retry = Retry(pace)
        self._seen = -math.inf
        self._copy = Store(resource.kind, self._key, parse, on_change)
        self.store: Mapping[str, T] = self._copy.values
        self.broken: Mapping[str, str] = self._copy.broken
        self.synced = asyncio.Event()
        self.resource_version: str | None = None
        self.relists = 0
        self.restarts = 0
        self.silences = 0
        self.last_error: GuildNetError | None = None

    def age(self) -> float:
        """Seconds since the API server last confirmed this copy (list, watch begun, event); inf before the first."""
        return self._clock() - self._seen

    async def missed(self) -> str | None:
        """The API server's version of this collection where that is above the copy's; None where it is not.

        Asks with one small list: for a copy that was not confirmed for long, to tell a quiet cluster from a watch that
        brings nothing any more. Raises what `Client.request` does.
        """
        page = await self._client.list(self._resource, self._namespace, limit=1)
        newest = str((page.get("metadata") or {}).get("resourceVersion") or "")
        return newest if is_older(self.resource_version, newest) else None

    def snapshot(self) -> tuple[T, ...] | None:
        """Every value, or None where they cannot be read: not listed yet, or the API server now refuses the list."""
        if not self.synced.is_set() or isinstance(self.last_error, Denied | NotFound):
            return None
        return tuple(self.store.values())

    async def run(self) -> None:
        """List, watch, and begin again for as long as the task lives."""
        while True:
            try:
                if self.resource_version is None or self._outlived:
                    await self._relist()
                began = self._clock()
                told = await self._watch()
                self.restarts += 1
                if self._clock() - began < 1.0 and not told:
                    raise Unreachable("the watch ended as soon as it began")
                if self._clock() - began >= WATCH_STABLE_SECONDS:
                    self._retry.succeeded()
                self._outlived = self._clock() - self._listed >= self._renewal
            except Silent as error:
                self.silences += 1
                self._outlived = True
                self.last_error = error
                log.debug("watch silent", kind=self._resource.kind, error=str(error))
            except (Gone, Invalid) as error:
                # Not an outage: our version means nothing to the server. The pause matters only if it keeps saying so.
                self.resource_version = None
                await self._pause(error)
            except GuildNetError as error:
                await self._pause(error)

    async def _pause(self, error: GuildNetError) -> None:
        self.last_error = error
        pause = self._retry.failed(error)
        level = log.info if isinstance(error, Gone) else log.warning
        level(
            "watch interrupted",
            kind=self._resource.kind,
            error=str(error),
            attempt=self._retry.failures,
            pause=round(pause, 2),
        )
        await self._retry.wait(pause)

    def _alive(self) -> None:
        """The API server has confirmed the copy, or will with what it tells next.

        The failures so far still count: else a server that lists and then refuses every watch, or ends it at once,
        would be asked without a pause.
        """
        self._seen = self._clock()
        self.last_error = None

    async def _relist(self) -> None:
        items, version = await self._list()
        self.relists += 1
        self._listed, self._outlived = self._clock(), False
        self._copy.replace(items)
        self.resource_version = version
        self._alive()
        self.synced.set()
        self._copy.tell_synced()

    async def _list(self) -> tuple[list[dict[str, Any]], str]:
        items: list[dict[str, Any]] = []
        version = ""
        listed = pages(
            self._client,
            self._resource,
            self._namespace,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
            limit=self._page,
        )
        async with aclosing(listed):
            async for page in listed:
                if page.first:
                    items.clear()
                items.extend(page.items)
                version = page.version
        return items, version

    async def _watch(self) -> int:
        """Follow one watch to its end; the number of its events."""
        told = 0
        query = {
            "labelSelector": self._label_selector,
            "fieldSelector": self._field_selector,
            "watch": True,
            "allowWatchBookmarks": True,
            "resourceVersion": self.resource_version,
            "timeoutSeconds": random.randint(*WATCH_LIFETIME_SECONDS),  # noqa: S311  to spread the load, not to keep a secret
        }
        # In a quiet cluster the first word of a watch is a bookmark after a minute: that it was accepted has to do.
        stream = self._client.stream(
            path(self._resource, self._namespace), query, idle=self._silence, begun=self._alive
        )
        async with aclosing(stream):
            async for line in stream:
                self._event(watchevent.decoded(line))
                told += 1
        return told

    def _event(self, event: dict[str, Any]) -> None:
        item = event["object"]
        if event["type"] == "ERROR":
            raise errors.from_status(item)
        version = str(item["metadata"]["resourceVersion"])
        if is_older(version, self.resource_version):
            # A cluster restored from a backup counts from where the backup was; what we hold is of another history.
            raise Gone(f"the API server went back from version {self.resource_version} to {version}")
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._copy.put(item)
            case "DELETED":
                self._copy.drop(item)
            case _:
                pass  # BOOKMARK
        self.resource_version = version
        self._retry.succeeded()
        self._alive()

    def _key(self, item: dict[str, Any]) -> str:
        meta = item["metadata"]
        if self._namespace is None and self._resource.namespaced:
            return f"{meta['namespace']}/{meta['name']}"
        return str(meta["name"])
