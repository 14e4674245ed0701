"""Named checks of readiness. `redis` is reported and does not count: without it logs are followed per replica.

`cache` alone decides whether the pod gets requests. An API server that does not answer is the same for every replica:
to take them all out of service would turn a list that is a little old into no list at all.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Final

from guildnet.kube.client import Client
from guildnet.telemetry import Health, Report
from guildnet_api.cluster.watches import Watches
from guildnet_api.logs.redis.replica import Replica

STALE_SECONDS: Final = 120.0
"""Age above which the copy of the cluster is reported."""
MEMO_SECONDS: Final = 1.0
OPTIONAL: Final = frozenset({"redis"})


@dataclass(frozen=True, slots=True)
class ApiReport(Report):
    """A report in which an optional part may be missing."""

    @property
    def ok(self) -> bool:
        return all(problem is None for name, problem in self.checks.items() if name not in OPTIONAL)


class ApiHealth(Health):
    """kubernetes, crds, redis, cache."""

    def __init__(self, client: Client, watches: Watches, replica: Replica | None) -> None:
        super().__init__()
        self._client = client
        self._watches = watches
        self._replica = replica
        self._asking = asyncio.Lock()
        self._asked = -math.inf
        self._report = ApiReport({})
        self.add("kubernetes", self._kubernetes)
        self.add("crds", watches.missing_kinds)
        self.add("redis", self._redis)
        self.add("cache", self._filled)

    async def report(self) -> ApiReport:
        """At most MEMO_SECONDS old: anybody may ask, and each answer costs the API server a request."""
        async with self._asking:
            if time.monotonic() - self._asked >= MEMO_SECONDS:
                self._report = ApiReport((await super().report()).checks)
                self._asked = time.monotonic()
            return self._report

    async def _kubernetes(self) -> str | None:
        await self._client.version()
        age = self._watches.age()
        # Before the first list there is nothing that could be old; `cache` says so.
        stale = self._watches.synced and age >= STALE_SECONDS
        return f"what is known was not confirmed for {age:.0f} s" if stale else None

    def _redis(self) -> str | None:
        if self._replica is None:
            return "not configured: every replica follows logs for itself"
        return None if self._replica.up.is_set() else "no answer: every replica follows logs for itself"

    def _filled(self) -> str | None:
        return None if self._watches.synced else "the first list is still being read"
