"""A thousand Workspaces against a textbook operator; five thousand against a thousand; memory of each.

On a small machine the API server is what both wait for. So they are compared where the operator is what counts: each
held to the CPU of a pod with a limit of 200m. The unlimited runs are printed too.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from proofs import Figure
from proofs.scale import runs

FEW, MANY, CORES = 1000, 5000, 0.2
TIMES_TEXTBOOK, GROWTH, KIB_EACH = 2.5, 7.0, 60.0


async def _measured(directory: Path) -> dict[str, runs.Run]:
    async with runs.hall(directory) as hall:

        async def one(operator: str, workspaces: int, cores: float | None = None) -> runs.Run:
            found = await hall.run(operator, workspaces, cores=cores)
            print(f"  {f'{cores:g} cores' if cores else 'no limit'}, {found}", flush=True)
            return found

        return {
            "textbook": await one("textbook", FEW, CORES),
            "limited": await one("guildnet", FEW, CORES),
            "textbook unlimited": await one("textbook", FEW),
            "few": await one("guildnet", FEW),
            "many": await one("guildnet", MANY),
        }


def prove() -> Figure:
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(_measured(Path(directory)))
    limited, textbook, few, many = (found[name] for name in ("limited", "textbook", "few", "many"))
    times, growth, each = limited.rate / textbook.rate, many.cpu / few.cpu, many.memory_each / 1024
    unlimited = few.rate / found["textbook unlimited"].rate
    text = (
        f"{FEW} Workspaces at {CORES:g} cores {limited.rate:.1f}/s against {textbook.rate:.1f}/s = {times:.1f} times "
        f"(≥ {TIMES_TEXTBOOK:g}), without a limit {unlimited:.1f} times; operator's CPU for {MANY} {growth:.1f} times "
        f"that for {FEW} (≤ {GROWTH:g}); {each:.1f} KiB a Workspace (≤ {KIB_EACH:g})"
    )
    return Figure(text, times >= TIMES_TEXTBOOK and growth <= GROWTH and each <= KIB_EACH)
