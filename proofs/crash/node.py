"""A node without a machine, for every namespace: ends pods that are to end, and runs those it is told to run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from guildnet.errors import Conflict, GuildNetError, NotFound
from guildnet.kube.client import Client
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import PODS
from support import kubelet

Json = dict[str, Any]


async def run_pod(kube: Client, pod: Json) -> None:
    """Do what scheduler and kubelet do for a pod; nothing for one that runs."""
    if pod.get("status", {}).get("phase") == "Running":
        return
    with contextlib.suppress(NotFound, Conflict):
        await kubelet.run_pod(kube, pod)


@contextlib.asynccontextmanager
async def node(kube: Client) -> AsyncIterator[None]:
    """Let pods that are to end go, until the block ends."""
    tasks: set[asyncio.Task[None]] = set()

    async def end(pod: Json) -> None:
        with contextlib.suppress(GuildNetError):
            await kubelet.end_pod(kube, pod)

    def seen(change: Change[Json]) -> None:
        if change.new is not None and change.new["metadata"].get("deletionTimestamp"):
            task = asyncio.create_task(end(change.new))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    pods = Reflector(kube, PODS, parse=lambda item: item, on_change=seen)
    watching = asyncio.create_task(pods.run())
    try:
        await pods.synced.wait()
        yield
    finally:
        ending = [watching, *tasks]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
