"""A thousand Workspaces against a textbook operator; five thousand against a thousand; memory of each.

On a small machine the API server is what both wait for. So they are compared where the operator is what counts: each
held to the CPU of a pod with a limit of 200m, in rounds that alternate, and the worst round counts. The unlimited runs
are printed too.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs import Figure
from proofs.scale import runs

CORES: Final = 0.2
TIMES_TEXTBOOK, GROWTH_EACH, KIB_EACH = 2.5, 1.4, 60.0
TEXTBOOK: Final = (
    "The textbook operator is written as kopf's documentation teaches it: handlers with the official client, of which "
    "each call makes a new one, with a TLS handshake of its own. That is part of what is compared."
)


@dataclass(frozen=True, slots=True)
class Size:
    """How many Workspaces: in each round of the comparison, and for growth."""

    rounds: int
    compared: int
    few: int
    many: int


FULL, QUICK = Size(2, 500, 1000, 5000), Size(1, 60, 200, 600)


@dataclass(frozen=True, slots=True)
class Found:
    """The runs: pairs of the textbook's and ours, limited and not, and ours with few and with many Workspaces."""

    limited: list[tuple[runs.Run, runs.Run]]
    unlimited: tuple[runs.Run, runs.Run]
    few: runs.Run
    many: runs.Run

    @property
    def times(self) -> float:
        """How many times the textbook's rate ours was in the worst round."""
        return min(ours.rate / textbook.rate for textbook, ours in self.limited)


async def _measured(directory: Path, size: Size) -> Found:
    async with runs.hall(directory) as hall:

        async def one(operator: str, workspaces: int, cores: float | None = None) -> runs.Run:
            found = await hall.run(operator, workspaces, cores=cores)
            print(f"  {f'{cores:g} cores' if cores else 'no limit'}, {found}", flush=True)
            return found

        limited = [
            (await one("textbook", size.compared, CORES), await one("guildnet", size.compared, CORES))
            for _ in range(size.rounds)
        ]
        unlimited = await one("textbook", size.few), await one("guildnet", size.few)
        return Found(limited, unlimited, unlimited[1], await one("guildnet", size.many))


def prove(*, quick: bool = False) -> Figure:
    size = QUICK if quick else FULL
    print(f"  {TEXTBOOK}")
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(_measured(Path(directory), size))
    few, many = found.few, found.many
    growth, most, each = many.cpu / few.cpu, GROWTH_EACH * size.many / size.few, many.memory_each / 1024
    textbook, ours = min(found.limited, key=lambda pair: pair[1].rate / pair[0].rate)
    unlimited = found.unlimited[1].rate / found.unlimited[0].rate
    text = (
        f"{size.compared} Workspaces at {CORES:g} cores, worst of {size.rounds} rounds: {ours.rate:.1f}/s against "
        f"{textbook.rate:.1f}/s = {found.times:.1f} times (≥ {TIMES_TEXTBOOK:g}), without a limit "
        f"{unlimited:.1f} times; operator's CPU for {size.many} {growth:.1f} times that for {size.few} (≤ {most:g}); "
        f"{each:.1f} KiB a Workspace (≤ {KIB_EACH:g})"
    )
    return Figure(text, found.times >= TIMES_TEXTBOOK and growth <= most and each <= KIB_EACH)
