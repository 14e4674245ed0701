"""Stop-all goes on past a failure, several at once, and says what it did."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from guildnet_api.handlers.stop_all import AT_ONCE
from support.played_api import PlayedApi, played_api, status

NAMES = [f"w{number:02}" for number in range(20)]


@pytest.fixture
def api(tmp_path: Path) -> PlayedApi:
    played = played_api(tmp_path)
    for name in NAMES:
        played.workspace(name)
    return played


async def test_it_goes_on_past_a_failure_and_says_what_it_did(api: PlayedApi):
    answers = {
        "w03": (409, status(409, "Conflict", "the UID in the precondition does not match")),
        "w07": (0, b""),
        "w09": (404, status(404, "NotFound", 'workspaces "w09" not found', kind="workspaces", name="w09")),
    }
    api.cluster.refuse = lambda method, path: answers.get(path[-3:]) if method == "DELETE" else None
    answer = await api.ask("POST", "/api/stop-all")
    assert (answer.status_code, answer.json()["code"]) == (503, "incomplete")
    assert answer.json()["deleted"] == [name for name in NAMES if name not in ("w03", "w07")]
    assert [detail["field"] for detail in answer.json()["details"]] == ["w03", "w07"]
    assert "10.96.0.1" not in answer.text
    assert answer.headers["Retry-After"]
    assert {(line["object"], line["result"]) for line in api.audit if line["result"] != "allowed"} == {
        ("w03", "failed:conflict"),
        ("w07", "failed:unavailable"),
    }
    assert [line["object"] for line in api.audit if line["result"] == "allowed"] == NAMES
    api.cluster.refuse = lambda *_: None
    assert (await api.ask("POST", "/api/stop-all")).json() == {"deleted": ["w03", "w07", "w09"]}


async def test_nothing_deleted_is_the_first_failure(api: PlayedApi):
    api.cluster.refuse = lambda *_: (0, b"")
    answer = await api.ask("POST", "/api/stop-all")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_several_are_deleted_at_once_and_never_more_than_the_pace(
    api: PlayedApi, monkeypatch: pytest.MonkeyPatch
):
    under_way = most = 0
    real = api.cluster.request

    async def slow(*arguments: Any, **options: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return await real(*arguments, **options)

    monkeypatch.setattr(api.cluster, "request", slow)
    assert (await api.ask("POST", "/api/stop-all")).json() == {"deleted": NAMES}
    assert most == AT_ONCE


async def test_a_line_that_cannot_be_written_is_told_as_itself(tmp_path: Path):
    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    api = played_api(tmp_path, write=full)
    api.workspace("w")
    answer = await api.ask("POST", "/api/stop-all")
    assert (answer.status_code, answer.json()["code"]) == (503, "audit_failed")
    assert api.services.watches.index.get("w")
