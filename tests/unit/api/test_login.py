"""The password of a workspace's own program: shown to who may use it where it is in force, and the audit says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guildnet.workspace import app_login
from support.played_api import ALICE, NOBODY, PlayedApi, played_api

KEY = b"w" * 40
OTHER = replace(ALICE, login="bob@example.com")


@pytest.fixture
def api(tmp_path: Path) -> PlayedApi:
    (tmp_path / "workspace").write_bytes(KEY)
    made = played_api(tmp_path, workspace_key_file=str(tmp_path / "workspace"), access_default="owner")
    made.workspace("vs", image="guildnet/code-server:1")
    made.pod("vs", secret="vs-login")
    return made


async def test_who_may_use_it_sees_it_and_the_audit_trail_says_so(api: PlayedApi) -> None:
    answer = await api.ask("GET", "/api/servers/vs/login")
    assert answer.json() == {"password": app_login.password(KEY, "vs-uid")}
    assert answer.headers["cache-control"] == "no-store"
    (line,) = api.audit
    assert (line["who"], line["action"], line["object"], line["result"]) == (
        "alice@example.com", "showLogin", "vs", "allowed",
    )  # fmt: skip
    assert answer.json()["password"] not in str(api.audit)


async def test_nobody_else_sees_it(api: PlayedApi) -> None:
    for identity, status in ((OTHER, 404), (NOBODY, 404)):
        api.identity = identity
        answer = await api.ask("GET", "/api/servers/vs/login")
        assert (answer.status_code, "password" in answer.text) == (status, False)
    assert [line["allowed"] for line in api.audit] == [False, False]


@pytest.mark.parametrize(
    "why", ["another image", "its own password", "an earlier pod", "no pod", "no key", "another's pod"]
)
async def test_what_is_not_the_one_that_runs_is_not_shown(api: PlayedApi, tmp_path: Path, why: str) -> None:
    image, env, secret = "guildnet/code-server:1", [], "x-login"
    if why == "another image":
        image = "acme/tool"
    if why == "its own password":
        env = [{"name": "PASSWORD", "value": "mine"}]
    if why == "an earlier pod":
        secret = "x-password"
    if why == "no key":
        api = played_api(tmp_path)
    api.workspace("x", image=image, env=env)
    if why == "another's pod":
        api.pod("y", secret=secret)
    elif why != "no pod":
        api.pod("x", secret=secret)
    answer = await api.ask("GET", "/api/servers/x/login")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_login")
    assert api.audit == []
