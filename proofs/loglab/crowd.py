"""The readers' process as a value: connect, measure, stall, end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from proofs import PYTHON_PATH, ROOT
from proofs.loglab.readers import Measured, Task

CONNECT_SECONDS = 90.0
ANSWER_SECONDS = 30.0


class Crowd:
    """Connected readers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def _said(self, within: float) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(within):
            line = (await self._process.stdout.readline()).decode().strip()
        assert line, "the readers ended: see above"
        return line

    async def _order(self, do: str, seconds: float, /, **order: Any) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **order}).encode() + b"\n")
        return await self._said(seconds)

    async def measure(self, first: int, last: int, within: float) -> Measured:
        """What they are sent of the lines with these numbers, none of which is written yet."""
        answer = await self._order("measure", within + ANSWER_SECONDS, first=first, last=last, within=within)
        return Measured(**json.loads(answer))

    async def stall(self, *, over: float = 0.0) -> None:
        """Those that are to stall take nothing any more, one after the other within so many seconds."""
        assert await self._order("stall", over + ANSWER_SECONDS, over=over) == "stalled"


@asynccontextmanager
async def crowd(task: Task, *, core: int | None = None) -> AsyncIterator[Crowd]:
    """Readers that are connected, until the block ends."""
    pinned = ["taskset", "--cpu-list", str(core)] if core is not None else []
    process = await asyncio.create_subprocess_exec(
        *pinned, sys.executable, "-m", "proofs.loglab.readers",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PYTHON_PATH},
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
        made = Crowd(process)
        assert await made._said(CONNECT_SECONDS) == "connected"
        yield made
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
