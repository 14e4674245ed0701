"""40 secrets, given in every way that people give them, are searched for wherever a whole run leaves something.

Real api and operator processes before a real API server with its controllers, and a real Redis; scheduler and kubelet
are played, and nothing is asked through the proxy, which neither reads nor writes bodies. A secret of an argument
stands in the objects that a container is started from: it is not searched for there.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from proofs import Figure
from proofs.planting.run import Texts, gather, play, staged
from proofs.planting.secrets import Planted, planted

NUMBER: Final = 40
STARTED_FROM: Final = ("Workspace ", "Deployment ", "Pod ")
"""Kinds of objects that hold arguments in the open."""


async def _searched(directory: Path, given: Planted) -> Texts:
    async with staged(directory, given) as stage:
        await play(stage, given)
        await gather(stage)
        return stage.texts


def judged(texts: Texts, given: Planted) -> Figure:
    found = {
        place: hits
        for place, text in texts.places.items()
        if (hits := given.found_in(text, arguments=not place.startswith(STARTED_FROM)))
    }
    for place, hits in found.items():
        print(f"  {len(hits)} in {place}", flush=True)
    # What a patch brought, another one replaced: it is gone with its Secret.
    replaced = given.found_in(str(given.patch))
    held = given.found_in(texts.held)
    lost = {*given.values} - {*given.arguments} - {*replaced} - {*held}
    again = {*replaced} & {*held}
    total = sum(map(len, found.values()))
    text = (
        f"{len(given.values)} planted secrets (≥ {NUMBER}) in {len(texts.places)} places: found {total} (0); of those "
        f"kept in Secrets missing {len(lost)} (0), of those replaced still there {len(again)} (0), Secrets that "
        f"nothing refers to {texts.secrets_left} (0)"
    )
    return Figure(text, len(given.values) >= NUMBER and not (total or lost or again or texts.secrets_left))


def prove() -> Figure:
    given = planted()
    with tempfile.TemporaryDirectory() as directory:
        return judged(asyncio.run(_searched(Path(directory), given)), given)
