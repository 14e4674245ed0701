"""Many at once get names of their own, and never more than may run do, nor is anybody locked out.

Three api processes and an operator before a real API server with real controllers, without kubelet or scheduler: what
may run is decided before either sees it, and a node that starts and ends pods would make of each round a minute. `make
up` is not needed.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from guildnet.kube.client import connect
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.racing import history, rounds
from proofs.racing.install import ADA, LIMIT, REPLICAS, install
from support.apiserver import ApiServer
from support.shared import shared_apiserver

ROUNDS: Final = 200
FEW: Final = 5
IDENTICAL_EVERY: Final = 10


async def _played(server: ApiServer, directory: Path, count: int) -> tuple[rounds.Found, history.Most]:
    found = rounds.Found()
    async with (
        connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube,
        install(server, kube, directory) as made,
        history.recorded(kube, made.namespace) as seen,
    ):
        await rounds.prepare(made)
        for number in range(count):
            began = time.monotonic()
            if number % IDENTICAL_EVERY == 0:
                await rounds.identical(made, found)
            await rounds.play(made, found)
            if number % IDENTICAL_EVERY == 0 or found.faults.total():
                print(
                    f"  round {number + 1}: {time.monotonic() - began:.1f} s, {found.faults.total()} faults so far",
                    flush=True,
                )
        await asyncio.sleep(0)
    for what, times in sorted(found.answers.items()):
        print(f"  {what:<32}{times:>8}")
    return found, history.most(seen.events, ADA.login)


def judged(found: rounds.Found, most: history.Most, count: int) -> Figure:
    for what, times in (+found.faults).most_common():
        print(f"  NOT AS PROMISED, {times} times: {what}")
    locked = found.faults["locked out"]
    text = (
        f"{count} rounds of {rounds.AT_ONCE} launches and {rounds.AT_ONCE} starts at {REPLICAS} replicas, with deletes "
        f"and stops in between: at most {most.admitted} admitted and {most.scaled} scaled up at once (≤ {LIMIT}), "
        f"locked out {locked} times (0), {found.faults.total() - locked} other things not as promised (0); "
        f"{rounds.AT_ONCE} identical launches had {rounds.AT_ONCE} names"
    )
    met = most.admitted == LIMIT and most.scaled == LIMIT and not found.faults.total()
    return Figure(text, met)


def prove(*, quick: bool = False) -> Figure:
    quiet()
    count = FEW if quick else ROUNDS
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        return judged(*asyncio.run(_played(server, Path(directory), count)), count)
