"""One round: twenty launches at once with deletes in between, twenty starts with stops, five made past the api."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from guildnet.errors import NotFound
from guildnet.kube.resources import WORKSPACES
from guildnet.names import API_VERSION
from proofs.racing.history import ADMITTED
from proofs.racing.install import ADA, BOB, LIMIT, Install
from support.waiting import eventually

AT_ONCE: Final = 20
JOB: Final = {"image": "example.com/app:1", "name": "same"}
DELETED_AT_ONCE: Final = 0.4
"""Of what was launched or started, the part that is deleted or stopped as soon as it was answered."""
PAST_THE_API: Final = 5
STOPPED: Final = [f"resting-{number}" for number in range(AT_ONCE)]
SPREAD_SECONDS: Final = 1.5
SETTLED_SECONDS: Final = 30.0


@dataclass
class Found:
    """What went wrong, by what it is, and how the requests were answered."""

    faults: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, answer: httpx2.Response, *good: int) -> bool:
        """Count an answer; whether it is the first of the good ones."""
        self.answers[f"{what} {answer.status_code}"] += 1
        if answer.status_code not in good:
            self.faults[f"{what}: {answer.status_code} {answer.text[:200]}"] += 1
        return answer.status_code == good[0]


async def prepare(install: Install) -> None:
    """Twenty workspaces that rest."""
    await asyncio.gather(*(_make(install, name, running=False) for name in STOPPED))


async def _make(install: Install, name: str, *, running: bool) -> Any:
    body = {
        "apiVersion": API_VERSION, "kind": "Workspace",
        "metadata": {"name": name, "annotations": {"guildnet.io/owner": ADA.login}},
        "spec": {"image": JOB["image"], "running": running},
    }  # fmt: skip
    return await install.kube.create(WORKSPACES, install.namespace, body)


async def play(install: Install, found: Found) -> None:
    await launches(install, found)
    await starts(install, found)
    await past_the_api(install, found)


async def launches(install: Install, found: Found) -> None:
    kept: list[str] = []

    async def one() -> None:
        await _moment()
        answer = await install.ask(ADA, "POST", "/api/jobs", JOB)
        if not found.note("launch", answer, 202, 409):
            return
        if random.random() < DELETED_AT_ONCE:
            await _end(install, found, "DELETE", answer.json()["id"])
        else:
            kept.append(answer.json()["id"])

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    await _settled(install, found, kept)
    await asyncio.gather(*(_end(install, found, "DELETE", name) for name in kept))
    await not_locked_out(install, found)


async def not_locked_out(install: Install, found: Found) -> None:
    """All is deleted, so the next launches find every place, whatever was asked before."""
    answers = [await install.ask(ADA, "POST", "/api/jobs", JOB) for _ in range(LIMIT)]
    found.faults["locked out"] += sum(not found.note("launch into free places", answer, 202) for answer in answers)
    names = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    await asyncio.gather(*(_end(install, found, "DELETE", name) for name in names))


async def starts(install: Install, found: Found) -> None:
    kept: list[str] = []

    async def one(name: str) -> None:
        await _moment()
        if not found.note("start", await install.ask(ADA, "POST", f"/api/servers/{name}/start"), 202, 409):
            return
        if random.random() < DELETED_AT_ONCE:
            await _end(install, found, "POST", name)
        else:
            kept.append(name)

    await asyncio.gather(*(one(name) for name in random.sample(STOPPED, AT_ONCE)))
    await _settled(install, found, kept)
    await asyncio.gather(*(_end(install, found, "POST", name) for name in kept))


async def past_the_api(install: Install, found: Found) -> None:
    """Who makes them by kubectl gets no more, and the others are told and wait."""
    names = [f"past-{number}" for number in range(PAST_THE_API)]
    await asyncio.gather(*(_make(install, name, running=True) for name in names))

    async def told() -> bool:
        reasons = Counter([_admitted(await install.kube.get(WORKSPACES, install.namespace, name)) for name in names])
        assert reasons == {"True": LIMIT, "False": PAST_THE_API - LIMIT}, reasons
        return True

    await _expect(found, "made past the api: not as many admitted as may be", told)
    await asyncio.gather(*(_end(install, found, "DELETE", name) for name in names))


async def identical(install: Install, found: Found) -> None:
    """Twenty identical launches of somebody without a limit have twenty names."""
    answers = await asyncio.gather(*(install.ask(BOB, "POST", "/api/jobs", JOB) for _ in range(AT_ONCE)))
    names = {answer.json()["id"] for answer in answers if found.note("identical launch", answer, 202)}
    found.faults["identical launches: names too few"] += AT_ONCE - len(names)
    await asyncio.gather(*(_end(install, found, "DELETE", name, who=BOB) for name in names))


async def _moment() -> None:
    """Half of them come at once, the others while places are given and freed."""
    if random.random() < 0.5:
        await asyncio.sleep(random.uniform(0.0, SPREAD_SECONDS))


async def _end(install: Install, found: Found, method: str, name: str, *, who: Any = ADA) -> None:
    path = f"/api/servers/{name}" if method == "DELETE" else f"/api/servers/{name}/stop"
    found.note("delete" if method == "DELETE" else "stop", await install.ask(who, method, path), 200, 202)


async def _settled(install: Install, found: Found, kept: list[str]) -> None:
    """Who was told yes may run, and of who was told no nothing is left that waits."""

    async def as_told() -> bool:
        items = (await install.kube.list(WORKSPACES, install.namespace))["items"]
        mine = [item for item in items if item["metadata"]["annotations"]["guildnet.io/owner"] == ADA.login]
        running = {item["metadata"]["name"]: _admitted(item) for item in mine if item["spec"]["running"]}
        assert running == dict.fromkeys(kept, "True"), (running, kept)
        return True

    await _expect(found, "told yes or no, and it is not so", as_told)


async def _expect(found: Found, what: str, check: Callable[[], Awaitable[bool]]) -> None:
    try:
        await eventually(check, within=SETTLED_SECONDS, every=0.2)
    except (AssertionError, NotFound) as error:
        print(f"  {what}: {error}", flush=True)
        found.faults[what] += 1


def _admitted(item: Any) -> str:
    """What the operator says of this generation; empty where it has not said it yet."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    told = next((one for one in conditions if one["type"] == ADMITTED), None)
    return told["status"] if told and told["observedGeneration"] >= item["metadata"]["generation"] else ""
