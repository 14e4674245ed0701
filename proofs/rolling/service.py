"""The proxies as pods, and the Service in front of them, which learns late who is ready.

As with kube-proxy a pod is chosen when a connection is made; from then on client and pod have it to themselves.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs.proxied.running import Install, ready
from support.process import Process, free_port
from support.waiting import eventually

PROBE_SECONDS: Final = 0.25
ENDPOINTS_SECONDS: Final = 0.75
"""From a change of readiness until connections are sent accordingly."""
END_SECONDS: Final = 10.0
"""Beyond what a proxy may take to stop, until it is killed."""


@dataclass
class Run:
    """One process of a pod, from its start to its end. `told` is when it was told to stop, 0.0 while it was not."""

    pod: str
    told: float = 0.0

    @property
    def after(self) -> float | None:
        """Seconds since it was told to stop, None while it was not."""
        return asyncio.get_running_loop().time() - self.told if self.told else None

    def __str__(self) -> str:
        after = self.after
        return f"{self.pod}, {f'{after:.2f} s after SIGTERM' if after is not None else 'not stopping'}"


class Pod:
    """One proxy, started again at the same ports."""

    def __init__(self, name: str, installed: Install, directory: Path, delay: float, grace: float) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self.port, self.ops = free_port(), free_port()
        self.run = Run(name)
        self._installed = installed
        self._delay, self._grace = delay, grace
        self._process: Process | None = None

    async def start(self) -> None:
        """Returns when it is ready."""
        process = self._process = self._installed.start(
            self.log, self.port, self.ops,
            DRAIN_DELAY_SECONDS=str(self._delay), DRAIN_SECONDS=str(self._grace),
        )  # fmt: skip

        async def is_ready() -> bool:
            assert process.running, process.tail()
            return await ready(self.ops)

        self.run = Run(self.name)
        await eventually(is_ready, within=30)

    async def stop(self) -> float:
        """SIGTERM; the seconds until its end. Harmless where it does not run."""
        if self._process is None:
            return 0.0
        loop = asyncio.get_running_loop()
        began = self.run.told = loop.time()
        await asyncio.to_thread(self._process.stop, within=self._delay + self._grace + END_SECONDS)
        self._process = None
        return loop.time() - began


class Service:
    """Sends who connects to one of the pods that are ready in turn."""

    def __init__(self, pods: Sequence[Pod]) -> None:
        self._pods = pods
        self._endpoints: list[Pod] = []
        self._turns = itertools.count()

    async def watch(self) -> None:
        """Probes all pods for ever; never returns."""
        loop = asyncio.get_running_loop()
        while True:
            answers = await asyncio.gather(*(ready(pod.ops) for pod in self._pods))
            endpoints = [pod for pod, answer in zip(self._pods, answers, strict=True) if answer]
            loop.call_later(ENDPOINTS_SECONDS, self._learn, endpoints)
            await asyncio.sleep(PROBE_SECONDS)

    def _learn(self, endpoints: list[Pod]) -> None:
        self._endpoints = endpoints

    def sends_to_all(self) -> bool:
        return len(self._endpoints) == len(self._pods)

    async def dial(self) -> tuple[socket.socket, Run]:
        """A connection and who has it. Raises OSError as for any other that is not taken, or where no pod is ready."""
        if not self._endpoints:
            raise ConnectionRefusedError("no pod is ready")
        pod = self._endpoints[next(self._turns) % len(self._endpoints)]
        run, taken = pod.run, socket.socket()
        taken.setblocking(False)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            async with asyncio.timeout(5):
                await asyncio.get_running_loop().sock_connect(taken, ("127.0.0.1", pod.port))
        except BaseException:
            taken.close()
            raise
        return taken, run
