"""What is settled costs nothing: writes of the operator while time passes, at a look at everything, at a restart."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guildnet.kube.client import Client
from guildnet.kube.resources import WORKSPACES
from proofs.crash.hands import STEP_TIMEOUT_SECONDS
from proofs.crash.stage import Stage, stage
from support.apiserver import ApiServer
from support.waiting import eventually

SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"storage": {"size": "1Gi"}},
    {"image": "example.com/code-server:1"},
    {"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}, "env": [{"name": "EMPTY", "value": ""}]},
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Writes of the operator but its Lease: within `seconds`, at a resync, at a restart; its Events in all three."""

    workspaces: int
    seconds: float
    passing: int
    resync: int
    restart: int
    events: int

    @property
    def nothing(self) -> bool:
        return not (self.passing or self.resync or self.restart or self.events)


async def cost(server: ApiServer, kube: Client, directory: Path, *, workspaces: int, seconds: float) -> Cost:
    """Make so many workspaces, let them settle, and count."""
    async with stage(server, kube, directory) as played:
        names = [f"ws-{number}" for number in range(workspaces)]
        for number, name in enumerate(names):
            await played.world.launch(name, **SPECS[number % len(SPECS)])
        await eventually(lambda: all_ready(played, workspaces), within=300, every=1.0)
        await eventually(played.idle, within=STEP_TIMEOUT_SECONDS)
        writes = played.proxy.seen.writes

        async def counted(what: str) -> int:
            await eventually(played.idle, within=STEP_TIMEOUT_SECONDS)
            found = len(writes)
            if found:
                print(f"    {what}: {writes[:8]}", flush=True)
            writes.clear()
            return found

        writes.clear()
        events = played.proxy.seen.events
        began = time.monotonic()
        await asyncio.sleep(seconds)
        passing = await counted("while time passed")
        seconds = time.monotonic() - began
        assert played.operator is not None
        worked = played.operator.queue.worked
        for name in names:
            played.operator.queue.add(name)
        await eventually(lambda: played.operator is not None and played.operator.queue.worked >= worked + workspaces)
        resync = await counted("at a look at everything")
        await played.off()
        played.on()
        await eventually(lambda: played.operator is not None and played.operator.queue.worked >= workspaces, within=60)
        restart = await counted("at a restart")
        return Cost(workspaces, seconds, passing, resync, restart, played.proxy.seen.events - events)


async def all_ready(played: Stage, workspaces: int) -> bool:
    """Do so many workspaces run?"""
    items = (await played.world.kube.list(WORKSPACES, played.world.namespace))["items"]
    phases = [(item.get("status") or {}).get("phase") for item in items]
    return phases.count("Running") == workspaces
