"""Pages of other sites have no effect through a browser that is logged in, whatever they make it send.

Through a real proxy and a real api process, on a real API server: twelve values of Origin to every route of the api's
table that changes something or streams, each with JSON and with what a form may send, without Origin as browsers mark
it, under foreign names, and straight to the api. An effect is an object of the cluster that is another afterwards, and
an answer that is no refusal or that a page of another site may read.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from guildnet.kube.client import connect
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.forged.install import Answer, Install, install
from proofs.forged.requests import VICTIM, Asked, forged, origins, own, routes
from support.apiserver import ApiServer
from support.shared import shared_apiserver

AT_ONCE: Final = 8
REFUSED: Final = frozenset({401, 403, 404, 405, 415, 421})
ORIGINS: Final = 12


@dataclass
class Found:
    """How the forged requests were answered, what they did, and which of the own page's did nothing."""

    answers: Counter[int] = field(default_factory=Counter)
    effects: list[str] = field(default_factory=list)
    useless: list[str] = field(default_factory=list)
    worked: int = 0


def effect(asked: Asked, answer: Answer) -> str:
    """What a forged request did by its answer; empty where that is a refusal that nobody else can read."""
    if answer.status not in REFUSED:
        return f"{asked.method} {asked.target} {asked.case}: {answer.status}"
    if answer.readable_by:
        return f"{asked.method} {asked.target} {asked.case}: can be read by {answer.readable_by}"
    return ""


async def _refused(made: Install, found: Found) -> None:
    await made.workspace(VICTIM)
    before = await made.objects()
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(asked: Asked) -> None:
        async with turns:
            answer = await made.ask(asked)
        found.answers[answer.status] += 1
        if complaint := effect(asked, answer):
            found.effects.append(complaint)

    await asyncio.gather(*(one(asked) for asked in forged(made.control)))
    after = await made.objects()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    found.effects += [f"{kind} {name} is another" for kind, name in sorted(changed)]


async def _straight(made: Install, found: Found) -> None:
    """To the api itself, where nobody vouches for the browser."""
    straight = replace(made, port=made.api_port)
    for method, target, body in routes(VICTIM):
        if target == "/logout":
            continue
        lines = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        asked = Asked("straight to the api", method, target, lines, body)
        answer = await straight.ask(asked)
        found.answers[answer.status] += 1
        if complaint := effect(asked, answer):
            found.effects.append(complaint)


async def _worked(made: Install, found: Found) -> None:
    for asked in own(made.control):
        name = next((part for part in asked.target.replace("=", "/").split("/") if part.startswith("own-")), "")
        if name:
            await made.workspace(name)
            await asyncio.sleep(0.3)  # until the watch of the api has told of it
        answer = await made.ask(asked)
        if answer.status in (200, 202) and answer.begun:
            found.worked += 1
        else:
            found.useless.append(f"{asked.method} {asked.target}: {answer.status} {answer.begun[:100]!r}")


async def _found(server: ApiServer, directory: Path) -> Found:
    found = Found()
    async with (
        connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube,
        install(server, kube, directory) as made,
    ):
        await _refused(made, found)
        await _straight(made, found)
        await _worked(made, found)
    return found


def judged(found: Found) -> Figure:
    for complaint in (*found.effects, *found.useless):
        print(f"  NOT AS PROMISED: {complaint}")
    print(f"  refusals: {', '.join(f'{times} × {status}' for status, times in sorted(found.answers.items()))}")
    text = (
        f"{found.answers.total()} forged requests, {ORIGINS} Origins to {len(routes(VICTIM))} routes: "
        f"{len(found.effects)} effects (0); of the own page's {found.worked} worked, {len(found.useless)} did not (0)"
    )
    return Figure(text, bool(found.answers) and not found.effects and not found.useless and found.worked > 0)


def prove() -> Figure:
    quiet()
    assert len(origins("http://guildnet.localhost:8080")) == ORIGINS
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory) / "server") as server:
        with redirect_stdout(io.StringIO()):  # hundreds of audit lines
            found = asyncio.run(_found(server, Path(directory)))
        return judged(found)
