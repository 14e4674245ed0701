"""Runs of containers, as the watch of pods tells of them: which there are, and which of them the kubelet still has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Final

from guildnet.errors import NotFound
from guildnet_api.cluster.index import WorkspaceIndex
from guildnet_api.cluster.pods import Container, Pod
from guildnet_api.logs.model import Run
from guildnet_api.logs.source.kubelet import LogSource, Options

SETTLE_SECONDS: Final = 1.0
"""How long the cluster may take to report the end of a container whose log stream has ended."""


def run_of(pod: Pod, container: Container, *, previous: bool) -> Run | None:
    """The present run of a container, with `previous` the one that ended last; None where there is none."""
    if container.state == "waiting" and not container.restart:
        return None
    # One that does not run has ended, whether the kubelet tells of it as terminated or, later, as waiting.
    restart = container.restart - (previous and container.state == "running")
    return Run(pod.uid, pod.name, container.name, restart) if restart >= 0 else None


@dataclass(frozen=True, slots=True)
class RunState:
    """Questions about runs, answered from the index of pods."""

    index: WorkspaceIndex

    def ended(self, run: Run) -> bool:
        """Whether the container does not run any more, or is in another run."""
        found = self._container(run)
        return found is None or found.restart != run.restart or found.state != "running"

    def runs_since(self, run: Run) -> int:
        """How many runs the container began since; of those before the current one the kubelet keeps only the last."""
        found = self._container(run)
        if found is None or found.restart <= run.restart:
            return 0
        # While a container waits to be started again, the kubelet's previous run is the current one itself.
        return found.restart - run.restart + (found.state == "waiting")

    async def settle(self, run: Run) -> None:
        """Wait until the run is reported as ended, SETTLE_SECONDS at most: its log is opened again till then."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while not self.ended(run):
                    await self.index.signal.wait()
        except TimeoutError:
            return

    def _container(self, run: Run) -> Container | None:
        pod = self.index.pod_by_uid(run.pod_uid)
        return pod.container(run.container) if pod else None


@dataclass(frozen=True, slots=True)
class RunLogs:
    """The logs of runs by their numbers: the kubelet has only a present one and the one before that, and no numbers."""

    source: LogSource
    state: RunState

    def open(self, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
        """Raises NotFound where more than one run came after this one, and what `source` raises."""
        behind = self.state.runs_since(run)
        if behind > 1:
            raise NotFound(f"the log of run {run.restart} of {run.container} is not kept any more")
        return self.source.open(run, replace(options, previous=behind == 1))
