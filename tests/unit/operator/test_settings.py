"""The operator's settings: names of the first generation, and what they mean for its decisions."""

from __future__ import annotations

from guildnet.settings import load
from guildnet.web.entries import Entry
from guildnet_operator.settings import Settings


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
    assert settings.password()() == "hunter2"
    assert "hunter2" not in repr(settings)


def test_without_a_password_of_the_install_each_one_is_another():
    make = Settings().password()
    assert make() != make()
    assert len(make()) >= 20


def test_the_canonical_entry_is_the_tailnet_then_the_domain_then_the_local_one():
    settings = Settings(local_origin="http://guildnet.localhost:8080", domain_origin="https://g.example/")
    assert settings.entries("g.ts.example") == (
        Entry("tailnet", "https://g.ts.example", "port"),
        Entry("domain", "https://g.example", "host"),
        Entry("local", "http://guildnet.localhost:8080", "host"),
    )
    assert [entry.name for entry in settings.entries(None)] == ["domain", "local"]
    assert Settings().entries(None) == ()
