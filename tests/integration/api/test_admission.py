"""`maxConcurrent` as one api sees it, on a real API server; the operator's word is said by the test."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guildnet.errors import NotFound
from guildnet.kube.resources import WORKSPACES
from guildnet_api.access import admission
from support.waiting import eventually

from .conftest import ALICE, BOB, Api
from .test_access import capability, told

JOB = {"image": "acme/tool"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no operator whose word could be waited for, unless a test says it."""
    monkeypatch.setattr(admission, "VERDICT_SECONDS", 0.3)


async def limited(api: Api, count: int, **spec: Any) -> None:
    rights = ["launch", "list", "start", "stop", "delete", "update"]
    await capability(api, "few", rights, constraints={"maxConcurrent": count}, **spec)


async def launch(api: Api) -> Any:
    return await api.ask("POST", "/api/jobs", json=JOB)


async def say(api: Api, name: str, status: str, reason: str) -> None:
    """The operator's verdict on a Workspace as it is now."""
    found = await api.kube.get(WORKSPACES, api.namespace, name)
    verdict = {
        "type": "Admitted", "status": status, "reason": reason, "message": "m",
        "observedGeneration": found["metadata"]["generation"], "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    body = {"status": {"phase": "Pending", "conditions": [verdict]}}
    await api.kube.merge_patch(WORKSPACES, api.namespace, name, body, subresource="status")


async def test_who_deletes_or_stops_one_has_a_place_again(api: Api):
    await limited(api, 1)
    for _ in range(3):
        name = (await launch(api)).json()["id"]
        refused = await launch(api)
        assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached")
        assert refused.json()["details"][0]["field"] == "maxConcurrent"
        assert "stop or delete it" in refused.json()["message"]
        assert (await api.ask("DELETE", f"/api/servers/{name}")).status_code == 200
    name = (await launch(api)).json()["id"]
    assert (await api.ask("POST", f"/api/servers/{name}/stop")).status_code == 202
    assert (await launch(api)).status_code == 202
    start = await api.ask("POST", f"/api/servers/{name}/start")
    assert (start.status_code, start.json()["code"]) == (409, "limit_reached")
    assert told(api, "action", "rule", "result")[-1] == ("start", "capability/few", "denied")


async def test_simultaneous_launches_and_starts_of_one_process_find_the_places_there_are(api: Api):
    await limited(api, 3)
    answers = await asyncio.gather(*(launch(api) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 5
    await asyncio.gather(*(api.ask("DELETE", f"/api/servers/{a.json()['id']}") for a in answers if "id" in a.json()))
    for number in range(6):
        await api.workspace(f"ws{number}", owner=ALICE.login, running=False)
    answers = await asyncio.gather(*(api.ask("POST", f"/api/servers/ws{number}/start") for number in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 3
    found = (await api.kube.list(WORKSPACES, api.namespace))["items"]
    assert sum(item["spec"]["running"] for item in found) == 3


async def test_the_limit_is_the_owners_whoever_starts_it(api: Api):
    await limited(api, 1)
    await api.workspace("alices", owner=ALICE.login)
    await api.workspace("other", owner=ALICE.login, running=False)
    assert (await api.as_(BOB).ask("POST", "/api/servers/other/start")).status_code == 409
    assert (await launch(api.as_(BOB))).status_code == 202


async def test_a_launch_that_the_operator_refuses_is_undone_and_answered_409(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admission, "VERDICT_SECONDS", 20)
    await limited(api, 3)
    asked = asyncio.ensure_future(launch(api))
    ws = await eventually(lambda: next(iter(api.services.watches.index.all()), None))
    await say(api, ws.name, "False", "LimitReached")
    answer = await asked
    assert (answer.status_code, answer.json()["code"]) == (409, "limit_reached")
    assert "the 3 workspaces that Capability few allows" in answer.json()["message"]
    with pytest.raises(NotFound):
        await api.kube.get(WORKSPACES, api.namespace, ws.name)
    assert told(api, "action", "result") == [("launch", "allowed"), ("launch", "failed:limit_reached")]
    asked = asyncio.ensure_future(launch(api))
    ws = await eventually(lambda: next((w for w in api.services.watches.index.all() if w.uid != ws.uid), None))
    await say(api, ws.name, "True", "WithinLimit")
    assert (await asked).json() == {"id": ws.name, "status": "pending"}


async def test_a_start_that_the_operator_refuses_is_undone_and_answered_409(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admission, "VERDICT_SECONDS", 20)
    await limited(api, 3)
    await api.workspace("one", owner=ALICE.login, running=False)
    await say(api, "one", "False", "Stopped")
    asked = asyncio.ensure_future(api.ask("POST", "/api/servers/one/start"))
    await eventually(lambda: (ws := api.services.watches.index.get("one")) and ws.spec.running)
    await say(api, "one", "False", "LimitReached")
    assert ((await asked).status_code, (await asked).json()["code"]) == (409, "limit_reached")
    assert (await api.kube.get(WORKSPACES, api.namespace, "one"))["spec"]["running"] is False
    assert told(api, "action", "result") == [("start", "allowed"), ("start", "failed:limit_reached")]


async def test_without_a_limit_nobody_waits_for_the_operator(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admission, "VERDICT_SECONDS", 60)
    await capability(api, "free", ["launch"])
    async with asyncio.timeout(20):
        assert (await launch(api)).status_code == 202
