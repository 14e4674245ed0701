"""What workspaces use of CPU and memory, where the cluster has `metrics.k8s.io`: one LIST for whoever looks."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import structlog

from guildnet.errors import Denied, GuildNetError, NotFound
from guildnet.kube.client import Client
from guildnet.kube.resources import POD_METRICS
from guildnet.names import LABEL_MANAGED
from guildnet.workspace.quantities import quantity

log = structlog.get_logger(__name__)

KEPT_SECONDS: Final = 15.0
"""How long an answer is kept; a metrics-server measures as often by default."""
ABSENT_SECONDS: Final = 300.0
"""How long it is taken for granted that the cluster has none."""


@dataclass(frozen=True, slots=True)
class Used:
    """What the containers of one pod use together: `cpu` in CPUs, `memory` in bytes."""

    cpu: float
    memory: int

    def as_json(self) -> dict[str, float]:
        return {"cpu": self.cpu, "memory": self.memory}


class Usage:
    """What each pod of the workspaces' namespace uses."""

    def __init__(self, client: Client, namespace: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._asking = asyncio.Lock()
        self._until = -math.inf
        self._known: Mapping[str, Used] | None = None

    async def of_pods(self) -> Mapping[str, Used] | None:
        """By the pod's name; None where the cluster does not measure, or nobody knows right now."""
        async with self._asking:
            if self._clock() >= self._until:
                self._known, kept = await self._ask()
                self._until = self._clock() + kept
        return self._known

    async def _ask(self) -> tuple[Mapping[str, Used] | None, float]:
        try:
            found = await self._client.list(POD_METRICS, self._namespace, label_selector=f"{LABEL_MANAGED}=true")
        except (NotFound, Denied):
            return None, ABSENT_SECONDS
        except GuildNetError as error:
            log.info("usage not known", error=error.message)
            return None, KEPT_SECONDS
        used = {item["metadata"]["name"]: _used(item) for item in found["items"]}
        return {name: amount for name, amount in used.items() if amount is not None}, KEPT_SECONDS


def _used(pod: Mapping[str, Any]) -> Used | None:
    """None where an amount cannot be read."""
    amounts = [container.get("usage") or {} for container in pod.get("containers") or ()]
    try:
        cpu, memory = (
            sum((quantity(amount.get(kind, "0")) for amount in amounts), Decimal(0)) for kind in ("cpu", "memory")
        )
    except ValueError:
        return None
    return Used(round(float(cpu), 3), int(memory))
