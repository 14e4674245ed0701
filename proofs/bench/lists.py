"""The list of workspaces: CPU of the api's process for each, beside a LIST of the official client for each request.

Both ask the same played Kubernetes API, the api once and the other each time, and run on the proxies' core in turns.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import aiohttp

from guildnet.identity import HEADER, Identity, sign
from guildnet.kube.resources import CAPABILITIES, EVENTS, PODS, WORKSPACES
from guildnet.web.entries import Entry
from proofs import PYTHON_PATH
from proofs.bench import accounting, cluster
from proofs.bench.accounting import Core, cpu_seconds
from proofs.bench.gates import OURS
from proofs.bench.load.clients import Asking
from proofs.bench.load.loop import Client, Load
from proofs.bench.results import Round, Sample
from support.process import Process, free_port
from support.waiting import eventually

LIST: Final = "list"
OFFICIAL: Final = "client"
"""The peer's name: the official Kubernetes client."""
WORKSPACES_LISTED: Final = 5_000
_KEY: Final = "k" * 64
_PATH: Final = "/api/servers"
_WHO: Final = Identity(
    "token", "bench", roles=("admin",), source="bearer", entry=Entry("local", "http://guildnet.localhost", "host")
)
_HERE: Final = Path(__file__).parent


def official() -> str:
    """Its version."""
    return version("kubernetes")


def workspaces(count: int) -> list[dict[str, Any]]:
    """Running ones, as the operator leaves them."""
    return [_workspace(number) for number in range(count)]


def _workspace(number: int) -> dict[str, Any]:
    name, when = f"lab-{number:05d}", "2026-01-01T00:00:00Z"
    condition = {"type": "Ready", "status": "True", "reason": "Running", "message": "", "lastTransitionTime": when}
    return {
        "apiVersion": "guildnet.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {
            "name": name,
            "namespace": cluster.NAMESPACE,
            "uid": f"0be9c500-0000-4000-8000-{number:012d}",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": when,
            "annotations": {"guildnet.io/owner": f"user{number % 200}@example.com"},
            "labels": {"guildnet.io/managed": "true", "guildnet.io/id": name},
        },
        "spec": {"image": "jupyterlab:4", "ports": [{"containerPort": 8888, "name": "http"}], "running": True},
        "status": {
            "phase": "Running",
            "readyReplicas": 1,
            "observedGeneration": 1,
            "serviceDNS": f"{name}.{cluster.NAMESPACE}.svc",
            "conditions": [condition],
        },
    }


async def lists(directory: Path, core: Core, turns: int, seconds: float) -> list[Sample]:
    """A sample of each in each turn; one with a fault, where they do not run."""
    try:
        return await _lists(directory, core, turns, seconds)
    except AssertionError as error:
        print(f"lists are not measured: {error}", file=sys.stderr)
        return [Sample(LIST, name, 0, 0.0, fault="it does not run") for name in (OURS, OFFICIAL)]


async def _lists(directory: Path, core: Core, turns: int, seconds: float) -> list[Sample]:
    objects = {WORKSPACES: workspaces(WORKSPACES_LISTED), PODS: [], CAPABILITIES: [], EVENTS: []}
    found = []
    async with (
        cluster.listing(directory, objects) as kubeconfig,
        _api(directory, kubeconfig, core) as ours,
        _textbook(directory, kubeconfig, core) as theirs,
    ):
        for turn in range(turns):
            for name, (process, port) in ((OURS, ours), (OFFICIAL, theirs)):
                at = await _round(process, port, core, seconds)
                found.append(Sample.of(LIST, name, turn, at, 1.0))
    return found


Served = tuple[Process, int]


@asynccontextmanager
async def _api(directory: Path, kubeconfig: Path, core: Core) -> AsyncIterator[Served]:
    key = directory / "key"
    key.write_text(_KEY)
    port = free_port()
    settings = {
        "LISTEN": f"127.0.0.1:{port}",
        "OPS_PORT": str(free_port()),
        "KUBECONFIG": str(kubeconfig),
        "K8S_NAMESPACE": cluster.NAMESPACE,
        "IDENTITY_KEY_FILE": str(key),
        # One identity asks as often as the server can answer, which is what is measured.
        "LIMIT_REQUEST_RATE": "100000",
        "LIMIT_REQUEST_BURST": "100000",
        "PYTHONPATH": PYTHON_PATH,
    }
    async with _served(["-m", "guildnet_api"], directory / "api.log", settings, port, core) as served:
        yield served


@asynccontextmanager
async def _textbook(directory: Path, kubeconfig: Path, core: Core) -> AsyncIterator[Served]:
    port = free_port()
    argv = [str(_HERE / "peers/textbook_list.py"), str(port), cluster.NAMESPACE]
    settings = {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": PYTHON_PATH}
    async with _served(argv, directory / "textbook.log", settings, port, core) as served:
        yield served


@asynccontextmanager
async def _served(
    argv: Sequence[str], log: Path, settings: dict[str, str], port: int, core: Core
) -> AsyncIterator[Served]:
    process = Process(["taskset", "--cpu-list", str(core.number), sys.executable, *argv], log, env=settings)
    try:

        async def listed() -> bool:
            assert process.running, process.tail()
            return len(await _body(port)) > WORKSPACES_LISTED

        await eventually(listed, within=60.0, every=0.2)
        yield process, port
    finally:
        await asyncio.to_thread(process.stop)


def _headers() -> dict[str, str]:
    """Signed for the list, and good for a minute."""
    return {HEADER: sign(_WHO, _KEY.encode(), method="GET", path=_PATH, now=time.time()), "Accept-Encoding": "identity"}


async def _body(port: int) -> bytes:
    """The list as it is; empty where there is none yet."""
    try:
        async with (
            aiohttp.ClientSession(trust_env=False) as client,
            client.get(f"http://127.0.0.1:{port}{_PATH}", headers=_headers()) as answer,
        ):
            return await answer.read() if answer.status == 200 else b""
    except aiohttp.ClientError:
        return b""


async def _round(process: Process, port: int, core: Core, seconds: float) -> Round:
    """Four connections; each answer is compared whole with the first."""
    body = await _body(port)
    lines = [
        f"GET {_PATH} HTTP/1.1",
        "Host: guildnet.localhost",
        *(f"{name}: {value}" for name, value in _headers().items()),
    ]
    request = "\r\n".join([*lines, "", ""]).encode()
    make: Callable[[Load], Client] = lambda load: Asking(load, repeat(request), body)  # noqa: E731  a type it needs
    load = Load(make)
    loop = asyncio.get_running_loop()
    try:
        await load.open(port, 4)
        await load.run(0)
        began, cpu, busy = loop.time(), cpu_seconds(process.pid), core.busy_seconds()
        if not load.fault:
            await load.run(seconds)
        took, used = loop.time() - began, cpu_seconds(process.pid) - cpu
        others = max(0.0, core.busy_seconds() - busy - used) / took
        if not load.fault and used < accounting.shortest_sample():
            load.fault = f"{used * 1e3:.1f} ms of CPU are too few ticks of the clock"
        return Round(load.answered, took, used, others, load.fault)
    except OSError as error:
        return Round(0, 0.0, 0.0, 0.0, f"no connection or no process: {error}")
    finally:
        load.close()
