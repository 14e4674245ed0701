"""The operator's settings: names of the first generation, and what they mean for its decisions."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from guildnet.errors import Invalid
from guildnet.settings import load
from guildnet.web.entries import Entry
from guildnet.workspace import app_login
from guildnet_operator.plan.defaults import decide
from guildnet_operator.settings import Settings
from unit.operator.values import workspace


def test_the_names_of_the_first_generation_are_read():
    settings = load(
        Settings,
        {
            "WORKSPACE_LB": "1",
            "WORKSPACE_LB_POOL": "blue",
            "WORKSPACE_DOMAIN": "apps.example.com",
            "INGRESS_CLASS_NAME": "",
            "CERT_MANAGER_ISSUER": "letsencrypt",
            "WORKSPACE_TLS_SECRET": "wildcard",
            "INGRESS_AUTH_URL": "https://a",
            "INGRESS_AUTH_SIGNIN": "https://s",
            "K8S_IMAGE_PULL_SECRET": "pull",
            "AGENT_DEFAULT_PASSWORD": "hunter2",
            "HTTP_PROBE_IMAGES": "code-server, marimo",
        },
    )
    policy = settings.policy()
    assert policy.load_balancer
    assert policy.load_balancer_pool == "blue"
    assert (policy.domain, policy.ingress_class, policy.issuer) == ("apps.example.com", "nginx", "letsencrypt")
    assert (policy.tls_secret, policy.auth_url, policy.auth_signin) == ("wildcard", "https://a", "https://s")
    assert policy.pod.pull_secret == "pull"
    assert policy.pod.http_probe_images == ("code-server", "marimo")
    assert settings.login()(decide(workspace(image="code-server"), policy)) == {"password": "hunter2"}
    assert "hunter2" not in repr(settings)


def test_without_a_password_or_a_key_of_the_install_each_one_is_another():
    settings = Settings()
    plan = decide(workspace(image="code-server"), settings.policy())
    make = settings.login()
    assert plan.password_secret == f"{plan.name}-password"
    assert make(plan) != make(plan)
    assert len(make(plan)["password"]) >= 20


def test_with_a_key_each_workspace_has_a_password_or_a_token_of_its_own(tmp_path):
    key = tmp_path / "workspace"
    assert Settings(workspace_key_file=str(key)).logins() == (), "the install's Secret may lack it"
    key.write_bytes(b"k" * 40)
    settings = Settings(workspace_key_file=str(key))
    made = {}
    for image, kind in (("code-server", "password"), ("jupyterlab", "token")):
        plan = decide(workspace(image=image), settings.policy())
        assert plan.password_secret == f"{plan.name}-login"
        (made[kind],) = settings.login()(plan).values()
        assert settings.login()(plan) == {kind: getattr(app_login, kind)(b"k" * 40, plan.uid)}
    assert made["password"] != made["token"]
    kept = Settings(workspace_key_file=str(key), agent_default_password=SecretStr("hunter2"))
    assert kept.logins() == ("token",)
    plan = decide(workspace(image="code-server"), kept.policy())
    assert kept.login()(plan) == {"password": "hunter2"}


def test_a_key_that_is_too_short_is_refused(tmp_path):
    (tmp_path / "workspace").write_bytes(b"short")
    with pytest.raises(Invalid, match="at least 32"):
        Settings(workspace_key_file=str(tmp_path / "workspace")).policy()


def test_the_canonical_entry_is_the_tailnet_then_the_domain_then_the_local_one():
    settings = Settings(local_origin="http://guildnet.localhost:8080", domain_origin="https://g.example/")
    assert settings.entries("g.ts.example") == (
        Entry("tailnet", "https://g.ts.example", "port"),
        Entry("domain", "https://g.example", "host"),
        Entry("local", "http://guildnet.localhost:8080", "host"),
    )
    assert [entry.name for entry in settings.entries(None)] == ["domain", "local"]
    assert Settings().entries(None) == ()
