"""The status is right whatever fails: each child × each way its write can fail × a new or a running workspace."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from guildnet.kube.client import connect
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.truth.cells import FAULTS, WITHIN_SECONDS
from proofs.truth.play import Seen, play
from support.apiserver import ApiServer
from support.shared import shared_apiserver

QUICK: Final = ("500 of a webhook",)
"""The ways to fail of the short form."""


async def _played(server: ApiServer, directory: Path, faults: Sequence[str]) -> list[Seen]:
    found: list[Seen] = []
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        for fault in faults:
            seen = await play(server, kube, directory, fault)
            for item in seen:
                took = "never" if item.seconds is None else f"after {item.seconds:.1f} s"
                print(f"  {item.cell}: {took}{f', in the end: {item.complaint}' if item.complaint else ''}", flush=True)
            found += seen
    return found


def prove(*, quick: bool = False) -> Figure:
    """The short form plays one way to fail."""
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        found = asyncio.run(_played(server, Path(directory), QUICK if quick else FAULTS))
    good = sum(item.good for item in found)
    slowest = max((item.seconds for item in found if item.seconds is not None), default=0.0)
    text = (
        f"{good} of {len(found)} cells (child × way to fail × new or running): status right ≤ {WITHIN_SECONDS:g} s "
        f"after, and stays so; slowest {slowest:.1f} s"
    )
    return Figure(text, good == len(found) > 0)
