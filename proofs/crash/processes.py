"""The operator as a process of its own, that starts in a tenth of a second and dies by SIGKILL.

Its imports take a second and a half of CPU. So they are done once, in a fork server; every operator is a fork of that
one, with an environment, a log and a process id of its own, and runs the very `main` of the container.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_WAIT = 15.0


def fork_server() -> ForkServerContext:
    """Call it once a run, before anything else makes processes this way."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["guildnet_operator.__main__", "kubernetes.aio.client", "kubernetes.aio.config"])
    return context


class OperatorProcess:
    """Starts, kills and stops the operator of one plan, always with the same environment and log."""

    def __init__(self, context: ForkServerContext, environment: Mapping[str, str], log: Path) -> None:
        self._context = context
        self._environment = dict(environment)
        self._log = log
        self._process: BaseProcess | None = None
        self._wanted = False
        self._ending = asyncio.Lock()
        self.starts = 0
        self.relist_seconds: float | None = None
        """Where set, the operator's watches are as short-lived as this instead of minutes."""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Start it, and again whenever `kill` ends it, until `stop`."""
        self._wanted = True
        self.starts += 1
        arguments = (self._environment, str(self._log), self.relist_seconds)
        self._process = self._context.Process(target=_live, args=arguments, daemon=True)
        self._process.start()

    async def kill(self) -> None:
        """SIGKILL, wait until it is dead, and start it again as a kubelet would."""
        await self._end(signal.SIGKILL)
        if self._wanted:
            self.start()

    async def stop(self, *, kill: bool = False) -> None:
        """End it and leave it ended."""
        self._wanted = False
        await self._end(signal.SIGKILL if kill else signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        """One at a time: a fault of the plan and a step of its scenario may both want it ended."""
        async with self._ending:
            process = self._process
            if process is None or process.pid is None or not process.is_alive():
                return
            os.kill(process.pid, number)
            await asyncio.to_thread(process.join, _WAIT)
            assert process.exitcode is not None, f"the operator ignored {number.name}: see {self._log}"
            process.close()
            self._process = None

    def tail(self, lines: int = 30) -> list[str]:
        return self._log.read_text(errors="replace").splitlines()[-lines:] if self._log.exists() else []


def _hurry(seconds: float) -> None:
    """Minutes become seconds: what heals when a watch ends at its time is waited for, not waited out."""
    from guildnet.kube import reflector
    from guildnet_operator.watch import workspaces

    reflector.RELIST_AFTER_SECONDS = seconds  # type: ignore[misc]  # constants of the product, shorter here
    reflector.WATCH_LIFETIME_SECONDS = (int(seconds), int(seconds) + 1)  # type: ignore[misc]  # as above
    workspaces.RELIST_AFTER_SECONDS = seconds


def _live(environment: Mapping[str, str], log: str, relist_seconds: float | None) -> None:
    """The life of the child: nobody's terminal, nobody's survivor."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environment)
    if relist_seconds is not None:
        _hurry(relist_seconds)
    from guildnet_operator.__main__ import main

    main()
    sys.stdout.flush()
