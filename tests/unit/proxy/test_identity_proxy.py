"""Whom an authenticating proxy in front names: by its own fields, once each, over connections that are its own."""

from __future__ import annotations

from ipaddress import ip_network
from math import inf
from typing import Any

import pytest
from pydantic import ValidationError

from guildnet.identity import Identity
from guildnet_proxy.auth.authenticate import Authenticator, Credential
from guildnet_proxy.auth.identity_listener import LISTENER
from guildnet_proxy.auth.identity_proxy import IdentityProxy, Trusted
from guildnet_proxy.auth.sessions import Sessions
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from guildnet_proxy.http.message.fields import claims_identity
from guildnet_proxy.settings import Settings
from unit.proxy.values import CONTROL, LOCAL, head

PROXY = IdentityProxy(
    b"x-forwarded-email", b"x-forwarded-preferred-username", b"x-forwarded-groups", frozenset({"ops"})
)
NAMED = ("X-Forwarded-Email: ann@x", "X-Forwarded-Preferred-Username: Ann", "X-Forwarded-Groups: dev, ops,")
PUBLIC = Listener("tcp", private=False)


def settings(**more: Any) -> Settings:
    return Settings(local_origin="http://guildnet.localhost:8080", **more)


def authenticator() -> Authenticator:
    async def review(token: str) -> Any:
        raise AssertionError(token)

    return Authenticator(
        Sessions(b"k" * 32, "install"), audience="guildnet", admin="a:b", review=review, whois=None,
        clock=lambda: 1.0, wall=lambda: 1_000_000.0, identity_proxy=PROXY,
    )  # fmt: skip


def test_the_fields_say_who_it_is_with_groups_and_the_role_of_a_group():
    assert PROXY.identity(head(*NAMED), LOCAL) == Identity(
        "user", "ann@x", "Ann", (), ("admin",), "oidc", LOCAL, ("dev", "ops")
    )
    bare = PROXY.identity(head(NAMED[0]), LOCAL)
    assert bare == Identity("user", "ann@x", "ann@x", (), (), "oidc", LOCAL)
    assert IdentityProxy(b"x-forwarded-email").identity(head(*NAMED), LOCAL) == bare


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("X-Forwarded-Email: root@x", NAMED[0]), id="the client's before it"),
        pytest.param((NAMED[0], "x-forwarded-EMAIL: root@x"), id="the client's behind it, spelled in its own way"),
        pytest.param((NAMED[0], "X-Forwarded-Groups: dev", "X-Forwarded-Groups: ops"), id="groups twice"),
        pytest.param(("X-Forwarded-Email: " + "a" * 255,), id="too long"),
        pytest.param(("X-Forwarded-Email: a\tb",), id="not to be printed"),
    ],
)
def test_what_cannot_be_believed_is_refused(lines: tuple[str, ...]):
    with pytest.raises(Refusal) as refused:
        PROXY.identity(head(*lines), LOCAL)
    assert (refused.value.status, refused.value.rule) == (403, "identity-proxy")


@pytest.mark.parametrize(
    "lines", [(), ("X-Forwarded-Email:",), ("X_Forwarded_Email: root@x",), ("X-Forwarded-Groups: ops",)]
)
def test_nobody_is_named_by_anything_else(lines: tuple[str, ...]):
    assert PROXY.identity(head(*lines), LOCAL) is None


def test_the_fields_count_on_its_own_listener_alone():
    found = authenticator()
    named = found.identify(head(*NAMED), LISTENER, CONTROL, None)
    assert isinstance(named, Identity)
    assert named.login == "ann@x"
    assert found.credential(head(*NAMED), LISTENER, CONTROL, None) == Credential(LOCAL)
    assert found.until(head(*NAMED), LISTENER, CONTROL, None) == (inf, inf)
    for lines, listener in ((NAMED, PUBLIC), ((), LISTENER)):
        nobody = found.identify(head(*lines), listener, CONTROL, None)
        assert isinstance(nobody, Identity)
        assert nobody.kind == "anonymous"
        assert found.credential(head(*lines), listener, CONTROL, None) is None


async def test_what_is_open_of_a_named_caller_stays_since_nobody_can_be_asked_again():
    named = PROXY.identity(head(*NAMED), LOCAL)
    assert named is not None
    assert await authenticator().ask_again(Credential(LOCAL), named) == named


CERTIFICATE = {
    "subjectAltName": (("DNS", "oauth2-proxy.auth.svc"), ("URI", "spiffe://x/oauth2"), ("IP Address", "10.0.0.1"))
}


@pytest.mark.parametrize(
    ("trusted", "address", "certificate", "taken"),
    [
        (Trusted((ip_network("10.1.0.0/16"),)), "10.1.2.3", None, True),
        (Trusted((ip_network("10.1.0.0/16"),)), "::ffff:10.1.2.3", None, True),
        (Trusted((ip_network("10.1.0.0/16"),)), "10.2.2.3", None, False),
        (Trusted((ip_network("fd00::/8"),)), "fd00::1", None, True),
        (Trusted((ip_network("fd00::/8"),)), "10.1.2.3", None, False),
        (Trusted(), "192.0.2.1", CERTIFICATE, True),
        (Trusted(names=frozenset({"oauth2-proxy.auth.svc"})), "192.0.2.1", CERTIFICATE, True),
        (Trusted(names=frozenset({"spiffe://x/oauth2"})), "192.0.2.1", CERTIFICATE, True),
        (Trusted(names=frozenset({"10.0.0.1", "other"})), "192.0.2.1", CERTIFICATE, False),
        (Trusted(names=frozenset({"other"})), "192.0.2.1", None, False),
        (Trusted((ip_network("10.1.0.0/16"),), frozenset({"other"})), "10.1.2.3", CERTIFICATE, False),
    ],
)  # fmt: skip
def test_connections_are_taken_by_address_and_certificate(
    trusted: Trusted, address: str, certificate: Any, taken: bool
):
    assert (trusted.problem(address, certificate) == "") is taken


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"identity_proxy_listen": "0.0.0.0:8082"}, "IDENTITY_PROXY_FROM or IDENTITY_PROXY_TLS"),
        ({"identity_proxy_listen": "8082", "identity_proxy_from": ("10.0.0.1/32",)}, "host:port"),
        ({"identity_proxy_from": ("10.0.0.1/8",)}, "host bits"),
        (
            {"identity_proxy_listen": "a:1", "identity_proxy_from": ("10.0.0.1",), "identity_proxy_names": ("a",)},
            "set IDENTITY_PROXY_TLS",
        ),
        ({"identity_proxy_user_header": "X-Email"}, "that clients cannot set"),
        (
            {
                "identity_proxy_listen": "0.0.0.0:8082", "identity_proxy_tls": "/x", "identity_proxy_user_header": "",
            },
            "IDENTITY_PROXY_USER_HEADER",
        ),
    ],
)  # fmt: skip
def test_settings_that_would_believe_anybody_are_refused(more: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said):
        settings(**more)


def test_without_a_listener_no_field_is_anybodys():
    assert settings(identity_proxy_admin_groups=("ops",)).identity_proxy is None
    made = settings(
        identity_proxy_listen="0.0.0.0:8082", identity_proxy_from=("10.0.0.1",), identity_proxy_name_header="",
        identity_proxy_admin_groups=("ops",), identity_proxy_user_header="Remote-User",
    )  # fmt: skip
    assert made.identity_proxy == IdentityProxy(b"remote-user", b"", b"x-forwarded-groups", frozenset({"ops"}))
    assert made.identity_proxy_trusted == Trusted((ip_network("10.0.0.1"),))


@pytest.mark.parametrize(
    "name", ["X-Auth-Request-Email", "x_auth.request_user", "X-Pomerium-Claim-Email", "Remote-Groups"]
)
def test_no_such_field_goes_on_to_a_workspace(name: str):
    assert claims_identity(name.lower().encode())
