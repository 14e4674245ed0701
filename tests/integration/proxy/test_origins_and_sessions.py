"""The gate in every placement, logging in, and the hand-over of a session to a workspace's own origin."""

from __future__ import annotations

import json
import time
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.tailnet.localapi import Peer
from integration.proxy.room import Room, echo_app, jwt, make_room, serve_app
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
    cookie, mark = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-guildnet-guildnet=")
    assert all(part in cookie for part in ("; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"))
    assert mark.startswith("__Secure-guildnet-mark-guildnet=")
    assert all(part in mark for part in ("; Domain=guildnet.localhost", "; Secure", "; HttpOnly", "; SameSite=Lax"))
    me = await room.ask("GET", "/api/me", "Cookie: " + cookie.partition(";")[0])
    assert json.loads(me.body)["login"] == ADMIN.username
    assert not any(token in line for line in room.log)
    out = await room.ask("POST", "/logout", "Cookie: " + cookie.partition(";")[0], f"Origin: http://{room.host}")
    assert all("Max-Age=0" in gone for gone in out.headers["set-cookie"])
    assert len(out.headers["set-cookie"]) == 2


async def test_a_session_that_was_not_made_here_leaves_a_line_and_is_nobodys(room):
    room.add("ws1")
    control, own = room.cookie(), room.own_cookie("ws1")
    asked = [
        ("POST", "/api/jobs", control, "", 401), ("GET", "/servers/x", control, "", 401),
        ("GET", "/.guildnet/ticket?start=x", control, "", 401), ("GET", "/proxy/server/ws1/", control, "", 401),
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
    answer = await room.ask("GET", f"/login?token={jwt('nobody')}&next=/w/lab", *NAVIGATE)
    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    page = answer.body.decode()
    assert "This token is not valid here" in page
    assert '<form action="/login"' in page
    assert 'name="next" value="/w/lab"' in page


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


def mark_of(room: Room, control: str) -> str:
    """The mark of the browser that has the session."""
    entry = room.entries.all()[-1]
    session = room.sessions.read(control.partition("=")[2], entry, time.time())
    assert session is not None
    return f"{room.sessions.names.mark}={room.sessions.mark(session)}"


async def test_a_ticket_hands_the_session_over_to_the_workspaces_own_origin(room):
    own = room.own_host("ws1")
    first = await room.ask("GET", "/lab?x=1", *NAVIGATE, host=own)
    assert first.status == 303
    nonce = first.one("set-cookie").partition(";")[0]
    control = f"Cookie: {room.cookie()}"
    unmarked = await follow(room, first.one("location"), control)
    mark = unmarked.one("set-cookie").partition(";")[0]
    assert unmarked.one("location") == f"http://{own}/.guildnet/ticket?again=1&next=%2Flab%3Fx%3D1"
    second = await follow(room, unmarked.one("location"), f"Cookie: {nonce}; {mark}")
    asked = await follow(room, second.one("location"), control)
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


async def test_nobody_gets_a_ticket_for_a_browser_that_is_not_the_visitors(room):
    """The start of a way to a ticket can be had by anybody, and the visitor's browser be sent on with it."""
    control = f"Cookie: {room.cookie()}"
    for cookies in ("", f"Cookie: {mark_of(room, f'Cookie: {room.cookie()}')}"):
        theirs = await room.ask("GET", "/", *NAVIGATE, *([cookies] if cookies else []), host=room.own_host("ws1"))
        nonce = theirs.one("set-cookie").partition(";")[0]
        got = await follow(room, theirs.one("location"), control)
        assert "ticket=" not in got.one("location"), "it is not the session that this browser is marked with"
        again = await follow(room, got.one("location"), f"Cookie: {nonce}")
        refused = await follow(room, again.one("location"), control)
        assert (refused.status, "location" in refused.headers) == (403, False)
    invented = await room.ask("GET", f"/.guildnet/ticket?start=v1.e30.x&label={room.own_host('ws1')}", control)
    assert (invented.status, json.loads(invented.body)["code"]) == (403, "bad_ticket")


BY_A_PAGE = {
    "an image": ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"),
    "a frame": ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"),
    "a script of the UI": ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"),
}


@pytest.mark.parametrize("lines", BY_A_PAGE.values(), ids=BY_A_PAGE.keys())
async def test_no_page_logs_its_visitor_in_unseen(room, lines):
    room.tokens[jwt("mallory")] = TokenReview(authenticated=True, username="mallory")
    answer = await room.ask("GET", f"/login?token={jwt('mallory')}", "Accept: text/html", *lines)
    assert (answer.status, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("source", "logged_in", "asks"),
    [
        ("none", "", False), ("none", "mallory", False), ("none", "ann", True),
        ("same-origin", "ann", False), ("cross-site", "", True), ("same-site", "mallory", True),
    ],
)  # fmt: skip
async def test_a_person_is_asked_where_somebody_else_may_have_led_there(room, source, logged_in, asks):
    room.tokens[jwt("mallory")] = TokenReview(authenticated=True, username="mallory")
    lines = ["Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", f"Sec-Fetch-Site: {source}"]
    if logged_in:
        lines.append(f"Cookie: {room.cookie(logged_in)}")
    answer = await room.ask("GET", f"/login?token={jwt('mallory')}&next=/x", *lines)
    assert (answer.status, "set-cookie" in answer.headers) == ((200, False) if asks else (303, True))
    if asks:
        assert all(part in answer.body for part in (b"token:mallory", b'name="token"', b'value="/x"'))
        assert "frame-ancestors 'none'" in answer.one("content-security-policy")


@pytest.mark.parametrize("next_", ["/login?token=x", "/./login?token=x", "/a/../login", "/%2e/login", "/logout"])
async def test_a_login_does_not_lead_on_to_another_one(room, next_):
    room.tokens[jwt("admin")] = ADMIN
    answer = await room.ask("GET", f"/login?token={jwt('admin')}&next={quote(next_, safe='')}", *NAVIGATE)
    assert (answer.status, answer.one("location")) == (303, "/")


async def test_the_frontend_reads_refusals_and_may_log_out(tmp_path):
    upstream, port = await serve_app(echo_app())
    room = await make_room(tmp_path, port, port, Limits(drain_seconds=0.2), frontend_origin="https://ui.example")
    try:
        frontend = "Origin: https://ui.example"
        asked = ("Access-Control-Request-Method: GET",)
        for method, path, lines, status in (
            ("GET", "/api/servers", (), 401), ("GET", "/api/proxy-debug", (), 401), ("POST", "/logout", (), 303),
            ("GET", "/.guildnet/x", (), 404), ("OPTIONS", "/api/proxy-debug", asked, 204),
            ("OPTIONS", "/logout", asked, 204), ("PUT", "/logout", (), 405),
        ):  # fmt: skip
            answer = await room.ask(method, path, frontend, *lines)
            assert (answer.status, path) == (status, path)
            assert answer.one("access-control-allow-origin") == "https://ui.example", path
            assert answer.one("x-content-type-options") == "nosniff"
            assert answer.one("x-request-id")
            foreign = await room.ask(method, path, "Origin: https://evil.example", *lines)
            assert "access-control-allow-origin" not in foreign.headers
    finally:
        await room.server.close()
        await room.sources.aclose()
        await upstream.cleanup()


async def test_own_answers_hold_the_control_origin_together(room):
    for method, path in (("GET", "/login"), ("GET", "/api/servers"), ("GET", "/.guildnet/x"), ("POST", "/logout")):
        answer = await room.ask(method, path)
        for name, value in (
            ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("origin-agent-cluster", "?1"),
        ):  # fmt: skip
            assert answer.one(name) == value, (path, name)
        assert answer.one("content-security-policy")
    own = await room.ask("GET", "/.guildnet/status", f"Origin: http://{room.host}", host=room.own_host("ws1"))
    assert (own.status, own.one("access-control-allow-origin")) == (401, f"http://{room.host}")
    assert own.one("x-content-type-options") == "nosniff"


async def test_an_audit_line_says_who_logged_out(room):
    room.log.clear()
    await room.ask("POST", "/logout", f"Cookie: {room.cookie('ann')}")
    audit = [json.loads(line) for text in room.log for line in text.splitlines() if line.startswith('{"audit"')]
    assert [(line["who"], line["action"]) for line in audit] == [("token:ann", "logout")]


async def test_a_ticket_opens_no_other_workspace_and_no_session_passes_between_origins(room):
    room.add("ws2", number=2)
    control = f"Cookie: {room.cookie()}"
    first = await room.ask("GET", "/", *NAVIGATE, f"Cookie: {mark_of(room, control)}", host=room.own_host("ws1"))
    nonce = first.one("set-cookie").partition(";")[0]
    asked = await follow(room, first.one("location"), control)
    other = asked.one("location").replace(room.own_host("ws1"), room.own_host("ws2"))
    assert (await follow(room, other, f"Cookie: {nonce}")).status == 403
    for cookie in (room.own_cookie("ws2"), room.cookie()):
        assert (await room.ask("GET", "/", f"Cookie: {cookie}", host=room.own_host("ws1"))).status == 401
    assert (await room.ask("GET", "/api/servers", f"Cookie: {room.own_cookie('ws1')}")).status == 401


async def test_without_a_session_the_ticket_goes_by_the_login_page(room):
    first = await room.ask("GET", "/lab", *NAVIGATE, host=room.own_host("ws1"))
    page = await follow(room, first.one("location"))
    assert page.status == 401
    assert b"/.guildnet/ticket?start=" in page.body


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


@pytest.mark.parametrize(
    "fields", [(f"Cookie: a={'x' * 33000}",), tuple(f"Cookie: a{n}={'x' * 400}" for n in range(93))]
)
async def test_a_browser_with_too_many_cookies_is_offered_to_clear_them(room, fields):
    assert sum(map(len, fields)) > 32768
    page = await room.ask("GET", "/x", *NAVIGATE, *fields, host=room.own_host("ws1"))
    assert (page.status, b'action="/.guildnet/clear-cookies"' in page.body) == (431, True)
    assert "clear-site-data" not in page.headers
    own = ("Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin")
    cleared = await room.ask("GET", "/.guildnet/clear-cookies?", *own, *fields, host=room.own_host("ws1"))
    assert (cleared.status, cleared.one("clear-site-data")) == (200, '"cookies"')
    sister = tuple(line.replace("same-origin", "same-site") for line in own)
    asked = await room.ask("GET", "/.guildnet/clear-cookies", *sister, *fields, host=room.own_host("ws1"))
    assert (asked.status, "clear-site-data" in asked.headers) == (431, False)
    program = await room.ask("GET", "/x", *fields)
    assert (program.status, json.loads(program.body)["code"]) == (431, "headers_too_large")


DEVICE = ("Host: x", "X-Forwarded-For: 100.64.0.7", "Tailscale-User-Login: ann@x", "X-Forwarded-Proto: https")


async def on_the_tailnet(room: Room, port: int, path: str, *lines: str):
    reader, writer = await room.connect(private=True)
    host = f"X-Forwarded-Host: guildnet.tailtest.example:{port}"
    writer.write("\r\n".join([f"GET {path} HTTP/1.1", host, *DEVICE, *lines]).encode() + b"\r\n\r\n")
    answer = await room.read(reader)
    writer.close()
    return answer


async def test_workspaces_on_one_name_neither_get_nor_make_each_others_cookies(room):
    room.peers["100.64.0.7"] = Peer("laptop", "ann@x", "Ann", (), ("admin",))
    room.add("ws2", number=2, spec={"env": [{"name": "GUILDNET_SCRIPT_COOKIES", "value": "_xsrf"}]})
    set_by_one = await on_the_tailnet(room, 20001, "/?set-Set-Cookie=sid%3Dmine%3B%20HttpOnly")
    renamed = set_by_one.one("set-cookie").partition(";")[0]
    assert renamed.startswith("gn20001-")
    for cookie, at_one, at_two in (
        (renamed, "sid=mine", ""), ("gn20001-sid=tossed", "", ""), (renamed.replace("20001", "20002"), "", ""),
        ("theme=dark", "theme=dark", ""), ("_xsrf=1", "_xsrf=1", "_xsrf=1"),
    ):  # fmt: skip
        for port, expected in ((20001, at_one), (20002, at_two)):
            got = json.loads((await on_the_tailnet(room, port, "/", f"Cookie: {cookie}")).body)["headers"]
            assert dict(got).get("Cookie", "") == expected, (cookie, port)
    for port, separate in ((20001, False), (20002, False)):
        status = json.loads((await on_the_tailnet(room, port, "/.guildnet/status")).body)
        assert status["cookies"]["separate"] is separate
    own = await room.ask("GET", "/.guildnet/status", f"Cookie: {room.own_cookie('ws1')}", host=room.own_host("ws1"))
    assert json.loads(own.body)["cookies"] == {"separate": True}
