"""The parent of several processes: keeps their number, says how all of them are, and ends with them.

Each process is a whole proxy with its own watches, pools and listener; the kernel gives each new connection to one of
them (SO_REUSEPORT). The parent reads no request. It answers the kubelet and Prometheus for all.

A process that dies is started again: the others, and whoever they serve, go on. Ending the pod instead would take
everybody's WebSockets for the fault of one. Only what no restart heals ends the parent, and the kubelet restarts it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from guildnet.errors import Unreachable
from guildnet.process import first_to_end
from guildnet.telemetry import Health, logger, serve_ops
from guildnet_proxy.processes.kept import Kept
from guildnet_proxy.processes.output import share_output
from guildnet_proxy.processes.share import Share
from guildnet_proxy.processes.totals import Totals
from guildnet_proxy.settings import Settings

CHECKS = ("kubernetes", "engine")
"""What a process says of its readiness (`guildnet_proxy.app`)."""
SPARE_SECONDS = 10.0
"""More than a process needs to end after its drain."""


class Parent:
    """The processes of one install; `registry` gets their totals."""

    def __init__(self, shares: list[Share], registry: CollectorRegistry) -> None:
        self._totals = Totals(registry)
        Gauge("guildnet_proxy_processes", "Processes that serve.", registry=registry).set(len(shares))
        self._restarts = Counter(
            "guildnet_proxy_process_restarts", "Processes that died and were started again.", registry=registry
        )
        self.kept = [Kept(share, self._ended) for share in shares]

    def _ended(self, share: Share) -> None:
        self._totals.end(share.index)
        self._restarts.inc()

    async def problem(self, check: str) -> str | None:
        """What is missing to one of them; None when all are ready."""
        problems = await asyncio.gather(*(self._problem(kept, check) for kept in self.kept))
        return "; ".join(problem for problem in problems if problem) or None

    async def _problem(self, kept: Kept, check: str) -> str:
        try:
            status, text = await kept.ops.get(f"/readyz/{check}")
        except Unreachable as error:
            status, text = 503, error.message
        return "" if status == 200 else f"process {kept.share.index}: {text.strip()}"

    async def count(self) -> None:
        """Asks all of them what they have counted."""
        await asyncio.gather(*(self._count(kept) for kept in self.kept))

    async def _count(self, kept: Kept) -> None:
        try:
            _, text = await kept.ops.get("/metrics")
            self._totals.put(kept.share.index, text)
        except (Unreachable, ValueError) as error:
            logger.warning("metrics of a process not read", number=kept.share.index, error=str(error))

    async def stop(self, seconds: float) -> set[int]:
        """All at once; gives the statuses of those that did not end well. One that has only begun knows no SIGTERM."""
        statuses = await asyncio.gather(*(kept.stop(seconds) for kept in self.kept))
        for kept in self.kept:
            await kept.ops.aclose()
        return set(statuses) - {0, -signal.SIGTERM}


async def serve(settings: Settings, stop: asyncio.Event, count: int) -> None:
    """`count` processes until `stop` is set, or one of them cannot be kept."""
    registry, health = CollectorRegistry(), Health()
    with tempfile.TemporaryDirectory(prefix="guildnet-") as folder, _private(settings) as tailnet:
        shares = [Share(index, count, Path(folder), tailnet) for index in range(count)]
        share_output(shares[0].output_lock)
        parent = Parent(shares, registry)
        for check in CHECKS:
            health.add(check, partial(parent.problem, check))
        seconds = settings.drain_delay_seconds + settings.drain_seconds + SPARE_SECONDS
        async with serve_ops(
            settings.ops_port, health, registry, host=settings.ops_host, before_metrics=parent.count
        ) as ops:
            logger.info("proxy starts its processes", number=count, ops=ops)
            tasks = [asyncio.create_task(kept.run(), name=f"process {kept.share.index}") for kept in parent.kept]
            try:
                await first_to_end(stop, *tasks)
                logger.info("proxy stops its processes")
            finally:
                failed = await parent.stop(seconds)
                await asyncio.gather(*tasks, return_exceptions=True)
        if failed:
            raise Unreachable(f"Processes ended with {', '.join(map(str, sorted(failed)))}.")


@contextmanager
def _private(settings: Settings) -> Iterator[int]:
    """The descriptor of the sidecar's listener, which all processes accept from; -1 without a tailnet."""
    if not settings.tailnet_socket:
        yield -1
        return
    path = Path(settings.tailnet_socket)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o117)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen(1024)
        yield listener.fileno()
