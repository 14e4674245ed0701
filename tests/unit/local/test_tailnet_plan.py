"""The test tailnet as command lines and chart values."""

import json
from pathlib import Path

import pytest

from guildnet_local.cluster import tailnet

PROGRAMS = {name: Path("/programs") / name for name in tailnet.PROGRAMS}
NODE = "10.123.0.1"


def test_the_programs_start_in_the_order_in_which_they_need_each_other(tmp_path: Path):
    specs = tailnet.processes(PROGRAMS, tmp_path, NODE)
    assert [spec["name"] for spec in specs] == [
        "control-server",
        "acme-server",
        "tailscaled-laptop",
        "tailscale-up-laptop",
    ]
    assert [spec["once"] for spec in specs] == [False, False, False, True]


def test_no_command_line_holds_the_auth_key(tmp_path: Path):
    specs = tailnet.processes(PROGRAMS, tmp_path, NODE)
    assert not [argument for spec in specs for argument in spec["argv"] if tailnet.auth_key(tmp_path) in argument]


def test_no_program_sends_logs_away_or_sees_the_callers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere")
    for spec in tailnet.processes(PROGRAMS, tmp_path, NODE):
        assert spec["env"]["TS_NO_LOGS_NO_SUPPORT"] == "true"
        assert set(spec["env"]) == {"PATH", "HOME", "TS_NO_LOGS_NO_SUPPORT"}


def test_everything_listens_on_the_nodes_address_alone(tmp_path: Path):
    arguments = [argument for spec in tailnet.processes(PROGRAMS, tmp_path, NODE) for argument in spec["argv"]]
    listening = [argument for argument in arguments if argument.startswith(("--listen=", "--socks5-server="))]
    assert listening == [f"--listen={NODE}:9911", f"--listen={NODE}:14000", f"--socks5-server={NODE}:1055"]


def test_roles_are_granted_as_an_app_capability_only_when_asked_for(tmp_path: Path):
    plain = tailnet.processes(PROGRAMS, tmp_path, NODE)[0]["argv"]
    granting = tailnet.processes(PROGRAMS, tmp_path, NODE, roles=["admin"])[0]["argv"]
    assert not [argument for argument in plain if argument.startswith("--capability")]
    (grant,) = (argument for argument in granting if argument.startswith("--capability"))
    assert json.loads(grant.removeprefix("--capability=guildnet.io/cap/role=")) == [{"role": "admin"}]


def test_the_auth_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path):
    first = tailnet.auth_key(tmp_path / "state")
    assert tailnet.auth_key(tmp_path / "state") == first
    assert (tmp_path / "state" / "auth-key").stat().st_mode & 0o777 == 0o600


def test_the_charts_values_join_this_tailnet_and_trust_its_authority(tmp_path: Path):
    (tmp_path / "acme").mkdir()
    tailnet.root_certificate(tmp_path).write_text("-----BEGIN CERTIFICATE-----\n")
    values = tailnet.helm_values(tmp_path, NODE)["tailnet"]
    assert values["loginServer"] == "http://10.123.0.1:9911"
    assert values["authKey"] == {"value": tailnet.auth_key(tmp_path)}
    assert values["caBundle"].startswith("-----BEGIN CERTIFICATE-----")
    assert {"name": "TS_DEBUG_ACME_DIRECTORY_URL", "value": "https://10.123.0.1:14000/dir"} in values["extraEnv"]


def test_values_are_not_made_before_the_authority_exists(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        tailnet.helm_values(tmp_path, NODE)


def test_browsing_needs_four_facts(tmp_path: Path):
    assert tailnet.browse(tmp_path) == {
        "socks5": "127.0.0.1:1055",
        "url": "https://guildnet.tailtest.example/",
        "login": "alice@example.com",
        "ca": str(tmp_path / "acme" / "root.pem"),
    }


def test_an_unknown_ready_check_is_a_mistake_in_the_call():
    assert tailnet.main(["ready", "carrier-pigeon", "x"]) == 64
    assert tailnet.main(["ready", "tls", "127.0.0.1:1"]) == 64
