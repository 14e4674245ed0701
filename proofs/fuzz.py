"""Whatever is asked of the api of the real cluster, it answers as its document has it, and never with 5xx."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from proofs import Figure
from proofs.fuzzing.asking import Fuzz
from proofs.fuzzing.cases import play
from support.local import Local, bring_up
from support.openapi import Contract

REQUESTS = 5000
QUICK_REQUESTS = 800
MAX_SECONDS = 900
SHOWN = 10
NAME = "proof-fuzz"


@contextmanager
def _fuzz(local: Local) -> Iterator[Fuzz]:
    with local.api() as api:
        made = api.post("/api/jobs", json={"image": "guildnet/jupyterlab:0.1.0", "name": NAME})
        assert made.status_code == 202, made.text
        server = made.json()["id"]
        try:
            document = api.get("/api/openapi.json").json()
            yield Fuzz(api, Contract(document), server, passing_token=lambda: Local().token)
        finally:
            api.delete(f"/api/servers/{server}")


def _one_of_each(texts: list[str]) -> list[str]:
    """The first of those that complain of the same."""
    return list({text.rpartition(": ")[2]: text for text in reversed(texts)}.values())


def prove(*, quick: bool = False) -> Figure:
    wanted = QUICK_REQUESTS if quick else REQUESTS
    bring_up()
    seed = random.SystemRandom().getrandbits(32)
    print(f"  seed {seed}")
    deadline = time.monotonic() + MAX_SECONDS
    with _fuzz(Local()) as fuzz:
        play(
            fuzz.contract.document, fuzz.server, fuzz.ask,
            lambda: fuzz.requests >= wanted or time.monotonic() > deadline, random.Random(seed),
        )  # fmt: skip
    for text in (*fuzz.faults[:SHOWN], *_one_of_each(fuzz.outside)[:SHOWN]):
        print(f"  {text}")
    print("  statuses:", ", ".join(f"{status}: {count}" for status, count in sorted(fuzz.statuses.items())))
    text = (
        f"{fuzz.requests} requests, {len(fuzz.faults)} answers of 5xx or none, {len(fuzz.outside)} outside the document"
    )
    return Figure(text, fuzz.requests >= wanted and not fuzz.faults and not fuzz.outside)
