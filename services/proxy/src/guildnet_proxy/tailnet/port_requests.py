"""Asks the operator for origins of further ports on the tailnet, by keys of the entries ConfigMap.

The operator is the one writer of the port counter and of a workspace's status; the proxy only says what is wanted, each
time somebody opens a port that has no origin yet, and takes the key out when the status has the port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from guildnet.errors import GuildNetError, NotFound
from guildnet.kube import Client
from guildnet.kube.resources import CONFIGMAPS
from guildnet.telemetry import logger
from guildnet.workspace import Workspace, other_ports
from guildnet.workspace.origin import port_request, port_requested
from guildnet_proxy.cluster.index import Index
from guildnet_proxy.settings import Settings

RETRY_SECONDS = 2.0
LISTEN_SECONDS = 2.0
"""From the operator's word until the sidecar surely listens at the port: it reads the serve file within 0.2 s."""


class PortRequests:
    """Owns the keys `port.UID.PORT`: what was asked for here, and what an earlier run of the proxy left there."""

    def __init__(self, settings: Settings, client: Client, index: Index, synced: Callable[[], Awaitable[None]]) -> None:
        self._namespace, self._name = settings.release_namespace, settings.entries_configmap
        self._client = client
        self._index = index
        self._synced = synced
        self._wanted: dict[str, str] = {}
        self._published: dict[str, str] = {}
        self._given: dict[str, float] = {}
        """When those that were given lately may be used, in seconds of `monotonic`."""
        self._changed = asyncio.Event()
        index.on_change.append(self._look_again)

    def ask(self, workspace: Workspace, port: int) -> None:
        """Wants an origin for this port; the same again costs nothing."""
        key = port_request(workspace.uid, port)
        if key not in self._wanted:
            self._wanted[key] = workspace.name
            self._changed.set()

    def is_new(self, workspace: Workspace, port: int) -> bool:
        """Was it given so lately that perhaps nothing listens there yet?"""
        key = port_request(workspace.uid, port)
        return key in self._wanted or monotonic() < self._given.get(key, 0.0)

    async def run(self, *, leads: bool = True) -> None:
        """Of several processes one leads: it takes over the keys that are there."""
        await self._synced()
        if leads:
            await self._adopt()
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._publish()
            except GuildNetError as error:
                logger.warning("ports not asked for", error=error.message)
                await asyncio.sleep(RETRY_SECONDS)
                self._changed.set()

    def _look_again(self, name: str | None) -> None:
        if name is not None and self._published:
            self._changed.set()

    async def _adopt(self) -> None:
        while True:
            try:
                held = (await self._client.get(CONFIGMAPS, self._namespace, self._name)).get("data") or {}
                break
            except NotFound:
                held = {}
                break
            except GuildNetError as error:
                logger.warning("ports that were asked for not read", error=error.message)
                await asyncio.sleep(RETRY_SECONDS)
        left = {key: name for key, name in held.items() if port_requested(key)}
        self._wanted |= left
        self._published |= left
        self._changed.set()

    async def _publish(self) -> None:
        now = monotonic()
        self._given = {key: then for key, then in self._given.items() if now < then}
        closed = {key for key, name in self._wanted.items() if not self._is_open(key, name)}
        self._given |= dict.fromkeys(closed, now + LISTEN_SECONDS)
        self._wanted = {key: name for key, name in self._wanted.items() if key not in closed}
        wanted = dict(self._wanted)  # more may be asked for while this is written
        new = {key: name for key, name in wanted.items() if key not in self._published}
        done = [key for key in self._published if key not in wanted]
        if not (new or done):
            return
        data = {**new, **dict.fromkeys(done)}
        await self._client.merge_patch(CONFIGMAPS, self._namespace, self._name, {"data": data})
        self._published = wanted
        logger.info("ports asked for", new=len(new), done=len(done))

    def _is_open(self, key: str, name: str) -> bool:
        """Is there still a workspace that declares this port, without an origin for it?"""
        asked, workspace = port_requested(key), self._index.workspaces.get(name)
        if asked is None or workspace is None or workspace.uid != asked[0] or asked[1] not in other_ports(workspace):
            return False
        origin = workspace.status.origin
        return origin is None or origin.port_of(asked[1]) is None
