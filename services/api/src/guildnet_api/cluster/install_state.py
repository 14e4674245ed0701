"""What the install's other parts have said of themselves in its own namespace: the operator on its Lease, the proxy in
the ConfigMap of entries. Read when somebody asks, and seldom.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from guildnet.errors import GuildNetError
from guildnet.kube.client import Client
from guildnet.kube.resources import CONFIGMAPS, LEASES
from guildnet.telemetry import read_report
from guildnet_api.settings import Settings

log = structlog.get_logger(__name__)

KEPT_SECONDS: Final = 5.0
"""How long an answer is kept, whoever asks."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read; None for what could not be, or is not there."""

    lease: Json | None = None
    entries: Json | None = None
    kubernetes: str = ""


class InstallState:
    """Answers `GET /api/install`; `clock` is monotonic, `now` Unix seconds."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        release: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._client = client
        self._release = release
        self._clock = clock
        self._now = now
        self._reading = asyncio.Lock()
        self._at = -math.inf
        self._known = _Read()

    async def shown(self) -> Json:
        """Versions, the tailnet's name and the operator's report; what is not known is absent."""
        async with self._reading:
            if self._clock() - self._at >= KEPT_SECONDS:
                self._known = await self._read()
                self._at = self._clock()
        known = self._known
        operator = self._operator(known.lease)
        versions = {"api": self._release, "operator": operator.pop("version", ""), "kubernetes": known.kubernetes}
        tailnet = ((known.entries or {}).get("data") or {}).get("tailnet")
        return {
            "versions": {name: version for name, version in versions.items() if version},
            **({"tailnet": tailnet} if tailnet else {}),
            **({"operator": operator} if operator else {}),
        }

    def forget(self) -> None:
        """Ask the cluster again for the next answer."""
        self._at = -math.inf

    async def _read(self) -> _Read:
        lease, entries, kubernetes = await asyncio.gather(
            self._object(LEASES, self._settings.lease_name),
            self._object(CONFIGMAPS, self._settings.entries_configmap),
            self._kubernetes(),
        )
        return _Read(lease, entries, kubernetes)

    async def _object(self, kind: Any, name: str) -> Json | None:
        if not name or not self._settings.release_namespace:
            return None
        try:
            return await self._client.get(kind, self._settings.release_namespace, name)
        except GuildNetError as error:
            log.info("state of the install not read", name=name, error=error.message)
            return None

    async def _kubernetes(self) -> str:
        try:
            return str((await self._client.version()).get("gitVersion", ""))
        except GuildNetError:
            return ""

    def _operator(self, lease: Json | None) -> Json:
        """Who leads, when it was heard last, and what it said then."""
        spec = (lease or {}).get("spec") or {}
        if lease is None or not spec.get("renewTime"):
            return {}
        renewed = datetime.fromisoformat(str(spec["renewTime"])).astimezone(UTC)
        heard = max(0.0, self._now() - renewed.timestamp())
        holder = str(spec.get("holderIdentity") or "")
        shown: Json = {"leads": bool(holder) and heard < int(spec.get("leaseDurationSeconds") or 0)}
        shown |= {"heardSeconds": round(heard, 1)} | ({"name": holder} if holder else {})
        report = read_report(lease)
        if report is None:
            return shown
        return shown | {
            "version": report.version,
            "queueSeconds": report.queue_seconds,
            "watchSeconds": report.watch_seconds,
            "portsLeft": report.ports_left,
        }
