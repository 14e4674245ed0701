"""Sessions that were logged out before they expired, known to every process of the install.

They stand in the entries ConfigMap, one key each, so that all replicas and processes learn of them and none forgets at
a restart. A session's id is no secret: it names one and opens none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from guildnet.errors import GuildNetError
from guildnet.kube import Client
from guildnet.kube.resources import CONFIGMAPS
from guildnet.telemetry import logger

MAX_ENDED = 8192
"""A ConfigMap holds 1 MiB, about 20,000 of them. Beyond, those that would expire first are forgotten."""
PREFIX = "ended-session."


class Store(Protocol):
    """What all processes share; both raise guildnet.errors where it cannot be reached."""

    async def read(self) -> dict[str, float]:
        """Ids with the moment at which each expires by itself, in Unix seconds."""
        ...

    async def write(self, changes: dict[str, float | None]) -> None:
        """Adds ids; None takes one away."""
        ...


class ConfigMapStore:
    """The keys of a ConfigMap that begin with PREFIX."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name

    async def read(self) -> dict[str, float]:
        held: dict[str, Any] = (await self._client.get(CONFIGMAPS, self._namespace, self._name)).get("data") or {}
        found = {}
        for key, value in held.items():
            if key.startswith(PREFIX) and str(value).isdigit():
                found[key.removeprefix(PREFIX)] = float(value)
        return found

    async def write(self, changes: dict[str, float | None]) -> None:
        data = {PREFIX + id_: None if until is None else str(int(until) + 1) for id_, until in changes.items()}
        await self._client.merge_patch(CONFIGMAPS, self._namespace, self._name, {"data": data})


class EndedSessions:
    """`changed` is set when a session has ended here or elsewhere; `version` grows with each."""

    def __init__(self, store: Store | None, wall: Callable[[], float]) -> None:
        """Without a `store` this process knows only of its own."""
        self._store = store
        self._wall = wall
        self._ended: dict[str, float] = {}
        self._unwritten: dict[str, float | None] = {}
        self._failing = False
        self.changed = asyncio.Event()
        self.version = 0

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ended

    def end(self, id_: str, expires: float) -> None:
        """It is over, here at once and elsewhere with the next `sync`."""
        self._unwritten[id_] = expires
        self._learn({id_: expires})

    async def sync(self) -> None:
        """Tells the store what ended here, and learns what ended elsewhere. Never raises: the next one tries again."""
        if self._store is None:
            return
        try:
            if self._unwritten:
                told = dict(self._unwritten)
                await self._store.write(told)
                self._unwritten = {id_: until for id_, until in self._unwritten.items() if id_ not in told}
            self._learn(await self._store.read())
            self._failing = False
        except GuildNetError as error:
            if not self._failing:
                logger.warning("ended sessions are not shared just now", error=error.message)
            self._failing = True

    def _learn(self, ended: dict[str, float]) -> None:
        now = self._wall()
        new = {id_: until for id_, until in ended.items() if until >= now and id_ not in self._ended}
        if new:
            self._ended |= new
            self.version += 1
            self.changed.set()
        self._forget(ended, now)

    def _forget(self, ended: dict[str, float], now: float) -> None:
        """Those that have expired by themselves, and where there are too many those that are about to."""
        kept = sorted(self._ended, key=self._ended.__getitem__)[-MAX_ENDED:]
        self._ended = {id_: self._ended[id_] for id_ in kept if self._ended[id_] >= now}
        self._unwritten |= dict.fromkeys(id_ for id_ in ended if id_ not in self._ended)
