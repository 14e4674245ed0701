"""A workspace gets its own cookies only, and sets none that reach past its place or take one of our names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.rewrite.cookies import SCRIPT_COOKIES, for_upstream, is_ours, jar_of, pairs, set_cookie, value_of
from guildnet_proxy.sites import SharedJar, Site
from unit.proxy.values import OWN, PATH, PORT, TAILNET, workspace

PRINTABLE = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=80)
CROSS = type(OWN)("", "https://x", True, None, False, "https://y")
NAMED = replace(PORT, jar=SharedJar("gn20001-m-", frozenset({"_xsrf"}), "/proxy/server/ws"))
BELOW = replace(PORT, jar=SharedJar("gn20001-m-", None, "/proxy/server/ws"))


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
        (NAMED, "_xsrf=1; theme=2; gn20001-sid=3; gn20001-m-sid=4; gn20002-m-sid=5", "sid=4; _xsrf=1"),
        (NAMED, "gn20001-m-_xsrf=mine; _xsrf=tossed", "_xsrf=mine"),
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
        (NAMED, "_xsrf=1; Path=/", ["_xsrf=1; Path=/proxy/server/ws/; Secure"]),
        (NAMED, "_xsrf=1", ["_xsrf=1; Secure; Path=/proxy/server/ws/"]),
        (NAMED, "theme=1; Path=/", ["gn20001-m-theme=1; Path=/; Secure; HttpOnly"]),
        (NAMED, "theme=; Max-Age=0", ["gn20001-m-theme=; Max-Age=0; Secure; HttpOnly"]),
        (BELOW, "theme=1; Path=/x", ["theme=1; Path=/proxy/server/ws/x; Secure"]),
        (BELOW, "__Host-x=1; Path=/", ["__Host-x=1; Path=/; Secure"]),
        (CROSS, "a=1", ["a=1; Secure; SameSite=None; Partitioned"]),
    ],
)
def test_what_a_workspace_may_set(placement, header, expected):
    assert set_cookie(header, placement) == expected


def _of(name: str, port: int | None, *env: tuple[str, str], below: str = "", uid: str = "12345678-uid"):
    spec = {"env": [{"name": key, "value": value} for key, value in env]}
    site = Site(TAILNET, b"", f"{TAILNET.origin}:{port}", port=port, label="ws" if port is None else None)
    return jar_of(workspace(name, spec=spec, uid=uid), site, b"k" * 32, below)


def test_the_names_of_a_workspaces_cookies_cannot_be_known_by_another():
    one, two = _of("ws", 20001), _of("ws", 20001, uid="other")
    assert one is not None
    assert two is not None
    assert one.prefix.startswith("gn20001-")
    assert len(one.prefix) == len("gn20001-") + 17
    assert (one.prefix, one.prefix == two.prefix) == (_of("renamed", 20001).prefix, False)
    assert jar_of(workspace(), Site(TAILNET, b"", "", port=20001), b"x" * 32, "").prefix != one.prefix
    own = _of("ws", None)
    assert own.prefix == "gnh-" + one.prefix.removeprefix("gn20001-"), "sister names can toss cookies into its jar"
    assert own.path == ""


def test_a_workspace_may_name_the_cookies_that_its_scripts_read():
    assert _of("ws", 20001).scripts is None
    assert _of("ws", 20001, (SCRIPT_COOKIES, " _xsrf, theme,")).scripts == {"_xsrf", "theme"}
    assert _of("ws", 20001, (SCRIPT_COOKIES, "")).scripts == frozenset()
    assert (_of("ws", 20001).path, _of("ws", 20001, below="/proxy/server/ws").path) == ("", "/proxy/server/ws")


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


@pytest.mark.parametrize("ours", ["__Host-guildnet-x", "__HOST-GUILDNET-ws-x", "__Secure-guildnet-x"])
@given(before=PRINTABLE, after=PRINTABLE)
def test_ours_never_reach_a_workspace(ours, before, after):
    """Whatever stands around it: neither its name nor its value is among what the workspace gets."""
    for placement in (OWN, PORT, PATH):
        got = for_upstream(f"{before}; {ours}=SeCrEt0123; {after}", placement)
        assert "SeCrEt0123" not in got
        assert not [name for name, _ in pairs(got) if is_ours(name)]


HOST = type(OWN)("/base", "https://x", False, SharedJar("gn1-"), False, "https://y")


@pytest.mark.parametrize(
    ("placement", "header", "expected"),
    [
        (OWN, " a = 1 ;  HttpOnly ; Secure; Priority=High; Expires=x; Max-Age=5; Partitioned; samesite=lax; path = /x ",
         ["a = 1; HttpOnly; Secure; Priority=High; Expires=x; Max-Age=5; Partitioned; SameSite=lax; Path=/x"]),
        (OWN, "a=1; Unknown=y; ; domain=x; DOMAIN=y", ["a=1; unknown=y"]),
        (OWN, "=1", []),
        (OWN, "a=", ["a="]),
        (OWN, "__HOST-GUILDNET=1", []),
        (OWN, "gn1-a=1", []), (OWN, "gnh-a=1", []),
        (OWN, "gn99999-a=1", []), (OWN, "gn0-a=1", ["gn0-a=1"]), (OWN, "gn1a=1", ["gn1a=1"]),
        (OWN, "xgn1-a=1", ["xgn1-a=1"]),
        (PATH, "__host-app=1; Path=/", []),
        (PATH, "a=1; Path=/proxy/server/ws", ["a=1; Path=/proxy/server/ws"]),
        (PATH, "a=1; Path=", ["a=1; Path=/proxy/server/ws/"]),
        (PATH, "a=1; Path", ["a=1; Path=/proxy/server/ws/"]),
        (PORT, "a=; Max-Age=-1; HttpOnly", ["gn20001-a=; Max-Age=-1; HttpOnly; Secure"]),
        (PORT, "a=; Max-Age=-1", ["a=; Max-Age=-1; Secure", "gn20001-a=; Max-Age=-1; Secure"]),
        (PORT, "a=1; Max-Age=10", ["a=1; Max-Age=10; Secure"]),
        (PORT, "a=1; Max-Age", ["a=1; Max-Age; Secure"]),
        (PORT, "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
         ["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure",
          "gn20001-a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure"]),
        (PORT, "a=1; Expires=Thu, 01 Jan 2070 00:00:00 GMT", ["a=1; Expires=Thu, 01 Jan 2070 00:00:00 GMT; Secure"]),
        (HOST, "a=1; HttpOnly", ["gn1-a=1; HttpOnly; Path=/base/; Secure"]),
        (CROSS, "a=1; SameSite=Lax; Partitioned", ["a=1; SameSite=None; Partitioned; Secure"]),
    ],
)  # fmt: skip
def test_what_becomes_of_each_attribute(placement, header, expected):
    assert set_cookie(header, placement) == expected


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a=1;b=2; \tc=3", [("a", "1"), ("b", "2"), ("c", "3")]),
        ("a; b=", [("b", "")]),
        ("a=1=2; a=3", [("a", "1=2"), ("a", "3")]),
        ("", []),
    ],
)
def test_the_pairs_of_a_header(header, found):
    assert pairs(header) == found


@pytest.mark.parametrize(
    ("placement", "header", "expected"),
    [
        (PORT, "gn20001-a=1; a=2; b=3; gn20001-b=4", "a=1; b=4"),
        (PORT, "gn20001-=1; a=2", "=1; a=2"),
        (OWN, "a=1; a=2", "a=1; a=2"),
        (OWN, "gn5-a=1; gn0-b=2", "gn0-b=2"),
        (OWN, "", ""),
    ],
)
def test_whose_cookie_it_is(placement, header, expected):
    assert for_upstream(header, placement) == expected


@pytest.mark.parametrize(
    ("name", "ours"),
    [("__Host-guildnet", True), ("__host-GUILDNET-x", True), ("__Secure-guildnet-x", True), ("__Host-app", False),
     ("guildnet", False), ("x__Host-guildnet", False)],
)  # fmt: skip
def test_names_that_are_ours(name, ours):
    assert is_ours(name) is ours


def test_a_value_is_that_of_the_one_cookie_of_the_name():
    assert value_of("a=1; b=2", "a") == "1"
    assert value_of("a=1; b=2", "c") is None
    assert value_of("a=1; a=1", "a") is None
