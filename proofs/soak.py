"""Half an hour of mixed load with upstream failures: memory and descriptors stay flat, every body is its request's."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from guildnet_proxy.http.message.head import MAX_SIGHTED
from proofs import Figure
from proofs.proxied.running import Proxy, proxy
from proofs.soaking import upstream
from proofs.soaking.load import Clients, Result
from support.process import resident_bytes

NAME: Final = "soaked"
FLAT: Final = 0.01
QUIET_SECONDS: Final = upstream.KEEP_SECONDS + 1.5
"""After these the proxy has no connection but what it always has: the upstream closed those that were kept."""
_FAULTS: Final = ("UnexpectedEventError", "Traceback", "never retrieved", "Exception in callback")


@dataclass(frozen=True, slots=True)
class Plan:
    """Rounds of load, and a moment without after each; the first rounds fill pools and are not compared.

    What is remembered of requests is full before the first, and each round turns over all of it, so that it takes as
    much after each.
    """

    rounds: int
    seconds: float
    warming: int


FULL: Final = Plan(rounds=60, seconds=26.5, warming=12)
QUICK: Final = Plan(rounds=12, seconds=6.5, warming=4)


@dataclass(frozen=True, slots=True)
class Quiet:
    """The proxy between two rounds."""

    memory: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Soaked:
    """All rounds: what the clients got, the proxy after each, and lines of its log that tell of a fault."""

    result: Result
    quiet: Sequence[Quiet]
    faults: Sequence[str]


async def _soak(directory: Path, plan: Plan) -> Soaked:
    quiet: list[Quiet] = []
    faults: list[str] = []
    async with upstream.serving() as port, proxy(directory, {NAME: port}) as running:
        headers = {"Host": running.host(NAME), "Cookie": running.cookie(NAME)}
        clients = Clients(f"http://127.0.0.1:{running.port}", headers)
        await clients.fill(MAX_SIGHTED)
        for number in range(plan.rounds):
            await clients.fill(MAX_SIGHTED // 2)
            await clients.round(plan.seconds)
            await asyncio.sleep(QUIET_SECONDS)
            faults += _faults(running)
            quiet.append(_measured(running.process.pid))
            print(f"  round {number + 1}: {clients.result.asked.total():,} requests, {_shown(quiet[-1])}", flush=True)
    return Soaked(clients.result, quiet, faults)


def _measured(pid: int) -> Quiet:
    return Quiet(resident_bytes(pid), sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def _shown(quiet: Quiet) -> str:
    return f"{quiet.memory / 2**20:.2f} MiB, {quiet.descriptors} descriptors"


def _faults(running: Proxy) -> list[str]:
    """Lines of the log that tell of a fault; what was read is let go."""
    text = running.process.log.read_text(errors="replace")
    os.truncate(running.process.log, 0)
    return [line for line in text.splitlines() if any(fault in line for fault in _FAULTS)]


def judged(soaked: Soaked, plan: Plan) -> Figure:
    """The figure; growth is from the first half of the rounds compared to the second, by medians."""
    compared = soaked.quiet[plan.warming :]
    first, last = compared[: len(compared) // 2], compared[len(compared) // 2 :]
    memory = _growth([one.memory for one in first], [one.memory for one in last])
    descriptors = _growth([one.descriptors for one in first], [one.descriptors for one in last])
    result = soaked.result
    text = (
        f"{result.asked.total():,} requests in {plan.rounds} rounds of {plan.seconds:g} s: memory {memory:+.2%}, "
        f"descriptors {descriptors:+.2%} (≤ {FLAT:.0%}; {_shown(soaked.quiet[-1])} at the end), "
        f"{len(result.wrong)} wrong bodies, {len(result.other)} answers of another kind, "
        f"{len(soaked.faults)} faults or transitions outside the tables"
    )
    flat = memory <= FLAT and descriptors <= FLAT
    return Figure(text, flat and not (result.wrong or result.other or soaked.faults))


def _growth(first: Sequence[int], last: Sequence[int]) -> float:
    return statistics.median(last) / statistics.median(first) - 1


def prove(*, quick: bool = False) -> Figure:
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as directory, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        soaked = runner.run(_soak(Path(directory), plan))
    for line in [*soaked.result.wrong[:20], *soaked.result.other[:20], *soaked.faults[:20]]:
        print(f"  {line}")
    return judged(soaked, plan)
