"""Keeps the sidecar's serve file and this install's tailnet name up to date.

The name is learnt from the sidecar and written to the entries ConfigMap, from which the operator makes `status.url`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from guildnet.errors import GuildNetError
from guildnet.kube import Client
from guildnet.kube.resources import CONFIGMAPS
from guildnet.telemetry import logger
from guildnet_proxy.cluster.index import Index
from guildnet_proxy.settings import Settings
from guildnet_proxy.sites import Sites
from guildnet_proxy.tailnet import serve_config
from guildnet_proxy.tailnet.localapi import LocalApi

LEARN_RETRY_SECONDS = 2.0
LEARN_AGAIN_SECONDS = 30.0
COALESCE_SECONDS = 0.05


class Tailnet:
    """Owns the serve file and the key `tailnet` of the entries ConfigMap."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        local_api: LocalApi,
        sites: Sites,
        index: Index,
        synced: Callable[[], Awaitable[None]],
    ) -> None:
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

    def write(self) -> None:
        """Puts the serve file in place."""
        text = serve_config.render(self._index.origin_ports(), self._settings.tailnet_socket)
        if serve_config.write(Path(self._settings.serve_file), text):
            logger.info("serve file written", ports=len(self._index.origin_ports()) + 1)

    async def run(self, *, leads: bool = True) -> None:
        """Of several processes one leads: it alone writes, the others only learn the name."""
        if leads:
            self.write_first()
        else:
            self._publishes = False
        async with asyncio.TaskGroup() as group:
            if leads:
                group.create_task(self._render())
            group.create_task(self._learn())

    def write_first(self) -> None:
        """The control origin's port at once, unless an earlier run left a file: its ports stay until all are known."""
        try:
            if "TCP" in Path(self._settings.serve_file).read_text():
                return
        except OSError:
            pass
        self.write()

    async def _render(self) -> None:
        await self._synced()
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                self.write()
            except OSError as error:
                logger.error("serve file not written", error=str(error))
            await asyncio.sleep(COALESCE_SECONDS)  # a burst of changes is one file

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
