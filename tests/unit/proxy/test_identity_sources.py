"""Nobody is believed but through the source that can vouch: sessions, tickets, tokens, the tailnet's own words."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet.errors import Unreachable
from guildnet.identity import Identity
from guildnet_proxy.auth.authenticate import Authenticator
from guildnet_proxy.auth.bearer import bearer
from guildnet_proxy.auth.device import tailnet_identity
from guildnet_proxy.auth.sessions import Session, Sessions, digest
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.auth.ttl_cache import TtlCache
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.tailnet.localapi import Peer, parse_whois
from unit.proxy.values import LOCAL, TAILNET, head

ANN = Identity("user", "ann@x", "Ann", (), ("admin",), "bearer", LOCAL, ("g",))
KEY = b"k" * 32
NOW = 1_000_000.0


def sessions(key: bytes = KEY) -> Sessions:
    return Sessions(key, "install")


def test_a_session_says_who_it_is_until_it_ends_and_only_on_its_entry():
    value = sessions().issue(ANN, LOCAL, NOW)
    found = sessions().read(value, LOCAL, NOW + 12 * 3600)
    assert found is not None
    assert (found.identity.login, found.identity.roles, found.identity.groups, found.identity.source) == (
        "ann@x", ("admin",), ("g",), "session",
    )  # fmt: skip
    assert sessions().read(value, LOCAL, NOW + 12 * 3600 + 1) is None
    assert sessions().read(value, TAILNET, NOW) is None
    assert sessions(b"x" * 32).read(value, LOCAL, NOW) is None


def test_no_kind_of_signed_value_passes_for_another():
    made = sessions()
    session = Session(ANN, NOW + 100)
    values = {
        "session": made.issue(ANN, LOCAL, NOW),
        "workspace": made.issue_workspace(session, "u"),
        "ticket": made.ticket(session, "ws", "u", digest("n"), NOW),
    }
    for kind, value in values.items():
        assert (made.read(value, LOCAL, NOW) is not None) == (kind == "session")
        assert (made.read_workspace(value, "u", LOCAL, NOW) is not None) == (kind == "workspace")
        assert (made.redeem(value, "ws", "n", LOCAL, NOW) is not None) == (kind == "ticket")


def test_a_ticket_is_for_one_origin_one_browser_and_thirty_seconds_once():
    made = sessions()
    ticket = made.ticket(Session(ANN, NOW + 100), "ws", "u", digest("n"), NOW)
    assert made.redeem(ticket, "other", "n", LOCAL, NOW) is None
    assert made.redeem(ticket, "ws", "m", LOCAL, NOW) is None
    assert made.redeem(ticket, "ws", "", LOCAL, NOW) is None
    assert made.redeem(ticket, "ws", "n", LOCAL, NOW + 31) is None
    redeemed = made.redeem(ticket, "ws", "n", LOCAL, NOW + 30)
    assert redeemed is not None
    assert (redeemed[0].expires, redeemed[1]) == (NOW + 100, "u")
    assert made.redeem(ticket, "ws", "n", LOCAL, NOW + 30) is None


def test_a_workspace_session_is_for_one_object():
    value = sessions().issue_workspace(Session(ANN, NOW + 10), "u")
    assert sessions().read_workspace(value, "u", LOCAL, NOW) is not None
    assert sessions().read_workspace(value, "v", LOCAL, NOW) is None


@given(st.text(max_size=200), st.integers(min_value=0, max_value=400))
def test_no_changed_or_invented_value_is_read(text, at):
    value = sessions().issue(ANN, LOCAL, NOW)
    assert sessions().read(text, LOCAL, NOW) is None
    changed = value[:at] + "A" + value[at + 1 :]
    assert changed == value or sessions().read(changed, LOCAL, NOW) is None


def token(payload: object) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"e30.{encoded}.c2ln"


@pytest.mark.parametrize(
    ("authorization", "ours"),
    [
        (f"Bearer {token({'aud': ['guildnet']})}", True),
        (f"bearer  {token({'aud': 'guildnet'})}", True),
        (f"Bearer {token({'aud': ['https://kubernetes.default.svc', 'guildnet']})}", True),
        (f"Bearer {token({'aud': ['other']})}", False),
        (f"Bearer {token({})}", False),
        (f"Bearer {token([1])}", False),
        ("Bearer abc", False),
        ("Bearer a.b.c", False),
        ("Bearer ..", False),
        (f"Basic {token({'aud': 'guildnet'})}", False),
        (f"token {token({'aud': 'guildnet'})}", False),
        (f"Bearer {token({'aud': 'guildnet', 'x': 'y' * 9000})}", False),
    ],
)
def test_a_bearer_token_is_ours_only_when_it_names_our_audience(authorization, ours):
    assert (bearer(head(f"Authorization: {authorization}"), "guildnet") is not None) == ours


async def _believed(username: str) -> Identity:
    async def review(_: str) -> TokenReview:
        return TokenReview(authenticated=True, username=username, groups=("g",))

    authenticator = Authenticator(
        sessions(), audience="guildnet", admin="guildnet:guildnet-admin", review=review, whois=None,
        clock=lambda: 0.0, wall=lambda: NOW,
    )  # fmt: skip
    try:
        return await authenticator.by_token("a.b.c", LOCAL)
    finally:
        await authenticator.aclose()


@pytest.mark.parametrize(
    ("username", "roles"),
    [
        ("system:serviceaccount:guildnet:guildnet-admin", ("admin",)),
        ("system:serviceaccount:guildnet:someone", ()),
        ("system:serviceaccount:elsewhere:guildnet-admin", ()),
        ("system:serviceaccount:guildnet:guildnet-admin2", ()),
        ("guildnet:guildnet-admin", ()),
        ("guildnet-admin", ()),
    ],
)
async def test_the_role_of_an_admin_is_that_one_accounts_and_nobody_elses(username, roles):
    who = await _believed(username)
    assert (who.kind, who.login, who.display_name) == ("token", username, username)
    assert (who.roles, who.groups, who.source, who.entry) == (roles, ("g",), "bearer", LOCAL)
    assert who.is_admin is bool(roles)


PEER = Peer("laptop.x", "ann@x", "Ann", (), ("viewer",))
NODE = Peer("bot.x", "ann@x", "Ann", ("tag:ci",), ())
CAPABILITY = 'Tailscale-App-Capabilities: {"guildnet.io/cap/role":[{"roles":["admin"]},"extra",{"role":"one"},7]}'


@pytest.mark.parametrize(
    ("lines", "peer", "expected"),
    [
        (("Tailscale-User-Login: ann@x",), PEER, ("user", "ann@x", ("viewer",))),
        (("Tailscale-User-Login: ann@x", CAPABILITY), PEER, ("user", "ann@x", ("admin", "extra", "one"))),
        (("Tailscale-User-Login: ann@x", "Tailscale-App-Capabilities: {}"), PEER, ("user", "ann@x", ())),
        (("Tailscale-User-Login: ann@x", "Tailscale-App-Capabilities: oops"), PEER, ("user", "ann@x", ())),
        (("Tailscale-User-Login: =?utf-8?q?ann=40x?=",), PEER, ("user", "ann@x", ("viewer",))),
        ((), NODE, ("node", "bot.x", ())),
        (("Tailscale-User-Login: ann@x",), NODE, None),
        (("Tailscale-User-Login: bob@x",), PEER, None),
        ((), PEER, None),
        (("Tailscale_User_Login: ann@x",), PEER, None),
    ],
)
def test_tailnet_headers_and_whois_have_to_agree(lines, peer, expected):
    if expected is None:
        with pytest.raises(Refusal) as refused:
            tailnet_identity(head(*lines), peer, TAILNET)
        assert refused.value.status == 403
        return
    who = tailnet_identity(head(*lines), peer, TAILNET)
    assert (who.kind, who.login, who.roles) == expected
    assert (who.source, who.entry) == ("tailnet", TAILNET)


def test_whois_in_another_shape_is_unreachable_and_roles_may_be_raw_json():
    answer = {"Node": {"Name": "a.", "Tags": ["tag:x"]}, "CapMap": {"guildnet.io/cap/role": ['{"role":"r"}']}}
    assert parse_whois(answer) == Peer("a", "", "", ("tag:x",), ("r",))
    for wrong in ({}, {"Node": None}, {"Node": {"Name": "a"}, "CapMap": {"guildnet.io/cap/role": ["{"]}}):
        with pytest.raises(Unreachable):
            parse_whois(wrong)


async def test_a_lookup_is_asked_once_kept_some_seconds_and_failures_not_at_all():
    asked: list[str] = []
    now = [0.0]
    gate = asyncio.Event()

    async def ask(key: str) -> str:
        asked.append(key)
        await gate.wait()
        if key == "bad":
            raise Unreachable("no")
        return key.upper()

    cache = TtlCache(ask, clock=lambda: now[0], capacity=2)
    both = [asyncio.create_task(cache.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    both[0].cancel()
    gate.set()
    assert await asyncio.gather(*both[1:]) == ["A", "A"]
    assert asked == ["a"]
    now[0] = 8.0
    assert cache.known("a") == "A"
    now[0] = 8.5
    assert cache.known("a") is None
    for _ in range(2):
        with pytest.raises(Unreachable):
            await cache.get("bad")
    assert asked == ["a", "bad", "bad"]
    for key in ("b", "c", "d"):
        await cache.get(key)
    assert (cache.known("b"), cache.known("d")) == (None, "D")
    await cache.aclose()
