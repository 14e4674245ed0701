"""Readers with the worst filters beside ordinary ones: what the others, and the process, notice of them.

A real api process before a real API server, whose kubelet is played. It has one core, and its limits are the product's
own. Each reader is an identity of its own. The filters are of 16 KiB lines and of short ones; each is a new one.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guildnet_api.settings import Settings
from proofs import Figure
from proofs.loglab import fanout
from proofs.loglab.apis import pod_of, running_workspace
from proofs.loglab.crowd import crowd
from proofs.loglab.readers import Task
from proofs.loglab.writing import Observed, next_window, observe, writing
from proofs.readers import probe, worst
from support.process import resident_bytes

MIB: Final = 2**20
HEALTH_MS: Final = 50.0
GROWN_BYTES: Final = 64 * MIB
RATE: Final = 50.0
DEFAULT_LIMITS: Final = {
    name.upper(): str(field.default) for name, field in Settings.model_fields.items() if name.startswith("limit_")
}
"""Settings of what one identity may take, as an install has them that says nothing."""
LONG: Final = "long"
"""The workspace whose lines are long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Readers with the worst filters, ordinary ones, and seconds of both together."""

    hostile: int
    ordinary: int
    seconds: float


FULL, QUICK = Plan(20, 200, 30.0), Plan(20, 200, 8.0)


@dataclass(frozen=True, slots=True)
class Found:
    """Milliseconds of /healthz without the hostile readers and beside them, what the ordinary ones were sent, the
    growth of the process, and how the hostile ones were answered."""

    alone: list[float]
    beside: list[float]
    observed: Observed
    grown: int
    answers: dict[str, int]


async def _measured(directory: Path, plan: Plan) -> Found:
    async with fanout.bench(directory) as made, fanout.one_api(made, **DEFAULT_LIMITS) as api:
        await running_workspace(made.kube, made.lab.namespace, LONG, made.node.name)
        made.node.write(pod_of(LONG), *(f"line {n} " + "x" * 16_000 for n in range(400)))
        made.node.write(pod_of(made.workspace), *(f"INFO line {n} " + "x" * 800 for n in range(5000)))
        task = Task(api.port, api.target(made.workspace, "&tail=0"), api.headers(plan.ordinary), plan.ordinary)
        async with writing(RATE, made.write) as lines, crowd(task, core=made.other_core) as readers:
            await asyncio.sleep(fanout.SETTLE)
            alone = await probe.probed(api.port, plan.seconds / 2)
            before = resident_bytes(api.process.pid)
            hostile = worst.Task(api.port, [LONG, made.workspace], plan.hostile, plan.seconds)
            async with worst.worst(hostile, made.other_core) as reading:
                watching = asyncio.create_task(_most(api.process.pid, plan.seconds))
                window = next_window(lines, plan.seconds * 0.8)
                beside, observed, most = await asyncio.gather(
                    probe.probed(api.port, plan.seconds), observe(lines, readers, window), watching
                )
                return Found(alone, beside, observed, most - before, await reading)


async def _most(pid: int, seconds: float) -> int:
    """The most that a process had resident in so many seconds."""
    most, until = 0, asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        most = max(most, resident_bytes(pid))
        await asyncio.sleep(0.2)
    return most


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def judged(found: Found, plan: Plan) -> Figure:
    alone, beside = _p99(found.alone), _p99(found.beside)
    answers = ", ".join(f"{number} × {status}" for status, number in sorted(found.answers.items()))
    print(f"  the worst filters were answered {answers}", flush=True)
    served = found.answers.get("200", 0)
    text = (
        f"beside {plan.hostile} readers with the worst filters ({sum(found.answers.values())} requests) and "
        f"{plan.ordinary} ordinary ones: p99 of /healthz {beside:.1f} ms (≤ {HEALTH_MS:g}; {alone:.1f} without), "
        f"longest {max(found.beside):.0f} ms, memory +{found.grown / MIB:.0f} MiB (≤ {GROWN_BYTES / MIB:g}); "
        f"ordinary readers: {found.observed.faults or 'every line once and in order'}"
    )
    met = beside <= HEALTH_MS and found.grown <= GROWN_BYTES and not found.observed.faults and served > 0
    return Figure(text, met)


def prove(*, quick: bool = False) -> Figure:
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as directory:
        return judged(asyncio.run(_measured(Path(directory), plan)), plan)
