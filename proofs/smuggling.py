"""No request means one thing to the proxy and another to the server behind it; no answer reaches another's request."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from proofs import Figure
from proofs.proxied.running import proxy
from proofs.vectors import behind, misbehaving
from proofs.vectors.answering import vectors as answer_vectors
from proofs.vectors.replay import Tally, replay
from proofs.vectors.requests import ALL

VECTORS: Final = 250
SERVERS: Final = 6


async def _replayed(directory: Path) -> tuple[list[Tally], Tally]:
    """What came of the requests at each server, and of an upstream's answers."""
    async with behind.running(directory) as servers, misbehaving.upstream() as upstream:
        ports = {server.name: server.port for server in servers} | {misbehaving.NAME: upstream.port}
        async with proxy(directory, ports) as running:
            *tallies, answers = await asyncio.gather(
                *(replay(running, server, ALL) for server in servers),
                misbehaving.replay(running, upstream, answer_vectors()),
            )
    return tallies, answers


def judged(requests: list[Tally], answers: Tally) -> Figure:
    """The figure: every server was asked everything, nobody disagreed, and the proxy failed nowhere."""
    tallies = [*requests, answers]
    disagreements = sum(len(tally.disagreements) for tally in tallies)
    faults = sum(tally.own_faults for tally in tallies)
    text = (
        f"{len(ALL)} request vectors to {len(requests)} servers and {answers.replayed} answers of an upstream: "
        f"{sum(tally.meant for tally in requests):,} requests forwarded, "
        f"{sum(tally.turned_away for tally in requests)} of them turned away by a server that says so, "
        f"{disagreements} disagreements, {faults} answers of 5xx of our own"
    )
    whole = all(tally.replayed == len(ALL) >= VECTORS for tally in requests) and len(requests) >= SERVERS
    return Figure(text, whole and not disagreements and not faults)


def prove() -> Figure:
    behind.install()
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        directory.chmod(0o755)  # Apache's workers are not root
        requests, answers = asyncio.run(_replayed(directory))
    for tally in (*requests, answers):
        print(f"  {tally.server:<12}{tally.replayed} vectors, {len(tally.disagreements)} disagreements")
        for text in tally.disagreements:
            print(f"    {text}")
    return judged(requests, answers)
