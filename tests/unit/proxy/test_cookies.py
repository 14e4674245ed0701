"""A workspace gets its own cookies only, and sets none that reach past its place or take one of our names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.rewrite.cookies import for_upstream, set_cookie, value_of
from unit.proxy.values import OWN, PATH, PORT

CROSS = type(OWN)("", "https://x", True, "", False, "https://y")


@pytest.mark.parametrize(
    ("placement", "header", "expected"),
    [
        (OWN, "a=1; b=2", "a=1; b=2"),
        (OWN, "__Host-guildnet-x=s; a=1; __HOST-GUILDNET-ws-x=t", "a=1"),
        (OWN, "__Host-guildnet-x=s", ""),
        (OWN, "gn20001-sid=1; a=1", "a=1"),
        (PORT, "gn20001-sid=1; gn20002-sid=2; _xsrf=3", "sid=1; _xsrf=3"),
        (PORT, "sid=tossed; gn20001-sid=mine", "sid=mine"),
        (OWN, 'a="x=y"; b', 'a="x=y"'),
    ],
)
def test_what_a_workspace_gets(placement, header, expected):
    assert for_upstream(header, placement) == expected


@pytest.mark.parametrize(
    ("placement", "header", "expected"),
    [
        (OWN, "a=1; Domain=guildnet.localhost; Path=/x", ["a=1; Path=/x"]),
        (OWN, "a=1; SameSite=Strict; HttpOnly", ["a=1; SameSite=Strict; HttpOnly"]),
        (OWN, "__Host-guildnet-x=1; Path=/", []),
        (OWN, "__Secure-Guildnet-x=1", []),
        (OWN, "__Host-app=1; Path=/; Secure", ["__Host-app=1; Path=/; Secure"]),
        (OWN, "gn20002-sid=1", []),
        (OWN, "novalue", []),
        (PATH, "a=1", ["a=1; Path=/proxy/server/ws/"]),
        (PATH, "a=1; Path=/", ["a=1; Path=/proxy/server/ws/"]),
        (PATH, "a=1; Path=/proxy/server/ws/x", ["a=1; Path=/proxy/server/ws/x"]),
        (PATH, "a=1; Path=/proxy/server/ws2", ["a=1; Path=/proxy/server/ws/proxy/server/ws2"]),
        (PATH, "a=1; path=relative", ["a=1; Path=/proxy/server/ws/"]),
        (PATH, "__Host-app=1; Path=/; Secure", []),
        (PORT, "_xsrf=1; Path=/", ["_xsrf=1; Path=/; Secure"]),
        (PORT, "sid=1; Path=/; HttpOnly", ["gn20001-sid=1; Path=/; HttpOnly; Secure"]),
        (PORT, "sid=; Max-Age=0", ["sid=; Max-Age=0; Secure", "gn20001-sid=; Max-Age=0; Secure"]),
        (CROSS, "a=1", ["a=1; Secure; SameSite=None; Partitioned"]),
    ],
)
def test_what_a_workspace_may_set(placement, header, expected):
    assert set_cookie(header, placement) == expected


def test_a_cookie_that_comes_twice_counts_for_nothing():
    assert value_of("a=1; a=2", "a") is None
    assert value_of("b=1; a=2", "a") == "2"


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_no_cookie_of_a_workspace_has_a_domain_or_leaves_its_base(header):
    for rendered in set_cookie(header, PATH):
        attributes = [part.strip().lower() for part in rendered.split(";")[1:]]
        assert not any(part.startswith("domain") for part in attributes)
        paths = [part for part in attributes if part.startswith("path=")]
        assert paths
        assert paths[-1].startswith("path=/proxy/server/ws")


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_ours_never_reach_a_workspace(header):
    for placement in (OWN, PORT, PATH):
        assert (
            "__host-guildnet"
            not in for_upstream(f"{header}; __Host-guildnet-x=secret", placement).lower().split("=")[0]
        )
        assert "secret" not in for_upstream(f"a=1; __Host-guildnet-x=secret; {header}", placement) or "secret" in header
