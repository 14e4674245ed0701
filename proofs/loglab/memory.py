"""What a connection costs the process that holds it, in resident bytes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from proofs.loglab import fanout, peers
from proofs.loglab.crowd import crowd
from proofs.loglab.readers import Task
from proofs.loglab.writing import writing
from support.process import resident_bytes

IDLE_RATE, FULL_RATE = 20.0, 1000.0
RING_SECONDS = 7.0
"""At FULL_RATE: more lines than a ring has."""
STAGGER_SECONDS, FILL_SECONDS = 3.0, 2.0
"""Readers stall one after the other, so that each stands at another line; then their buffers fill."""


@dataclass(frozen=True, slots=True)
class Crowds:
    """Readers at first, readers that are added, and those that stall."""

    few: int
    more: int
    stalled: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a reader that keeps up, of connections that are only held, and what a reader costs more that stalls."""

    reader: float
    server: float
    socket: float
    stalling: float


async def measured(made: fanout.Bench, directory: Path, crowds: Crowds) -> Memory:
    async with fanout.one_api(made) as api, writing(IDLE_RATE, made.write):
        task = Task(api.port, api.target(made.workspace, "&tail=0"), api.headers(), 0)
        reader = await _growth(api.process.pid, task, crowds, made.other_core)
    held = {}
    for kind in ("server", "socket"):
        async with peers.bare(directory, made.server_core, kind) as bare:
            held[kind] = await _growth(bare.pid, Task(bare.port, "/", [{}], 0), crowds, made.other_core)
    return Memory(reader, held["server"], held["socket"], await _of_stalling(made, crowds.stalled))


async def _growth(pid: int, task: Task, crowds: Crowds, core: int) -> float:
    """Bytes a connection costs: the growth when `more` are added to `few`."""
    async with crowd(replace(task, readers=crowds.few), core=core):
        await asyncio.sleep(fanout.SETTLE)
        before = resident_bytes(pid)
        async with crowd(replace(task, readers=crowds.more), core=core):
            await asyncio.sleep(fanout.SETTLE)
            return (resident_bytes(pid) - before) / crowds.more


async def _of_stalling(made: fanout.Bench, stalled: int) -> float:
    """The growth, a reader, when all stop taking lines of a ring that is full. None of them may be cut meanwhile."""
    async with fanout.one_api(made) as api, writing(2.0, made.write) as lines:
        task = Task(api.port, api.target(made.workspace, "&tail=0"), api.headers(), 0, stalled)
        async with crowd(task, core=made.other_core) as readers:
            lines.rate = FULL_RATE
            await asyncio.sleep(RING_SECONDS)
            before = resident_bytes(api.process.pid)
            await readers.stall(over=STAGGER_SECONDS)
            await asyncio.sleep(FILL_SECONDS)
            growth = (resident_bytes(api.process.pid) - before) / stalled
            assert not await api.metric(fanout.CUT), "stalled readers were cut before their memory was measured"
            return growth
