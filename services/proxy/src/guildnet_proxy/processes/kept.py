"""One process that is kept running: started again when it dies, killed when it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable

from guildnet.errors import Invalid, Unreachable
from guildnet.settings import EXIT_BAD_SETTINGS
from guildnet.telemetry import logger
from guildnet_proxy.processes.ops import Ops
from guildnet_proxy.processes.share import Share

SOON_SECONDS = 30.0
"""Who dies within these of its start had no life."""
MAX_SOON = 3
"""So often in a row, and the whole proxy ends: no restart heals that, and whoever runs it shall see it."""
PAUSE_SECONDS = 1.0
ALIVE_SECONDS = 10.0
"""Between two questions whether it is alive, as the kubelet asks."""
MAX_SILENT = 3
"""Questions without an answer, one after the other, and it is killed."""


def command(share: Share) -> list[str]:
    """How the process of a share is started."""
    given = (share.index, share.count, share.folder, share.tailnet)
    return [sys.executable, "-P", "-m", "guildnet_proxy.processes.worker", *map(str, given)]


class Kept:
    """`ended` is told of each end of the process that was not asked for."""

    def __init__(
        self, share: Share, ended: Callable[[Share], None], command: Callable[[Share], list[str]] = command
    ) -> None:
        self.share = share
        self.ops = Ops(share.ops)
        self.process: asyncio.subprocess.Process | None = None
        self._ended = ended
        self._command = command
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until it is stopped; raises what no restart heals."""
        soon = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._lives()
            if self._stopping.is_set():
                return
            if status == EXIT_BAD_SETTINGS:
                raise Invalid("A process cannot start with these settings.")
            soon = soon + 1 if time.monotonic() - began < SOON_SECONDS else 0
            self._ended(self.share)
            if soon >= MAX_SOON:
                raise Unreachable(f"Process {self.share.index} ended {soon} times soon after its start.")
            logger.error("process ended and starts again", number=self.share.index, status=status)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _lives(self) -> int:
        """From its start to its end; gives its exit status."""
        passed = (self.share.tailnet,) if self.share.tailnet >= 0 else ()
        self.process = await asyncio.create_subprocess_exec(
            *self._command(self.share), stdin=asyncio.subprocess.PIPE, pass_fds=passed
        )
        if self._stopping.is_set():
            self.process.terminate()  # whoever stopped it meanwhile did not see it
        watched = asyncio.create_task(self._watch(self.process), name=f"watch of process {self.share.index}")
        try:
            return await self.process.wait()
        finally:
            watched.cancel()
            await asyncio.gather(watched, return_exceptions=True)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kills it when it hangs: it would keep its share of the connections."""
        silent = 0
        while True:
            await asyncio.sleep(ALIVE_SECONDS)
            try:
                await self.ops.get("/healthz")
                silent = 0
            except Unreachable:
                silent += 1
            if silent >= MAX_SILENT:
                logger.error("process hangs and is killed", number=self.share.index)
                process.kill()
                return

    def leave(self) -> None:
        """It is not started again."""
        self._stopping.set()

    async def stop(self, seconds: float) -> int:
        """SIGTERM, and SIGKILL after `seconds`; gives its exit status, 0 where it does not run."""
        self.leave()
        process = self.process
        if process is None or process.returncode is not None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(seconds):
                return await process.wait()
        except TimeoutError:
            logger.error("process did not stop in time and is killed", number=self.share.index)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            return await process.wait()
