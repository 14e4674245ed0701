"""Runs of an operator over so many Workspaces: wall time until all are Ready, its CPU time, its memory."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guildnet.kube.client import Client, connect
from guildnet.kube.reflector import Change, Reflector
from guildnet.kube.resources import WORKSPACES
from guildnet_local.build import programs
from proofs import PYTHON_PATH
from proofs.scale.limits import cpu_limit
from support.apiserver import PROGRAMS, Servers, make_namespace
from support.process import Process, cpu_seconds, resident_bytes
from support.waiting import eventually

AT_ONCE = 16
"""Workspaces created at the same time."""
PER_SECOND = 20.0
"""The slowest an operator may be before a run is given up."""
SETTLE = 5.0

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One operator, one number of Workspaces. Seconds; `memory` is resident bytes before and after."""

    operator: str
    workspaces: int
    seconds: float
    cpu: float
    memory: tuple[int, int]

    @property
    def rate(self) -> float:
        """Workspaces a second, from the first create to the last Ready."""
        return self.workspaces / self.seconds

    @property
    def memory_each(self) -> float:
        """Bytes a Workspace costs the operator."""
        return (self.memory[1] - self.memory[0]) / self.workspaces

    def __str__(self) -> str:
        return (
            f"{self.operator}: {self.workspaces} Workspaces Ready after {self.seconds:.1f} s = {self.rate:.0f}/s, "
            f"operator {self.cpu:.1f} s CPU = {self.cpu / self.workspaces * 1000:.1f} ms each, "
            f"memory {self.memory[0] / 2**20:.0f} → {self.memory[1] / 2**20:.0f} MiB = "
            f"{self.memory_each / 1024:.1f} KiB each"
        )


@dataclass(frozen=True, slots=True)
class Hall:
    """The cluster that all runs share."""

    servers: Servers
    kube: Client
    directory: Path

    async def run(self, operator: str, workspaces: int, *, cores: float | None = None) -> Run:
        """`guildnet` or `textbook`, in a fresh namespace, with so many cores, None for all there are."""
        namespace = await make_namespace(self.kube)
        with_operator = OPERATORS[operator](self, namespace)
        ready: set[str] = set()

        def changed(change: Change[Json]) -> None:
            if change.new is not None and _is_ready(change.new):
                ready.add(change.key)

        watching = asyncio.create_task(
            Reflector(self.kube, WORKSPACES, namespace=namespace, parse=dict, on_change=changed).run()
        )
        limited = contextlib.ExitStack()
        try:
            await self._warm(namespace, ready)
            if cores is not None:
                limited.enter_context(cpu_limit(with_operator.pid, cores))
            before, cpu = resident_bytes(with_operator.pid), cpu_seconds(with_operator.pid)
            began = time.monotonic()
            await self._create(namespace, workspaces)
            within = workspaces / (PER_SECOND * (cores or 1.0)) + 60
            await eventually(lambda: len(ready) > workspaces, within=within, every=0.05)
            seconds = time.monotonic() - began
            await asyncio.sleep(SETTLE)
            return Run(
                operator, workspaces, seconds, cpu_seconds(with_operator.pid) - cpu,
                (before, resident_bytes(with_operator.pid)),
            )  # fmt: skip
        except AssertionError as error:
            raise AssertionError(f"{len(ready)} of {workspaces} are Ready\n{with_operator.tail()}") from error
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            limited.close()
            with_operator.stop(kill=True)

    async def _warm(self, namespace: str, ready: set[str]) -> None:
        """One Workspace first: what an operator does once at its start is not what is measured."""
        await self.kube.create(WORKSPACES, namespace, _workspace("first"))
        await eventually(lambda: len(ready) == 1, within=60)

    async def _create(self, namespace: str, number: int) -> None:
        names = iter(range(number))

        async def some() -> None:
            for index in names:
                await self.kube.create(WORKSPACES, namespace, _workspace(f"ws-{index}"))

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))


def _workspace(name: str) -> Json:
    spec = {"image": "example.com/app:1", "ports": [{"containerPort": 8080}], "env": [{"name": "A", "value": "1"}]}
    return {"metadata": {"name": name}, "spec": spec}


def _is_ready(workspace: Json) -> bool:
    conditions = (workspace.get("status") or {}).get("conditions") or ()
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _guildnet(hall: Hall, namespace: str) -> Process:
    settings = {
        "KUBECONFIG": str(hall.servers.server.kubeconfig),
        "K8S_NAMESPACE": namespace,
        "RELEASE_NAMESPACE": namespace,
        "OPS_PORT": "0",
        "LOCAL_ORIGIN": "http://guildnet.localhost:8080",
        "LOG_LEVEL": "warning",
    }
    return Process([sys.executable, "-m", "guildnet_operator"], hall.directory / f"{namespace}.log", env=settings)


def _textbook(hall: Hall, namespace: str) -> Process:
    program = Path(__file__).with_name("textbook.py")
    argv = [sys.executable, "-m", "kopf", "run", "--quiet", "--standalone", "-n", namespace, str(program)]
    settings = {"KUBECONFIG": str(hall.servers.server.kubeconfig)}
    return Process(argv, hall.directory / f"{namespace}.log", env=settings)


OPERATORS: dict[str, Callable[[Hall, str], Process]] = {"guildnet": _guildnet, "textbook": _textbook}


@asynccontextmanager
async def hall(directory: Path) -> AsyncIterator[Hall]:
    """An API server with instant nodes."""
    servers = Servers(directory / "apiserver", programs.ensure(PROGRAMS, report=print))
    nodes: Process | None = None
    try:
        server = await asyncio.to_thread(servers.start)
        nodes = Process(
            [sys.executable, "-m", "proofs.scale.nodes", server.kubeconfig],
            directory / "nodes.log",
            env={"PYTHONPATH": PYTHON_PATH},
        )
        async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
            yield Hall(servers, kube, directory)
    finally:
        if nodes is not None:
            nodes.stop(kill=True)
        servers.stop()
