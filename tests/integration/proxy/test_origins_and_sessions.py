"""The gate in every placement, logging in, and the hand-over of a session to a workspace's own origin."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import httpx2
import pytest

from guildnet_proxy.auth.token_review import TokenReview
from integration.proxy.room import Room, jwt
from support.openapi import require

ADMIN = TokenReview(authenticated=True, username="system:serviceaccount:guildnet:guildnet-admin")
NAVIGATE = ("Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none")


def origins(room: Room) -> dict[str, str]:
    return {
        "own": f"http://{room.own_host('ws1')}",
        "control": f"http://{room.host}",
        "sister": f"http://{room.own_host('ws2')}",
        "foreign": "http://evil.example",
        "null": "null",
    }


@pytest.mark.parametrize(
    ("method", "origin", "extra", "expected"),
    [
        ("GET", "own", (), 200),
        ("POST", "own", (), 200),
        ("GET", "control", (), 200),
        ("HEAD", "control", (), 200),
        ("POST", "control", (), 403),
        ("GET", "sister", (), 403),
        ("POST", "sister", (), 403),
        ("GET", "foreign", (), 403),
        ("POST", "foreign", (), 403),
        ("GET", "null", (), 403),
        ("GET", None, ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"), 403),
        ("GET", None, ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"), 403),
        ("GET", None, ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"), 200),
        ("GET", None, ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"), 200),
        ("GET", None, ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), 200),
        ("GET", None, ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object"), 403),
        ("POST", None, ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"), 403),
        ("POST", None, (), 200),
    ],
)
async def test_the_gate_of_a_workspace_origin(room, method, origin, extra, expected):
    room.add("ws2", number=2)
    lines = [f"Cookie: {room.own_cookie('ws1')}", *extra]
    if origin is not None:
        lines.append(f"Origin: {origins(room)[origin]}")
    answer = await room.ask(method, "/x", *lines, host=room.own_host("ws1"), body=b"x" if method == "POST" else b"")
    assert answer.status == expected
    if origin == "control" and expected == 200:
        assert answer.one("access-control-allow-origin") == f"http://{room.host}"


@pytest.mark.parametrize(
    ("method", "origin", "extra", "expected"),
    [
        ("POST", "control", ("Content-Type: application/json",), 200),
        ("POST", "control", ("Content-Type: text/plain",), 415),
        ("POST", "own", ("Content-Type: application/json",), 403),
        ("POST", "foreign", ("Content-Type: application/json",), 403),
        ("POST", "null", ("Content-Type: application/json",), 403),
        ("GET", "own", (), 403),
        ("GET", None, ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"), 403),
        ("GET", None, ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"), 403),
        ("GET", None, (), 200),
        ("POST", None, ("Content-Type: application/json",), 200),
        ("DELETE", None, ("Sec-Fetch-Site: same-site",), 403),
    ],
)
async def test_the_gate_of_the_control_origin(room, method, origin, extra, expected):
    room.add("ws2", number=2)
    lines = [f"Cookie: {room.cookie()}", *extra]
    if origin is not None:
        lines.append(f"Origin: {origins(room)[origin]}")
    path = "/sse/servers" if method == "GET" else "/api/jobs"
    answer = await room.ask(method, path, *lines, body=b"{}" if method == "POST" else b"")
    assert answer.status == expected


async def test_a_token_logs_in_once_and_the_session_counts(room):
    token = jwt("admin")
    room.tokens[token] = ADMIN
    answer = await room.ask("GET", f"/login?token={token}&next=/servers/x", *NAVIGATE)
    assert (answer.status, answer.one("location")) == (303, "/servers/x")
    cookie = answer.one("set-cookie")
    assert cookie.startswith("__Host-guildnet-guildnet=")
    assert all(part in cookie for part in ("; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"))
    me = await room.ask("GET", "/api/me", "Cookie: " + cookie.partition(";")[0])
    assert json.loads(me.body)["login"] == ADMIN.username
    assert not any(token in line for line in room.log)
    out = await room.ask("POST", "/logout", "Cookie: " + cookie.partition(";")[0], f"Origin: http://{room.host}")
    assert "Max-Age=0" in out.one("set-cookie")


async def test_a_session_that_was_not_made_here_leaves_a_line_and_is_nobodys(room):
    room.add("ws1")
    control, own = room.cookie(), room.own_cookie("ws1")
    asked = [
        ("POST", "/api/jobs", control, "", 401), ("GET", "/servers/x", control, "", 401),
        ("GET", "/.guildnet/ticket?label=x&nonce=y", control, "", 401), ("GET", "/proxy/server/ws1/", control, "", 401),
        ("GET", "/x", own, room.own_host("ws1"), 303),
    ]  # fmt: skip
    for method, path, cookie, host, status in asked:
        room.log.clear()
        lines = NAVIGATE if method == "GET" else ()
        answer = await room.ask(method, path, f"Cookie: {cookie[:-4]}AAAA", *lines, host=host)
        assert answer.status == status, (path, answer)
        audit = [json.loads(line) for text in room.log for line in text.splitlines() if line.startswith('{"audit"')]
        told = [(line["who"], line["source"], line["allowed"], line["rule"]) for line in audit]
        assert told == [("anonymous", "forged-session", False, "anonymous")], path


@pytest.mark.parametrize(
    "next_", ["//evil.example/", "/\\evil.example", "https://evil.example/", "javascript:1", "/%0d%0aX:1"]
)
async def test_login_goes_nowhere_but_to_this_origin(room, next_):
    token = jwt("admin")
    room.tokens[token] = ADMIN
    answer = await room.ask("GET", f"/login?token={token}&next={next_}", *NAVIGATE)
    assert answer.status == 303
    assert answer.one("location") == "/"
    assert "x" not in answer.headers


async def test_a_bad_token_does_not_log_in(room):
    answer = await room.ask("GET", f"/login?token={jwt('nobody')}", *NAVIGATE)
    assert answer.status == 401
    assert "set-cookie" not in answer.headers


async def test_a_token_of_white_space_is_none(room):
    answer = await room.ask("GET", "/login?token=%20", *NAVIGATE)
    assert answer.status == (await room.ask("GET", "/login", *NAVIGATE)).status
    assert room.reviews == []


async def test_a_bearer_token_for_us_is_believed_reviewed_once_and_never_passed_on(room):
    token = jwt("admin")
    room.tokens[token] = ADMIN
    for _ in range(3):
        answer = await room.ask("GET", "/", f"Authorization: Bearer {token}", host=room.own_host("ws1"))
        assert answer.status == 200
        assert token not in answer.body.decode()
    assert room.reviews == [token]
    assert (await room.ask("GET", "/api/me", f"Authorization: Bearer {jwt('nobody')}")).status == 401


async def test_another_authorization_belongs_to_the_app(room):
    for value in ("Basic dXNlcjpwdw==", "token abc", f"Bearer {jwt('x', 'other-audience')}", "Bearer opaque"):
        answer = await room.ask(
            "GET", "/", f"Authorization: {value}", f"Cookie: {room.own_cookie('ws1')}", host=room.own_host("ws1")
        )
        assert value in answer.body.decode()
    assert room.reviews == []


async def follow(room: Room, answer_location: str, *lines: str):
    parts = urlsplit(answer_location)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return await room.ask("GET", path, *NAVIGATE, *lines, host=parts.netloc or room.host)


async def test_a_ticket_hands_the_session_over_to_the_workspaces_own_origin(room):
    own = room.own_host("ws1")
    first = await room.ask("GET", "/lab?x=1", *NAVIGATE, host=own)
    assert first.status == 303
    nonce = first.one("set-cookie").partition(";")[0]
    asked = await follow(room, first.one("location"), f"Cookie: {room.cookie()}")
    assert asked.status == 303
    ticket_url = asked.one("location")
    assert ticket_url.startswith(f"http://{own}/.guildnet/ticket?")
    stolen = await follow(room, ticket_url)
    assert stolen.status == 403
    back = await follow(room, ticket_url, f"Cookie: {nonce}")
    assert (back.status, back.one("location")) == (303, "/lab?x=1")
    session = back.one("set-cookie").partition(";")[0]
    again = await follow(room, ticket_url, f"Cookie: {nonce}")
    assert again.status == 403
    page = await room.ask("GET", "/lab?x=1", *NAVIGATE, f"Cookie: {session}", host=own)
    assert page.status == 200
    assert "guildnet-ws" not in page.body.decode()


async def test_a_ticket_opens_no_other_workspace_and_no_session_passes_between_origins(room):
    room.add("ws2", number=2)
    first = await room.ask("GET", "/", *NAVIGATE, host=room.own_host("ws1"))
    nonce = first.one("set-cookie").partition(";")[0]
    asked = await follow(room, first.one("location"), f"Cookie: {room.cookie()}")
    other = asked.one("location").replace(room.own_host("ws1"), room.own_host("ws2"))
    assert (await follow(room, other, f"Cookie: {nonce}")).status == 403
    for cookie in (room.own_cookie("ws2"), room.cookie()):
        assert (await room.ask("GET", "/", f"Cookie: {cookie}", host=room.own_host("ws1"))).status == 401
    assert (await room.ask("GET", "/api/servers", f"Cookie: {room.own_cookie('ws1')}")).status == 401


async def test_without_a_session_the_ticket_goes_by_the_login_page(room):
    first = await room.ask("GET", "/lab", *NAVIGATE, host=room.own_host("ws1"))
    page = await follow(room, first.one("location"))
    assert page.status == 401
    assert b"/.guildnet/ticket?label=" in page.body


async def test_who_may_not_use_a_workspace_gets_no_ticket_and_no_byte(room):
    from guildnet.capability import Capability

    room.table.set_capabilities([Capability("lists", frozenset({"list"}))])
    first = await room.ask("GET", "/", *NAVIGATE, host=room.own_host("ws1"))
    denied = await follow(room, first.one("location"), f"Cookie: {room.cookie('bob', ())}")
    assert denied.status == 403
    bob = room.bearer("bob")
    assert (await room.ask("GET", "/proxy/server/ws1/", bob)).status == 403
    room.table.set_capabilities(None)
    for name in ("ws1", "absent"):
        answer = await room.ask("GET", f"/proxy/server/{name}/", bob)
        assert (answer.status, b"cannot be read right now" in answer.body) == (403, True), "and not that there is none"
    room.table.set_capabilities([Capability("others", frozenset({"list"}), subjects=())])
    assert (await room.ask("GET", "/proxy/server/ws1/", bob)).status == 404
    assert room.server.pool.opened == 0


async def test_explicit_targets_are_denied_by_default_and_open_a_workspaces_own_address(room):
    cookie = room.bearer()
    for target in (
        "127.0.0.1:80",
        "169.254.169.254:80",
        "[::1]:80",
        "10.0.0.1:80",
        "[::ffff:127.0.0.1]:80",
        "localhost:80",
    ):
        answer = await room.ask("GET", f"/proxy/{target}/", cookie)
        assert (answer.status, json.loads(answer.body)["code"]) == (403, "target_denied"), target
    assert (await room.ask("GET", "/proxy?to=127.0.0.1:80&path=/x", cookie)).status == 403


QUERIES = [
    "",
    "?server=ws1",
    "?server=%F0%9F%98%80&path=%00",
    "?to=",
    "?to=10.0.0.1:80&path=/a",
    "?to=%C3%A9:80",
    "?path=x",
]


@pytest.mark.parametrize("query", QUERIES)
async def test_proxy_debug_answers_as_the_document_of_the_origin_has_it(room, query):
    answer = await room.ask("GET", f"/api/proxy-debug{query}", f"Cookie: {room.cookie()}")
    told = {name: ", ".join(values) for name, values in answer.headers.items()}
    require("GET", "/api/proxy-debug", httpx2.Response(answer.status, headers=told, content=answer.body))


@pytest.mark.parametrize(("method", "path"), [("GET", "/login"), ("GET", "/login?token=x"), ("POST", "/logout")])
async def test_login_and_logout_answer_as_the_document_of_the_origin_has_it(room, method, path):
    answer = await room.ask(method, path, f"Cookie: {room.cookie()}")
    told = {name: ", ".join(values) for name, values in answer.headers.items()}
    require(method, path, httpx2.Response(answer.status, headers=told, content=answer.body))


async def test_proxy_debug_says_which_rule_fired(room):
    answer = await room.ask("GET", "/api/proxy-debug?server=ws1&path=/a", f"Cookie: {room.cookie()}")
    shown = json.loads(answer.body)
    assert (shown["server"], shown["path"], shown["rule"], shown["verdict"]) == ("ws1", "/a", "service", "forward")
    assert len(shown["rid"]) == 32
    gone = json.loads((await room.ask("GET", "/api/proxy-debug?server=no", f"Cookie: {room.cookie()}")).body)
    assert (gone["verdict"], gone["status"]) == ("refused", 404)
    to = json.loads((await room.ask("GET", "/api/proxy-debug?to=10.0.0.1:80", f"Cookie: {room.cookie()}")).body)
    assert (to["verdict"], to["rule"]) == ("refused", "default-deny")
