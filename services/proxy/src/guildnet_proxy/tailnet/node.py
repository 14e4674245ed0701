"""Keeps the ports that are open on the tailnet and this install's tailnet name up to date.

The name is learnt from the sidecar and written to the entries ConfigMap, from which the operator makes `status.url`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from guildnet.errors import GuildNetError
from guildnet.kube import Client
from guildnet.kube.resources import CONFIGMAPS
from guildnet.telemetry import logger
from guildnet_proxy.cluster.index import Index
from guildnet_proxy.settings import Settings
from guildnet_proxy.sites import Sites
from guildnet_proxy.tailnet.localapi import LocalApi

LEARN_RETRY_SECONDS = 2.0
LEARN_AGAIN_SECONDS = 30.0
COALESCE_SECONDS = 0.05


class Ports(Protocol):
    """What opens ports on the tailnet: `tailscale serve`, or listeners of the proxy's own."""

    @property
    def leads_alone(self) -> bool:
        """Is it done once for all processes?"""
        ...

    def kept(self) -> bool:
        """Are there ports of an earlier run, which stay until all are known?"""
        ...

    async def keep(self, ports: Iterable[int]) -> None:
        """These and no others. Raises OSError."""
        ...


class Tailnet:
    """Owns the ports on the tailnet and the key `tailnet` of the entries ConfigMap."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        local_api: LocalApi,
        sites: Sites,
        index: Index,
        synced: Callable[[], Awaitable[None]],
        ports: Ports,
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._client = client
        self._local_api = local_api
        self._sites = sites
        self._index = index
        self._synced = synced
        self._published = ""
        self._publishes = True
        self._changed = asyncio.Event()
        index.on_change.append(lambda name: self._changed.set() if name is not None else None)

    async def keep(self) -> None:
        """Opens the ports that are in use, and closes the others."""
        await self._ports.keep({self._settings.tailnet_control_port, *self._index.origin_ports()})

    async def run(self, *, leads: bool = True) -> None:
        """Of several processes one leads: it alone writes, the others only learn the name."""
        self._publishes = leads
        opens = leads or not self._ports.leads_alone
        if opens and not self._ports.kept():
            await self._try()  # the control origin's at once
        async with asyncio.TaskGroup() as group:
            if opens:
                group.create_task(self._follow())
            group.create_task(self._learn())

    async def _follow(self) -> None:
        await self._synced()
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._try()
            await asyncio.sleep(COALESCE_SECONDS)  # a burst of changes is one

    async def _try(self) -> None:
        try:
            await self.keep()
        except OSError as error:
            logger.error("ports on the tailnet not kept", error=str(error))

    async def _learn(self) -> None:
        while True:
            try:
                name = await self._local_api.name()
                if name:
                    await self._know(name)
            except GuildNetError as error:
                logger.info("tailnet name not known yet", error=error.message)
            await asyncio.sleep(LEARN_AGAIN_SECONDS if self._published else LEARN_RETRY_SECONDS)

    async def _know(self, name: str) -> None:
        if self._sites.tailnet is None or self._sites.tailnet.host != name:
            self._sites.learn(name)
            logger.info("tailnet name learnt", name=name)
        if self._published == name or not self._publishes:
            self._published = name
            return
        namespace, configmap = self._settings.release_namespace, self._settings.entries_configmap
        held = await self._client.get(CONFIGMAPS, namespace, configmap)
        if (held.get("data") or {}).get("tailnet") != name:
            await self._client.merge_patch(CONFIGMAPS, namespace, configmap, {"data": {"tailnet": name}})
        self._published = name
