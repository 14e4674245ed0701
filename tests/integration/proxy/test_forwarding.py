"""What goes through the front door arrives as it was sent: on the own origin, by path, and at the api."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from guildnet.capability import Capability

TAIL = "Tailscale-User-Login: ann@example.com"


def headers_of(seen: dict[str, Any]) -> dict[str, str]:
    return {key.lower(): value for key, value in seen["headers"]}


async def test_own_origin_passes_path_query_and_host_unchanged(room):
    target = "/a%2Fb//c/../d;x=1?q=%zz&to=1&path=2"
    answer = await room.ask("GET", target, f"Cookie: {room.own_cookie('ws1')}; app=1", host=room.own_host("ws1"))
    assert answer.status == 200
    seen = json.loads(answer.body)
    assert seen["target"] == target
    got = headers_of(seen)
    assert got["host"] == room.own_host("ws1")
    assert got["cookie"] == "app=1"
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-host"] == room.own_host("ws1")
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert "x-forwarded-prefix" not in got


async def test_path_form_strips_its_prefix_and_says_so(room):
    answer = await room.ask("GET", "/proxy/server/ws1/x/%2e%2e/y?z=1", room.bearer())
    seen = json.loads(answer.body)
    assert seen["target"] == "/x/%2e%2e/y?z=1"
    assert headers_of(seen)["x-forwarded-prefix"] == "/proxy/server/ws1"
    assert "cookie" not in headers_of(seen)
    assert "sandbox" in answer.one("content-security-policy")


async def test_a_preserve_workspace_keeps_its_base_everywhere(room):
    room.add("lab", number=2, mode="Preserve")
    by_path = await room.ask("GET", "/proxy/server/lab/tree", room.bearer())
    assert json.loads(by_path.body)["target"] == "/proxy/server/lab/tree"
    own = await room.ask("GET", "/", f"Cookie: {room.own_cookie('lab')}", host=room.own_host("lab"))
    assert (own.status, own.one("location")) == (302, "/proxy/server/lab/")
    deeper = await room.ask(
        "GET", "/proxy/server/lab/tree", f"Cookie: {room.own_cookie('lab')}", host=room.own_host("lab")
    )
    assert json.loads(deeper.body)["target"] == "/proxy/server/lab/tree"


async def test_a_missing_rest_redirects_to_the_slash_with_its_query(room):
    answer = await room.ask("GET", "/proxy/server/ws1?a=1", room.bearer())
    assert (answer.status, answer.one("location")) == (302, "/proxy/server/ws1/?a=1")


async def test_the_api_gets_a_signed_identity_and_no_cookie_or_token(room):
    answer = await room.ask("GET", "/api/servers?q=1", f"Cookie: {room.cookie()}", "X-Request-Id: abc-1")
    assert json.loads(answer.body) == {"kind": "token", "login": "ann", "entry": "local", "path": "/api/servers?q=1"}
    assert answer.one("x-request-id") == "abc-1"
    request = room.api_seen[-1]
    assert "Cookie" not in request.headers
    assert request.headers["X-Request-Id"] == "abc-1"
    assert answer.one("x-frame-options") == "DENY"
    assert f"http://*.guildnet.localhost:{room.port}" in answer.one("content-security-policy")


async def test_healthz_needs_no_identity(room):
    answer = await room.ask("GET", "/healthz")
    assert (answer.status, answer.body) == (200, b"ok")
    assert "X-Guildnet-Identity" not in room.api_seen[-1].headers


async def test_anonymous_callers_get_401_and_a_person_the_login_page(room):
    assert (await room.ask("GET", "/api/servers")).status == 401
    page = await room.ask("GET", "/", "Accept: text/html", "Sec-Fetch-Mode: navigate")
    assert page.status == 401
    assert b"make url" in page.body
    assert (await room.ask("GET", "/proxy/server/ws1/")).status == 401
    assert json.loads((await room.ask("GET", "/api/me")).body)["kind"] == "anonymous"
    assert (await room.ask("GET", "/%61pi/servers")).status == 401


async def test_keep_alive_serves_many_requests_over_one_upstream_connection(room):
    reader, writer = await room.connect()
    request = f"GET /n HTTP/1.1\r\nHost: {room.own_host('ws1')}\r\nCookie: {room.own_cookie('ws1')}\r\n\r\n".encode()
    for _ in range(20):
        writer.write(request)
        assert (await room.read(reader)).status == 200
    writer.write(request * 5)
    for _ in range(5):
        assert (await room.read(reader)).status == 200
    writer.close()
    assert room.server.pool.opened == 1


async def test_a_stale_pooled_connection_is_replaced_for_idempotent_requests_only(room):
    closes: list[int] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = 0
        while (await reader.readuntil(b"\r\n\r\n")) and served == 0:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            served += 1
        closes.append(served)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    room.add("rude", number=3, upstream_port=server.sockets[0].getsockname()[1])
    own = {"host": room.own_host("rude")}
    cookie = f"Cookie: {room.own_cookie('rude')}"
    assert (await room.ask("GET", "/", cookie, **own)).status == 200
    assert (await room.ask("GET", "/", cookie, **own)).status == 200
    assert len(closes) == 1
    assert (await room.ask("POST", "/", cookie, **own, body=b"x")).status == 502
    server.close()


async def test_a_refused_connection_is_a_502_and_an_unknown_workspace_a_404(room):
    from support.process import free_port

    room.add("dead", number=4, upstream_port=free_port())
    answer = await room.ask("GET", "/proxy/server/dead/", room.bearer())
    assert (answer.status, json.loads(answer.body)["code"]) == (502, "upstream_refused")
    assert b"127.0.0.1" not in answer.body
    assert (await room.ask("GET", "/proxy/server/nope/", room.bearer())).status == 404


@pytest.mark.parametrize(
    ("status", "running", "expected"),
    [({"phase": "Pending"}, True, 503), ({"phase": "Stopped"}, False, 409)],
    ids=["starting", "stopped"],
)
async def test_a_workspace_that_is_not_ready_gets_a_page_that_says_why(room, status, running, expected):
    conditions = [{"type": "ImagePulled", "status": "False", "reason": "Pulling", "message": "pulling <image>"}]
    room.add("slow", number=5, ready=False, status=status | {"conditions": conditions}, spec={"running": running})
    page = await room.ask(
        "GET", "/", "Accept: text/html", f"Cookie: {room.own_cookie('slow')}", host=room.own_host("slow")
    )
    assert page.status == expected
    if expected == 503:
        assert b"pulling &lt;image&gt;" in page.body
        assert b'data-status="/.guildnet/status" data-code="starting"' in page.body
    as_json = await room.ask("GET", "/", f"Cookie: {room.own_cookie('slow')}", host=room.own_host("slow"))
    assert json.loads(as_json.body)["code"] in {"starting", "stopped"}


@pytest.mark.parametrize(
    ("rules", "offered", "said"),
    [
        ((), True, ""),
        ((Capability("opens", frozenset({"proxy"})),), False, "You may not start it: no Capability allows it to you."),
        ((Capability("starts", frozenset({"proxy", "start"})),), True, ""),
    ],
    ids=["open", "may-not-start", "may-start"],
)
async def test_the_page_of_a_stopped_workspace_leads_whoever_may_start_it_to_the_button(room, rules, offered, said):
    room.add("off", number=6, ready=False, spec={"running": False})
    room.table.set_capabilities(rules)
    cookie = f"Cookie: {room.own_cookie('off', 'bob', ())}"
    answer = await room.ask("GET", "/", "Accept: text/html", cookie, host=room.own_host("off"))
    page = answer.body.decode()
    assert answer.status == 409
    start = f'<a class="button" href="http://{room.host}/w/off/open" target="_top">Start</a>'
    assert (start in page, said in page) == (offered, True)
    assert ('<a href="">Try again</a>' in page) == offered


async def test_the_page_of_a_failed_workspace_leads_to_why(room):
    room.add("bad", number=6, ready=False, status={"phase": "Failed"})
    cookie = f"Cookie: {room.own_cookie('bad')}"
    answer = await room.ask("GET", "/", "Accept: text/html", cookie, host=room.own_host("bad"))
    assert f'href="http://{room.host}/w/bad/timeline" target="_top">See why</a>' in answer.body.decode()


async def test_the_tailnet_entry_serves_by_port_and_believes_whois(room):
    from guildnet_proxy.tailnet.localapi import Peer

    room.peers["100.64.0.7"] = Peer("laptop.tailtest.example", "ann@example.com", "Ann", (), ())
    forwarded = ("X-Forwarded-For: 100.64.0.7", TAIL, "Host: localhost")

    async def ask(host: str, path: str, *headers: str) -> Any:
        lines = [f"GET {path} HTTP/1.1", f"X-Forwarded-Host: {host}", "Connection: close", *forwarded, *headers]
        return await room.raw("\r\n".join(lines).encode() + b"\r\n\r\n", private=True)

    host = "guildnet.tailtest.example:20001"
    given = re.search(rb"(?i)set-cookie: (gn20001-\w+-sid)=1", await ask(host, "/x?set-Set-Cookie=sid%3D1%3BHttpOnly"))
    assert given is not None
    own = await ask(host, "/x", f"Cookie: {given[1].decode()}=1; gn20002-sid=2; _xsrf=3; sid=9")
    assert b" 200 " in own.split(b"\r\n")[0]
    seen = json.loads(own.partition(b"\r\n\r\n")[2])
    got = headers_of(seen)
    assert got["host"] == "guildnet.tailtest.example:20001"
    assert got["cookie"] == "sid=1; _xsrf=3"
    assert got["x-forwarded-proto"] == "https"
    assert got["x-forwarded-for"] == "100.64.0.7"
    assert not any(name.startswith("tailscale") for name in got)
    me = await ask("guildnet.tailtest.example", "/api/me")
    assert json.loads(me.partition(b"\r\n\r\n")[2])["login"] == "ann@example.com"
    assert b" 421 " in (await ask("evil.example", "/"))[:40]


async def test_tailnet_headers_that_disagree_with_whois_are_refused(room):
    from guildnet_proxy.tailnet.localapi import Peer

    room.peers["100.64.0.8"] = Peer("bot.tailtest.example", "bob@example.com", "Bob", ("tag:ci",), ())
    for login in (TAIL, "Tailscale-User-Login: bob@example.com"):
        lines = ["GET /api/me HTTP/1.1", "Host: localhost", "X-Forwarded-Host: guildnet.tailtest.example",
                 "X-Forwarded-For: 100.64.0.8", "Connection: close", login]  # fmt: skip
        assert b" 403 " in (await room.raw("\r\n".join(lines).encode() + b"\r\n\r\n", private=True))[:40]
    lines[-1] = "X-Other: 1"
    node = await room.raw("\r\n".join(lines).encode() + b"\r\n\r\n", private=True)
    assert json.loads(node.partition(b"\r\n\r\n")[2])["kind"] == "node"


async def test_a_response_head_is_rewritten_to_where_the_workspace_appears(room):
    query = (
        "set-Location=http://{0}/next&set-Set-Cookie=a%3D1;%20Domain%3Dlocalhost;%20Path%3D/x&set-X-Frame-Options=DENY"
    )
    answer = await room.ask("GET", "/proxy/server/ws1/?" + query.format(room.host), room.bearer())
    assert answer.one("location") == f"http://{room.host}/proxy/server/ws1/next"
    assert answer.one("set-cookie") == "a=1; Path=/proxy/server/ws1/x"
    assert "x-frame-options" not in answer.headers


async def test_an_error_of_an_unexpected_kind_is_a_500_without_a_trace(room, monkeypatch):
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(room.server.handler.sites, "locate", broken)
    answer = await room.ask("GET", "/")
    assert answer.status == 500
    assert b"secret" not in answer.body
