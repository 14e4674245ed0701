"""Allocation of ports: every workspace gets a port of the tailnet name that no workspace had before it, and one more
for each of its ports behind the first that somebody asks for.

A port that came back would give a new workspace the service worker and the storage of a deleted one. So the counter in
the ConfigMap only grows, and is advanced *before* any port of a block is handed out: a crash loses ports, never repeats
one. Blocks of 32 make a new workspace cost no write of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import structlog

from guildnet.errors import Conflict, NotFound, Unreachable
from guildnet.kube.client import Client
from guildnet.kube.resources import CONFIGMAPS
from guildnet.names import FIELD_MANAGER_OPERATOR

log = structlog.get_logger(__name__)

BLOCK: Final = 32
LAST_PORT: Final = 65535
KEY: Final = "next"
ATTEMPTS: Final = 5


class PortAllocator:
    """Hands out ports. `base` is the first one ever; `namespace`/`name` is the ConfigMap of the counter."""

    def __init__(self, client: Client, namespace: str, name: str, *, base: int) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._floor = base
        self._next = 0
        self._end = 0  # the first port that is not reserved
        self._given: dict[tuple[str, int | None], int] = {}
        self._lock = asyncio.Lock()

    def seen(self, used: Iterable[int]) -> None:
        """Ports that workspaces have: a lost or reset counter must not hand them out again."""
        self._floor = max([self._floor, *(port + 1 for port in used)])

    @property
    def left(self) -> int:
        """How many ports were never given, as far as this process knows."""
        return max(0, LAST_PORT + 1 - max(self._floor, self._next))

    async def of(self, uid: str, current: int | None, container_port: int | None = None) -> int | None:
        """The port of this workspace: the one it has, else a new one; None when all ports were given out.

        `container_port` is the one it is for, None for the first. Raises GuildNetError where the counter cannot be read
        or advanced.
        """
        key = (uid, container_port)
        if current is not None:
            self._given.pop(key, None)
            return current
        # A port whose workspace could not be written yet is given to it again, not wasted.
        if key in self._given:
            return self._given[key]
        async with self._lock:
            if self._next >= self._end:
                self._next, self._end = await self._reserve()
            if self._next >= self._end:
                return None
            port = self._next
            self._next += 1
        self._given[key] = port
        return port

    def forget(self, uid: str) -> None:
        """The workspace is gone; its ports stay used."""
        for key in [key for key in self._given if key[0] == uid]:
            del self._given[key]

    async def _reserve(self) -> tuple[int, int]:
        """Advance the counter by a block; the block as (first, one past the last), empty when there are none left."""
        for _ in range(ATTEMPTS):
            live = await self._read()
            first = max(_number(live), self._floor)
            end = min(first + BLOCK, LAST_PORT + 1)
            if end <= first:
                log.error("no port left for workspace origins", next=first)
                return 0, 0
            try:
                await self._write(live, end)
            except Conflict:
                continue  # somebody else advanced it in between: read again
            log.info("ports reserved", first=first, last=end - 1)
            return first, end
        raise Unreachable(f"the port counter {self._namespace}/{self._name} is being changed by somebody else")

    async def _read(self) -> dict[str, Any] | None:
        try:
            return await self._client.get(CONFIGMAPS, self._namespace, self._name)
        except NotFound:
            return None

    async def _write(self, live: dict[str, Any] | None, end: int) -> None:
        data = {KEY: str(end)}
        if live is None:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self._name}, "data": data}
            await self._client.create(CONFIGMAPS, self._namespace, body, field_manager=FIELD_MANAGER_OPERATOR)
            return
        body = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "data": data}
        await self._client.merge_patch(
            CONFIGMAPS, self._namespace, self._name, body, field_manager=FIELD_MANAGER_OPERATOR
        )


def _number(live: dict[str, Any] | None) -> int:
    text = ((live or {}).get("data") or {}).get(KEY, "")
    try:
        return int(text)
    except ValueError:
        if text:
            log.warning("the port counter is not a number; counting on from the ports in use", value=text[:40])
        return 0
