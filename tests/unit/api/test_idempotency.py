"""A launch that is asked for again with its key is the same launch, whatever happened to the answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet.names import DNS_1035_LABEL, base_name
from guildnet_api.workspaces.idempotency import launch_key
from guildnet_api.workspaces.spec import JobSpec
from support.played_api import ALICE, KEY, PlayedApi, played_api, status

JOB = {"image": "acme/tool", "name": "My App", "env": {"TOKEN": "x"}}


@pytest.fixture
def api(tmp_path: Path) -> PlayedApi:
    return played_api(tmp_path)


async def launch(api: PlayedApi, key: str | None = "k-1", **job: Any) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await api.ask("POST", "/api/jobs", json={**JOB, **job}, headers=headers)


def kinds(api: PlayedApi) -> list[str]:
    return sorted(path.rpartition("/")[0].rpartition("/")[2] for path in api.cluster.objects)


async def test_a_repeat_is_the_same_launch(api: PlayedApi):
    first, second = await launch(api), await launch(api)
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]
    assert kinds(api) == ["secrets", "workspaces"]


async def test_repeats_at_once_are_one_launch(api: PlayedApi):
    answers = await asyncio.gather(*(launch(api) for _ in range(20)))
    assert {(answer.status_code, answer.json()["id"]) for answer in answers} == {(202, answers[0].json()["id"])}
    assert kinds(api) == ["secrets", "workspaces"]


async def test_a_time_out_after_which_the_workspace_is_there_is_made_good_by_a_repeat(api: PlayedApi):
    real = api.cluster.request

    async def cut(method: str, path: str, **options: Any) -> Any:
        done = await real(method, path, **options)
        if method == "POST" and path.endswith("/workspaces"):
            api.cluster.refuse = lambda *_: (0, b"")
            api.cluster._check(method, path)
        return done

    api.cluster.request = cut  # type: ignore[method-assign]
    assert (await launch(api)).status_code == 503
    assert kinds(api) == ["workspaces"], "and its Secret is missing"
    api.cluster.request, api.cluster.refuse = real, lambda *_: None  # type: ignore[method-assign]
    again = await launch(api)
    assert again.status_code == 202
    assert kinds(api) == ["secrets", "workspaces"]


async def test_another_caller_and_another_key_launch_another(api: PlayedApi):
    first = (await launch(api)).json()["id"]
    assert (await launch(api, "k-2")).json()["id"] != first
    assert (await launch(api, None)).json()["id"] != first
    api.identity = ALICE.__class__("user", "bob@example.com", entry=ALICE.entry)
    assert (await launch(api)).json()["id"] != first


@pytest.mark.parametrize("change", [{"args": ["--x"]}, {"name": "Other"}, {"image": "acme/other"}])
async def test_a_key_for_another_launch_is_refused(api: PlayedApi, change: dict[str, Any]):
    await launch(api)
    answer = await launch(api, **change)
    assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")
    assert kinds(api) == ["secrets", "workspaces"]


async def test_a_name_that_is_taken_by_another_is_passed_over(api: PlayedApi):
    key = launch_key("k-1", ALICE.subject, JobSpec.model_validate(JOB), KEY)
    assert key is not None
    api.workspace(key.name("my-app", 0))
    assert (await launch(api)).json()["id"] == key.name("my-app", 1)


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_refused(api: PlayedApi, key: str):
    answer = await launch(api, key)
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "Idempotency-Key")


async def test_a_quota_that_refuses_the_secret_leaves_no_workspace(api: PlayedApi):
    refused = status(403, "Forbidden", 'secrets "a" is forbidden: exceeded quota: small', kind="secrets", name="a")
    api.cluster.refuse = lambda method, path: (403, refused) if (method, path[-7:]) == ("POST", "secrets") else None
    assert (await launch(api)).json()["code"] == "admission_denied"
    assert kinds(api) == []


@given(st.text(min_size=1, max_size=40), st.text(max_size=70), st.integers(0, 9))
def test_every_name_of_a_key_is_a_name(given_key: str, base: str, attempt: int):
    key = launch_key(f"k{given_key}", "alice", JobSpec(image="acme/tool"), KEY)
    assert key is not None
    name = key.name(base_name(base, "acme/tool"), attempt)
    assert DNS_1035_LABEL.fullmatch(name)
    assert name == key.name(base_name(base, "acme/tool"), attempt)


def test_what_a_launch_is_told_apart_by_gives_no_guess_of_its_secrets_away():
    job = JobSpec.model_validate(JOB)
    one, other = launch_key("k", "alice", job, KEY), launch_key("k", "alice", job, b"o" * 32)
    assert one is not None
    assert other is not None
    assert (one.digest, one.fingerprint != other.fingerprint) == (other.digest, True)
