"""A thousand Workspaces against a textbook operator; five thousand against a thousand; memory of each."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from proofs import Figure
from scale import runs

FEW, MANY = 1000, 5000
TIMES_TEXTBOOK, GROWTH, KIB_EACH = 2.5, 7.0, 60.0


async def _measured(directory: Path) -> tuple[runs.Run, runs.Run, runs.Run]:
    async with runs.hall(directory) as hall:

        async def one(operator: str, workspaces: int) -> runs.Run:
            found = await hall.run(operator, workspaces)
            print(f"  {found}", flush=True)
            return found

        return await one("textbook", FEW), await one("guildnet", FEW), await one("guildnet", MANY)


def prove() -> Figure:
    with tempfile.TemporaryDirectory() as directory:
        textbook, few, many = asyncio.run(_measured(Path(directory)))
    times, growth, each = few.rate / textbook.rate, many.cpu / few.cpu, many.memory_each / 1024
    text = (
        f"{FEW} Workspaces {few.rate:.0f}/s against {textbook.rate:.0f}/s = {times:.1f} times (≥ {TIMES_TEXTBOOK:g}); "
        f"operator's CPU for {MANY} {growth:.1f} times that for {FEW} (≤ {GROWTH:g}); "
        f"{each:.1f} KiB a Workspace (≤ {KIB_EACH:g})"
    )
    return Figure(text, times >= TIMES_TEXTBOOK and growth <= GROWTH and each <= KIB_EACH)
