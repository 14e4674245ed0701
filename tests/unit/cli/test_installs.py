"""login, use, logout: what is remembered, where, and who can read it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from guildnet_cli import installs
from guildnet_cli.installs import Installs

from .conftest import ME, NOBODY, URL, PlayedApi, Run, refusal, reply


class Ring:
    """A keyring's backend."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, name: str, token: str) -> None:
        self.kept[service, name] = token

    def get_password(self, service: str, name: str) -> str | None:
        return self.kept.get((service, name))

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


@pytest.fixture(autouse=True)
def named(api: PlayedApi) -> None:
    api.on("GET /api/ui-config", {"name": "guildnet", "version": "0.1.0"})


def test_a_login_url_brings_its_token_along_and_only_its_owner_can_read_it(run: Run, api: PlayedApi, config: Path):
    done = run("login", f"{URL}/login?token=t0ken&next=%2F")
    assert (done.code, done.out) == (0, "logged in to guildnet as alice@example.com (token in a file of mode 0600)\n")
    assert api.asked[0].headers["Authorization"] == "Bearer t0ken"
    file = config / "tokens" / "guildnet"
    assert file.read_text() == "t0ken\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "t0ken" not in (config / "installs.json").read_text()
    assert [item.name for item in config.rglob(".*")] == []


def test_on_the_tailnet_there_is_nothing_to_log_in_with(run: Run, api: PlayedApi, config: Path):
    done = run("login", "guildnet.example.ts.net")
    assert done.code == 0
    assert "the tailnet is the login" in done.out
    assert not (config / "tokens").exists()
    assert Installs(config).choose().url == "https://guildnet.example.ts.net"
    assert "Authorization" not in api.asked[0].headers


def test_whom_the_install_does_not_know_is_asked_for_a_token_and_nothing_is_remembered(
    run: Run, api: PlayedApi, config
):
    api.on("GET /api/me", NOBODY)
    done = run("login", URL)
    assert done.code == 4
    assert f"guildnet login {URL} --token -" in done.err
    assert not config.exists()


def test_a_token_that_is_refused_is_not_kept(run: Run, api: PlayedApi, config: Path):
    api.on("GET /api/me", refusal(401, "bad_token", "The token is not valid."))
    done = run("login", URL, "--token", "old")
    assert (done.code, config.exists()) == (4, False)
    assert done.err.startswith("error: The token is not valid.\nnext:  guildnet login")


def test_a_token_comes_by_standard_input(run: Run, api: PlayedApi, config: Path, monkeypatch: pytest.MonkeyPatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("piped\n"))
    assert run("login", URL, "--token", "-").code == 0
    assert (config / "tokens" / "guildnet").read_text() == "piped\n"


@pytest.mark.parametrize(
    ("url", "warned"), [(URL, True), ("http://guildnet.localhost:8080", False), ("https://guildnet.test", False)]
)
def test_a_token_that_travels_in_the_clear_is_told(run: Run, url: str, warned: bool):
    assert ("not encrypted" in run("login", url, "--token", "a").err) is warned


def test_a_keyring_keeps_the_token_where_there_is_one(run: Run, api: PlayedApi, config: Path, monkeypatch):
    ring = Ring()
    monkeypatch.setattr(installs, "_keyring", lambda: ring)
    assert "token in the keyring" in run("login", URL, "--token", "abc").out
    assert ring.kept == {("guildnet", "guildnet"): "abc"}
    assert not (config / "tokens").exists()
    run("use")
    api.on("GET /api/servers", [])
    assert run("list").code == 0
    assert api.asked[-1].headers["Authorization"] == "Bearer abc"
    assert run("logout").code == 0
    assert ring.kept == {}


def test_a_keyring_that_fails_is_none(run: Run, config: Path, monkeypatch: pytest.MonkeyPatch):
    class Locked(Ring):
        def set_password(self, service: str, name: str, token: str) -> None:
            raise RuntimeError("locked")

    monkeypatch.setattr(installs, "_keyring", Locked)
    assert run("login", URL, "--token", "abc").code == 0
    assert (config / "tokens" / "guildnet").read_text() == "abc\n"


def test_several_installs_by_name(run: Run, api: PlayedApi, config: Path):
    run("login", URL, "--token", "a", "--name", "one")
    run("login", "http://two.test", "--token", "b", "--name", "two")
    assert json.loads(run("use", "-o", "json").out)[1] == {
        "name": "two", "url": "http://two.test", "token": "file", "current": "yes",
    }  # fmt: skip
    assert run("use", "one").code == 0
    api.on("GET /api/servers", [])
    run("list")
    assert api.asked[-1].headers["Authorization"] == "Bearer a"
    run("list", "--install", "two")
    assert api.asked[-1].headers["Authorization"] == "Bearer b"
    missing = run("use", "three")
    assert missing.code == 3
    assert "known: one, two" in missing.err


def test_logout_ends_the_token_on_the_server_and_forgets_it(run: Run, api: PlayedApi, config: Path):
    api.on("POST /logout", reply(None, 204))
    run("login", URL, "--token", "t0ken")
    done = run("logout")
    assert (done.code, done.out, done.err) == (0, "logged out of guildnet\n", "")
    asked = api.asked[-1]
    assert (asked.method, asked.path, asked.headers["Authorization"]) == ("POST", "/logout", "Bearer t0ken")
    assert list((config / "tokens").iterdir()) == []


def test_a_token_that_the_server_does_not_know_any_more_is_simply_forgotten(run: Run, api: PlayedApi):
    api.on("POST /logout", refusal(401, "bad_token", "This token is not valid here."))
    run("login", URL, "--token", "t0ken")
    assert run("logout").err == ""


def test_logout_forgets_a_token_that_it_cannot_end_and_says_how_long_it_is_good(run: Run, api: PlayedApi, config: Path):
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1893456000}).encode()).decode().rstrip("=")
    run("login", URL, "--token", f"head.{claims}.sign")
    api.down = ConnectionRefusedError(111, "Connection refused")
    done = run("logout")
    api.down = None
    assert (done.code, done.out) == (0, "logged out of guildnet\n")
    assert "not ended on the server" in done.err
    assert "good until 2030-01-01T00:00:00Z" in done.err
    assert list((config / "tokens").iterdir()) == []
    assert run("list").code == 4


def test_a_token_that_is_gone_is_told_with_the_way_to_a_new_one(run: Run, config: Path):
    run("login", URL, "--token", "a")
    (config / "tokens" / "guildnet").unlink()
    done = run("list")
    assert (done.code, f"guildnet login {URL} --token -" in done.err) == (4, True)


def test_a_name_cannot_lead_out_of_the_folder(run: Run, config: Path):
    assert run("login", URL, "--token", "a", "--name", "../evil").code == 2
    assert not (config.parent / "evil").exists()


def test_a_broken_file_is_named_and_left_alone(run: Run, config: Path):
    config.mkdir()
    (config / "installs.json").write_text("{")
    done = run("use")
    assert (done.code, "installs.json cannot be read" in done.err) == (2, True)
    assert (config / "installs.json").read_text() == "{"


def test_a_folder_of_ones_own_is_made_for_nobody_else(run: Run, config: Path):
    before = os.umask(0o022)
    try:
        run("login", URL, "--token", "a")
    finally:
        os.umask(before)
    assert [one.stat().st_mode & 0o777 for one in (config, config / "tokens")] == [0o700, 0o700]


def test_the_display_of_who_is_logged_in_is_the_servers(run: Run, api: PlayedApi):
    api.on("GET /api/me", {**ME, "login": "guildnet-admin", "kind": "token"})
    assert " as guildnet-admin " in run("login", URL, "--token", "a").out
