"""Measures guildnet's proxy against nginx and a plain aiohttp proxy, on loopback.

Each turn gives every proxy one round of the same load. The proxy under load has one core, load and upstream another.
Prints Markdown; writes it and a JSON of every round under the XDG cache directory (guildnet/bench/). A slow result is
no failure: the exit status is 1 only where a proxy never answered as it should, 2 where nothing can be measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from support.process import Process
from support.waiting import eventually

from . import cluster, proxies, results, small
from .accounting import Core
from .load import Upstream, answers, measure
from .results import Round


@dataclass(frozen=True, slots=True)
class Plan:
    """Turns of rounds of `seconds` each; no turn begins after `budget` seconds."""

    kind: str
    turns: int
    seconds: float
    budget: float


QUICK = Plan("quick", 3, 2.0, 25.0)
FULL = Plan("full", 7, 5.0, 140.0)


def chosen(arguments: list[str] | None = None) -> Plan:
    parser = argparse.ArgumentParser(
        prog="python -m proofs.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="under 40 s instead of under 3 min")
    parser.add_argument("--turns", type=int, metavar="N", help=f"default {FULL.turns}; quick: {QUICK.turns}")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help=f"of a round; default {FULL.seconds:g}; quick: {QUICK.seconds:g}"
    )
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    turns, seconds = asked.turns or plan.turns, asked.seconds or plan.seconds
    if not (0 < turns <= 100 and 0 < seconds <= 60):
        parser.error("a run has 1 to 100 turns of rounds of up to 60 seconds")
    return Plan(plan.kind, turns, seconds, plan.budget)


def main() -> int:
    plan = chosen()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("two cores are needed: one for the proxy, one for load and upstream", file=sys.stderr)
        return 2
    about = _about(plan)
    os.sched_setaffinity(0, {cores[1]})
    versions = proxies.versions()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            rounds = runner.run(_run(plan, cores[0], [name for name, found in versions.items() if found]))
        except (asyncio.CancelledError, KeyboardInterrupt):
            print("stopped", file=sys.stderr)
            return 130
    text = results.markdown(rounds, versions)
    written = _write(results.document(rounds, versions, about), text)
    print(f"\n{text}\n{written}")
    silent = results.silent(rounds, [name for name, found in versions.items() if found])
    if silent:
        print(f"not one valid round: {', '.join(silent)}", file=sys.stderr)
    return 1 if silent else 0


async def _run(plan: Plan, core: int, names: list[str]) -> list[Round]:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    began = loop.time()
    rounds: list[Round] = []
    async with _everything(core, names) as (upstream, request, running):
        for turn in range(plan.turns):
            if loop.time() - began > plan.budget:
                print(f"the time is up after {turn} of {plan.turns} turns", file=sys.stderr)
                break
            for proxy in running:
                os.truncate(proxy.process.log, 0)
                at = await measure(
                    proxy.name, turn, proxy.port, proxy.process.pid, Core(core), upstream, request, plan.seconds
                )
                rounds.append(at)
                print(f"turn {turn + 1} {proxy.name}: {at.fault or f'{at.requests} requests'}", file=sys.stderr)
    return rounds


@asynccontextmanager
async def _everything(core: int, names: list[str]) -> AsyncIterator[tuple[Upstream, bytes, list[proxies.Running]]]:
    """Upstream, API and every proxy, each of which has answered rightly once; all stopped on the way out."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="guildnet-bench-")))
        upstream = await stack.enter_async_context(Upstream().listening())
        kubeconfig = await stack.enter_async_context(cluster.serving(directory, upstream.port))
        room = proxies.make_room(directory, core, upstream.port, kubeconfig)
        request = small.request(room.host, room.cookie)
        running = []
        for name in names:
            proxy = proxies.STARTS[name](room)
            stack.push_async_callback(asyncio.to_thread, proxy.process.stop)
            await _ready(proxy.name, proxy.port, proxy.process, request)
            running.append(proxy)
        yield upstream, request, running


async def _ready(name: str, port: int, process: Process, request: bytes) -> None:
    """A proxy that never becomes ready ends the run, with what it said."""

    async def checked() -> bool:
        return not process.running or await answers(port, request)

    try:
        await eventually(checked, within=20.0, every=0.05)
    except AssertionError:
        sys.exit(f"{name} does not answer as it should\n{process.tail()}")
    if not process.running:
        sys.exit(f"{name} did not start\n{process.tail()}")


def _about(plan: Plan) -> dict[str, Any]:
    return {
        "scenario": "small",
        "kind": plan.kind,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "round_seconds": plan.seconds,
        "connections": small.CONNECTIONS,
        "body_bytes": len(small.BODY),
        "body_sha256": small.SHA256,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _write(document: dict[str, Any], text: str) -> Path:
    """The JSON's path; the Markdown is beside it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guildnet" / "bench"
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"small-{document['at'].replace(':', '').replace('-', '')}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    path.with_suffix(".md").write_text(text)
    return path


if __name__ == "__main__":
    sys.exit(main())
