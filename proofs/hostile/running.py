"""The three processes of the proof, and what was found beside each group of attacks."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proofs import PYTHON_PATH, ROOT
from proofs.hostile import clients, upstreams
from proofs.hostile.ordinary import USERS

HELD: Final = 3
"""Connections that each attack leaves open."""
ALLOWED: Final = frozenset({"an upgrade that says nothing"})
"""What anybody may leave open."""
LEFT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Beside:
    """What was found while a group of attacks ran: seconds, and bytes of resident memory beyond the quiet's."""

    attacks: Sequence[str]
    stall: float
    grown: int
    p99: float
    failures: Sequence[str]


@dataclass(frozen=True, slots=True)
class Found:
    """Of all groups; `quiet` is the p99 without any, `left` what was open a minute after the last.

    The slowest group is compared, so `quiet` is of the slowest of as many quiet times, each as long as a group.
    """

    quiet: float
    groups: Sequence[Beside]
    left: int


class Child:
    """A process that answers every line with one of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def read(self) -> Any:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        assert line, "a process of the proof has ended"
        return json.loads(line)

    async def tell(self, what: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        await self.process.stdin.drain()

    async def ask(self) -> Any:
        await self.tell("")
        return await self.read()

    async def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 15)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def child(name: str) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"proofs.hostile.{name}", cwd=ROOT, env={**os.environ, "PYTHONPATH": PYTHON_PATH},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    made = Child(process)
    try:
        yield made
    finally:
        await made.end()


def apart(front: int, ordinary: int) -> None:
    """A core for the proxy, and on another one the attackers, who get what the ordinary users leave.

    In truth they are on other machines: here they may not take the processor from those that are measured, nor may
    those be too slow to attack with all they have.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    for pid, core in ((front, cores[0]), (ordinary, cores[-1]), (0, cores[-1])):
        for thread in Path(f"/proc/{pid or 'self'}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


async def found(seconds: float, size: int) -> Found:
    """Every attack for `seconds`, `size` of them side by side."""
    evil = await asyncio.start_server(upstreams.handle, "127.0.0.1", 0, limit=2**20)
    async with child("ordinary") as ordinary, child("front") as front:
        await front.tell({"ordinary": await ordinary.read(), "evil": evil.sockets[0].getsockname()[1]})
        where = await front.read()
        await ordinary.tell(where)
        apart(front.process.pid, ordinary.process.pid)
        await asyncio.sleep(1)
        await ordinary.ask()  # warm
        names = list(clients.ATTACKS)
        sets = [names[begin : begin + size] for begin in range(0, len(names), size)]
        quiet = 0.0
        for _ in sets:
            await asyncio.sleep(seconds)
            quiet = max(quiet, (await ordinary.ask())["p99"])
        print(f"  quiet: p99 {quiet * 1000:.1f} ms in the slowest of {len(sets)} times", flush=True)
        before = await front.ask()
        groups = []
        over = []
        for chosen in sets:
            attacks = (
                clients.attacking(clients.ATTACKS[name], where, seconds, 0 if name in ALLOWED else HELD)
                for name in chosen
            )
            over += await asyncio.gather(*attacks)
            users, proxy = await ordinary.ask(), await front.ask()
            grown = proxy["resident"] - before["resident"]
            groups.append(Beside(chosen, proxy["stall"], grown, users["p99"], users["failures"]))
            print(f"  {described(groups[-1])}", flush=True)
            assert proxy["alive"], "the deadlines are not enforced any more"
        await asyncio.sleep(LEFT_SECONDS)
        stays = await front.ask()
        left = stays["connections"] - USERS
        print(f"  left: {left}; clients' states, {USERS} ordinary ones included: {stays['states']}", flush=True)
        for each in over:
            for client in each.held:
                client.close()
    evil.close()
    return Found(quiet, groups, left)


def described(beside: Beside) -> str:
    return (
        f"{beside.stall * 1000:.0f} ms stall, {beside.grown / 2**20:+.1f} MiB, p99 {beside.p99 * 1000:.1f} ms, "
        f"{len(beside.failures)} failures: {', '.join(beside.attacks)}"
    )
