"""The volume that a launch gets which says nothing of one: the install's default, where the cluster can make it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from guildnet.errors import Denied
from guildnet.kube.client import Client
from guildnet.kube.resources import STORAGECLASSES
from guildnet.workspace import Storage
from guildnet_api.settings import Settings

log = structlog.get_logger(__name__)

DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
KNOWN_SECONDS: Final = 60.0
"""How long it is taken for granted that the cluster has a default class, or has none."""


class DefaultStorage:
    """Answers with the install's default volume, or with none. Asks the cluster at most once a minute."""

    def __init__(self, settings: Settings, client: Client, now: Callable[[], float] = time.monotonic) -> None:
        self._mode = settings.storage_default
        self._client = client
        self._now = now
        self._known: tuple[float, bool] | None = None
        self._storage = Storage(
            settings.storage_size, settings.storage_class or None, settings.storage_mount_path or None
        )

    async def get(self) -> Storage | None:
        """The volume, None where launches get none. Raises GuildNetError where nobody knows."""
        if self._mode == "off":
            return None
        if self._mode == "on" or self._storage.storage_class_name:
            return self._storage
        return self._storage if await self._has_default_class() else None

    async def _has_default_class(self) -> bool:
        if self._known is not None and self._now() - self._known[0] < KNOWN_SECONDS:
            return self._known[1]
        try:
            items = (await self._client.list(STORAGECLASSES))["items"]
        except Denied as error:
            # An install whose rights were cut down launches without volumes rather than not at all.
            log.warning("storage classes cannot be read", error=error.message)
            return False
        found = any((item["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true" for item in items)
        self._known = (self._now(), found)
        return found
