"""Settings: read from the given environment only, all problems at once, no secret shown."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field, SecretStr

from guildnet.settings import CommaList, Row, SecretReference, Settings, load, table


class Example(Settings):
    """A service's settings as a service would write them."""

    listen: str = Field(default="0.0.0.0:8080", description="Where to listen.")
    local_origin: str = Field(default="http://guildnet.localhost:8080", description="Empty for no local entry.")
    allowed_targets: CommaList = Field(default=(), description="CIDR:port, separated by commas.")
    transport: Literal["pod", "api-server"] = "pod"
    redis_url: str | None = None
    agent_default_password: SecretStr | None = None
    api_token: str = ""
    identity_key_file: str = "/etc/guildnet/keys/identity"
    retries: int = Field(default=3, ge=0)
    debug: bool = False


class Required(Settings):
    api_url: str = Field(min_length=1, description="Where the api is.")


def problems(capsys: pytest.CaptureFixture[str], cls: type[Settings], **environ: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        load(cls, environ)
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_without_any_variable_every_default_holds() -> None:
    settings = load(Example, {})
    assert (settings.ops_port, settings.k8s_namespace, settings.kubeconfig) == (9090, "guildnet-workspaces", None)


def test_a_variable_is_the_field_in_capitals() -> None:
    environ = {
        "OPS_PORT": "0",
        "ALLOWED_TARGETS": "10.0.0.0/8:443, ,192.168.1.5/32:80",
        "DEBUG": "true",
        "ops_port": "7",
        "UNRELATED": "x",
    }
    settings = load(Example, environ)
    assert settings.ops_port == 0
    assert settings.allowed_targets == ("10.0.0.0/8:443", "192.168.1.5/32:80")
    assert settings.debug is True


def test_empty_is_a_value_for_text_and_unset_for_everything_else() -> None:
    environ = dict.fromkeys(("LOCAL_ORIGIN", "OPS_PORT", "KUBECONFIG", "REDIS_URL", "ALLOWED_TARGETS", "DEBUG"), "")
    settings = load(Example, environ)
    assert settings.local_origin == ""
    assert (settings.ops_port, settings.kubeconfig, settings.redis_url) == (9090, None, None)
    assert (settings.allowed_targets, settings.debug) == ((), False)


def test_building_settings_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_PORT", "1234")
    assert Example().ops_port == 9090
    assert load(Example).ops_port == 1234


def test_all_problems_are_told_at_once_with_the_name_of_the_variable(capsys: pytest.CaptureFixture[str]) -> None:
    err = problems(capsys, Example, OPS_PORT="many", LOG_LEVEL="loud", TRANSPORT="carrier-pigeon", RETRIES="-1")
    for name in ("OPS_PORT", "LOG_LEVEL", "TRANSPORT", "RETRIES"):
        assert f"  {name}: " in err
    assert "got 'carrier-pigeon'" in err


def test_a_missing_variable_is_said_to_be_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert "API_URL: Field required (not set)" in problems(capsys, Required)
    assert "API_URL" in problems(capsys, Required, API_URL="")


def test_a_secret_is_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    class Strict(Example):
        api_token: str = Field(default="t", pattern="^t$")
        redis_url: Literal["never"] | None = None

    err = problems(capsys, Strict, API_TOKEN="hunter2", REDIS_URL="redis://:hunter3@valkey:6379/0")
    assert "API_TOKEN" in err
    assert "hunter" not in err
    assert "redis://:********@valkey" in err
    assert "hunter4" not in repr(load(Example, {"AGENT_DEFAULT_PASSWORD": "hunter4"}))


def test_a_setting_called_secret_is_one_unless_it_is_said_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    class Both(Example):
        client_secret: str = Field(default="", pattern="^$")
        tls_secret: SecretReference = Field(default="", pattern="^$")

    err = problems(capsys, Both, CLIENT_SECRET="hunter2", TLS_SECRET="workspace-tls")
    assert "hunter2" not in err
    assert "workspace-tls" in err


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(Example, {}).listen = "x"


def test_the_table_has_a_row_per_setting() -> None:
    rows = {row.env: row for row in table(Example)}
    assert rows["LISTEN"] == Row("LISTEN", "str", "0.0.0.0:8080", "Where to listen.", secret=False)
    assert rows["OPS_PORT"].default == "9090"
    assert {name for name, row in rows.items() if row.secret} == {"AGENT_DEFAULT_PASSWORD", "API_TOKEN"}
    assert {row.env: row.default for row in table(Required)}["API_URL"] == "(required)"
    assert all(row.description for row in table(Settings))
