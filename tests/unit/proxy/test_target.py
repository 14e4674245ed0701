"""Only what the strict grammar of our part of a path allows becomes a target; the rest goes on byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.frontdoor.target import HostTarget, WorkspaceTarget, host_port, parse
from guildnet_proxy.http.errors import Refusal

SERVER = {
    "plain": (b"/proxy/server/ws1/x", WorkspaceTarget("ws1", None, b"/x", b"")),
    "no-rest": (b"/proxy/server/ws1", WorkspaceTarget("ws1", None, b"", b"")),
    "slash": (b"/proxy/server/ws1/", WorkspaceTarget("ws1", None, b"/", b"")),
    "query-only": (b"/proxy/server/ws1?a=b", WorkspaceTarget("ws1", None, b"", b"?a=b")),
    "empty-query": (b"/proxy/server/ws1/?", WorkspaceTarget("ws1", None, b"/", b"?")),
    "ours-in-the-query-is-the-apps": (
        b"/proxy/server/ws1/?to=a:1&path=/",
        WorkspaceTarget("ws1", None, b"/", b"?to=a:1&path=/"),
    ),
    "encoded-rest": (b"/proxy/server/ws1/%2F%2e%2e/%00//..", WorkspaceTarget("ws1", None, b"/%2F%2e%2e/%00//..", b"")),
    "encoded-name": (b"/proxy/server/%77s1/", WorkspaceTarget("ws1", None, b"/", b"")),
    "port": (b"/proxy/server/ws1/~8081/x?y", WorkspaceTarget("ws1", 8081, b"/x", b"?y")),
    "port-no-rest": (b"/proxy/server/ws1/~8081", WorkspaceTarget("ws1", 8081, b"", b"")),
    "tilde-user": (b"/proxy/server/ws1/~ann/x", WorkspaceTarget("ws1", None, b"/~ann/x", b"")),
}


@pytest.mark.parametrize(("path", "expected"), SERVER.values(), ids=SERVER.keys())
def test_a_server_path_is_parsed(path, expected):
    assert parse(path) == expected


HOST = {
    "path": (b"/proxy/svc.ns.svc:8080/x?y", HostTarget("svc.ns.svc", 8080, "http", b"/x", b"?y")),
    "https-by-port": (b"/proxy/10.1.2.3:8443/", HostTarget("10.1.2.3", 8443, "https", b"/", b"")),
    "ipv6": (b"/proxy/[fd00::1]:80/", HostTarget("fd00::1", 80, "http", b"/", b"")),
    "encoded-colon": (b"/proxy/a%3A80/", HostTarget("a", 80, "http", b"/", b"")),
    "query": (b"/proxy?to=a:80&path=/x", HostTarget("a", 80, "http", b"/x", b"")),
    "query-encoded": (
        b"/proxy?path=%2Fx%20y%3Fz%3D1&to=a%3A80&scheme=https",
        HostTarget("a", 80, "https", b"/x%20y", b"?z=1"),
    ),
    "query-others": (b"/proxy?to=a:80&path=/x&z=1", HostTarget("a", 80, "http", b"/x", b"?z=1")),
    "no-path": (b"/proxy?to=a:80", HostTarget("a", 80, "http", b"/", b"")),
    "relative": (b"/proxy?to=a:80&path=x", HostTarget("a", 80, "http", b"/x", b"")),
}


@pytest.mark.parametrize(("path", "expected"), HOST.values(), ids=HOST.keys())
def test_a_host_path_is_parsed(path, expected):
    assert parse(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        b"/proxy/", b"/proxy/server", b"/proxy/server/", b"/proxy/server//x", b"/proxy/server/./x",
        b"/proxy/server/../x",
        b"/proxy/server/%2e%2e/x", b"/proxy/server/%252e%252e/x", b"/proxy/server/a%2Fb/", b"/proxy/server/a%252Fb/",
        b"/proxy/server/a%5Cb/", b"/proxy/server/a%255Cb/", b"/proxy/server/a\\b/", b"/proxy/server/a%00/",
        b"/proxy/server/a%2500/", b"/proxy/server/a..b/", b"/proxy/server/.a/", b"/proxy/server/a./",
        b"/proxy/server/a%20/",
        b"/proxy/server/" + b"a" * 254 + b"/", b"/proxy/server/a/~0/", b"/proxy/server/a/~65536/",
        b"/proxy/server/a/~08/",
        b"/proxy/server/a/~8x/", b"/proxy/server/%C3%A9/", b"/proxy/a/", b"/proxy/a:/", b"/proxy/a:0/",
        b"/proxy/a:65536/",
        b"/proxy/a:08/", b"/proxy/a:80:90/", b"/proxy/u@a:80/", b"/proxy/a%2Fb:80/", b"/proxy/1:80/",
        b"/proxy/0x7f.1:80/",
        b"/proxy/127.1:80/", b"/proxy/0177.0.0.1:80/", b"/proxy/2130706433:80/", b"/proxy/127.0.0.1.:80/",
        b"/proxy/256.0.0.1:80/", b"/proxy/a.:80/", b"/proxy/-a:80/", b"/proxy/a_b:80/", b"/proxy/::1:80/",
        b"/proxy/[::1%25eth0]:80/", b"/proxy/[::1:80/", b"/proxy/[::1]80/", b"/proxy/%E2%91%A0:80/", b"/proxy?to=",
        b"/proxy?to=a:80&to=b:80", b"/proxy?to=a:80&path=/x&path=/y", b"/proxy?to=a:80&scheme=ftp", b"/proxy?path=/",
        b"/proxy?to=a:80&path=/%0d%0aX:1", b"/proxy?to=a:80&path=/%00", b"/proxy", b"/proxy?to=a%20:80",
    ],
)  # fmt: skip
def test_a_bad_target_is_refused(path):
    with pytest.raises(Refusal) as refused:
        parse(path)
    assert (refused.value.status, refused.value.code) == (400, "bad_target")


@given(st.binary(max_size=60))
def test_whatever_follows_the_id_is_kept_byte_for_byte(rest):
    path = b"/proxy/server/ws1/_/" + rest
    parsed = parse(path)
    assert isinstance(parsed, WorkspaceTarget)
    assert b"/proxy/server/ws1" + parsed.rest + parsed.query == path


@given(st.binary(max_size=60).filter(lambda text: b"/" not in text and b"?" not in text))
def test_an_id_that_gets_through_holds_nothing_but_harmless_characters(raw):
    try:
        parsed = parse(b"/proxy/server/" + raw + b"/")
    except Refusal:
        return
    assert isinstance(parsed, WorkspaceTarget)
    assert parsed.id.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert ".." not in parsed.id


@given(st.text(max_size=40))
def test_a_host_that_gets_through_is_a_name_or_an_address_in_canonical_form(text):
    try:
        host, port = host_port(text)
    except Refusal:
        return
    assert 0 < port < 65536
    assert not set(host) - set("abcdefghijklmnopqrstuvwxyz0123456789-.:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ("a", 8080)),
        ("A.B", ("a.b", 8080)),
        ("10.0.0.1", ("10.0.0.1", 8080)),
        ("[fd00::1]", ("fd00::1", 8080)),
        ("a:1", ("a", 1)),
    ],
)
def test_a_bare_host_gets_the_default_port(text, expected):
    assert host_port(text, default_port=8080) == expected
