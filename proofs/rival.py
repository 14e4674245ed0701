"""Another program that undoes a field for minutes: the operator writes ever more seldom, and names it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from aiohttp import web

from guildnet.kube.client import Client, connect
from guildnet.kube.resources import DEPLOYMENTS
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.crash.stage import stage
from support.apirequest import ApiRequest
from support.apiserver import ApiServer
from support.shared import shared_apiserver
from support.world import Json, World

SECONDS: Final = 300.0
QUICK_SECONDS: Final = 150.0
FIRST: Final = 10
"""Writes that may come as they like; after them at most one in any minute."""
MINUTE: Final = 60.0
NAME, MANAGER, FIELD = "torn", "night-scaler", "spec.replicas"


@contextlib.asynccontextmanager
async def _rival(world: World) -> AsyncIterator[list[int]]:
    """Sets replicas to 0 whenever they are not, as down-scalers do; how often it did."""
    times = [0]

    async def undo() -> None:
        while True:
            found = await world.get(DEPLOYMENTS, NAME)
            if found["spec"]["replicas"] != 0:
                nothing = {"spec": {"replicas": 0}}
                await world.kube.merge_patch(DEPLOYMENTS, world.namespace, NAME, nothing, field_manager=MANAGER)
                times[0] += 1
            await asyncio.sleep(0.1)

    task = asyncio.create_task(undo())
    try:
        yield times
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _played(server: ApiServer, kube: Client, directory: Path, seconds: float) -> tuple[list[float], int, Json]:
    """When the operator wrote, how often the rival did, and what Degraded said in the end."""
    writes: list[float] = []
    async with stage(server, kube, directory) as played:
        world = played.world
        await world.launch(NAME)
        await world.until_condition(NAME, "Ready", "True")

        def note(asked: ApiRequest) -> web.StreamResponse | None:
            if asked.is_write and asked.resource == DEPLOYMENTS.plural and asked.verb == "apply":
                writes.append(time.monotonic())
            return None

        played.proxy.answer_for = note
        async with _rival(world) as undone:
            await asyncio.sleep(seconds)
            return writes, undone[0], await world.condition(NAME, "Degraded")


def most_in_a_minute(writes: list[float]) -> int:
    """The most of these times (ascending) within any minute."""
    return max((sum(begin <= at < begin + MINUTE for at in writes) for begin in writes), default=0)


async def _proved(server: ApiServer, directory: Path, seconds: float) -> Figure:
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        writes, undone, said = await _played(server, kube, directory, seconds)
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(writes)]
    print(
        f"  seconds between writes: {gaps}\n  Degraded {said['status']}/{said['reason']}: {said['message']}", flush=True
    )
    most = most_in_a_minute(writes[FIRST:])
    named = said["reason"] == "ChangedByOthers" and FIELD in said["message"] and MANAGER in said["message"]
    text = (
        f"{FIELD} undone {undone} times in {seconds:.0f} s: {len(writes)} writes of ours, after the first {FIRST} at "
        f"most {most} in any minute (≤ 1); the field and its manager {'are' if named else 'are NOT'} named in Degraded"
    )
    return Figure(text, most <= 1 and named and undone >= FIRST)


def prove(*, quick: bool = False) -> Figure:
    """The short form lasts half as long."""
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        return asyncio.run(_proved(server, Path(directory), QUICK_SECONDS if quick else SECONDS))
