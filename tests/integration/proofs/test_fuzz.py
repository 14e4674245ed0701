"""The fuzzer against a whole api: it asks for everything, finds nothing, and would find a fault."""

from __future__ import annotations

import asyncio
import copy
import random
import time

import httpx2
import pytest

from guildnet.identity import HEADER, sign
from guildnet_api.handlers import logs
from integration.api.conftest import ALICE, KEY, Api, Kubelet, kubelet, start_api  # noqa: F401  fixtures
from proofs.fuzzing.asking import Fuzz
from proofs.fuzzing.cases import KNOWN_TROUBLE, Wish, play, trouble
from support.openapi import Contract, contract
from support.waiting import eventually

PROXYS = ("/login", "/logout", "/api/proxy-debug")
"""What the proxy answers; there is none in this ring."""
REQUESTS = 500


@pytest.fixture
async def fuzz(start_api, kubelet: Kubelet):  # noqa: F811  a fixture by that name
    api: Api = await start_api()
    await api.workspace("w", owner="alice@example.com")
    await api.pod("w", "w-1")
    kubelet.write("w-1", "one", "ERROR two")
    await eventually(lambda: api.services.watches.index.pod("w"))

    def signed(method: str, path: str) -> dict[str, str]:
        return {HEADER: sign(ALICE, KEY, method=method, path=path, now=time.time())}

    with httpx2.Client(base_url=api.url, timeout=30, trust_env=False) as client:
        yield Fuzz(client, contract(), "w", signed)


# The api draws random numbers while Hypothesis, in the other thread, watches that no strategy does.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_whatever_is_asked_is_answered_as_the_document_has_it(fuzz: Fuzz):
    document = dict(fuzz.contract.document)
    document["paths"] = {path: by for path, by in document["paths"].items() if path not in PROXYS}
    chance = random.Random(7)
    await asyncio.to_thread(play, document, "w", fuzz.ask, lambda: fuzz.requests >= REQUESTS, chance)
    assert fuzz.faults == []
    assert fuzz.outside == []
    assert fuzz.requests >= REQUESTS
    assert {200, 202, 400, 404} <= set(fuzz.statuses)


async def test_it_notices_a_fault(fuzz: Fuzz, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "_bounded", lambda seconds: int(seconds) // 0)
    for wish in trouble("w"):
        await asyncio.to_thread(fuzz.ask, wish)
    assert fuzz.requests > len(KNOWN_TROUBLE)
    assert any("since=999999d" in fault and ": 500" in fault for fault in fuzz.faults)
    assert not any("lastEventId" in fault for fault in fuzz.faults)


async def test_it_notices_an_answer_outside_the_document(fuzz: Fuzz):
    document = copy.deepcopy(dict(fuzz.contract.document))
    document["paths"]["/api/servers"]["get"]["responses"]["200"]["content"] = {"text/plain": {}}
    fuzz.contract = Contract(document)
    await asyncio.to_thread(fuzz.ask, Wish("GET", "/api/servers"))
    assert "application/json is not in the document" in fuzz.outside[0]
