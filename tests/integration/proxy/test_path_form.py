"""The path form over real sockets: programs use it, a browser is sent to the own origin of each port."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from guildnet.workspace import Workspace
from guildnet_proxy.http.limits import Limits
from guildnet_proxy.tailnet.localapi import Peer
from integration.proxy.room import Room, api_app, echo_app, make_room, serve_app
from integration.proxy.test_origins_and_sessions import mark_of

PAGE: tuple[str, ...] = (
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Site: none",
    "Accept: text/html",
)
FRAME: tuple[str, ...] = (
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: iframe",
    "Sec-Fetch-Site: same-origin",
    "Accept: text/html",
)
OLD_BROWSER: tuple[str, ...] = ("Accept: text/html,application/xhtml+xml",)
FETCH: tuple[str, ...] = ("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Sec-Fetch-Site: same-origin")
SCRIPT: tuple[str, ...] = ("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script", "Sec-Fetch-Site: same-origin")
NOTHING: tuple[str, ...] = ()
FORM = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin")

Makes = Callable[..., Awaitable[Room]]


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Makes]:
    """Makes front doors with settings of their own, and one workspace with two ports."""
    upstream, upstream_port = await serve_app(echo_app())
    api, api_port = await serve_app(api_app([]))
    made: list[Room] = []

    async def make(**settings: Any) -> Room:
        room = await make_room(tmp_path, upstream_port, api_port, Limits(drain_seconds=0.1), **settings)
        made.append(room)
        room.add("ws1", spec={"ports": [{"containerPort": upstream_port}, {"containerPort": 9090}]})
        return room

    yield make
    for room in made:
        await room.server.close()
        room.records.flush()
        await room.sources.aclose()
    await upstream.cleanup()
    await api.cleanup()


@pytest.mark.parametrize("browser", [PAGE, FRAME, OLD_BROWSER], ids=["page", "frame", "old"])
async def test_a_page_of_the_path_form_goes_to_the_own_origin_of_its_port(rooms: Makes, browser: tuple[str, ...]):
    room = await rooms()
    cookie = f"Cookie: {room.cookie()}"
    first = f"http://{room.own_host('ws1')}"
    second = f"http://{room.own_host('ws1', 9090)}"
    table = {
        "/proxy/server/ws1/a%2Fb?c=d": f"{first}/a%2Fb?c=d",
        "/proxy/server/ws1": f"{first}/",
        f"/proxy/server/ws1/~{room.upstream_port}/x": f"{first}/x",
        "/proxy/server/ws1/~9090/x?y": f"{second}/x?y",
        "/proxy/server/ws1/~9090": f"{second}/",
    }
    for path, place in table.items():
        answer = await room.ask("GET", path, cookie, *browser)
        assert (answer.status, answer.one("location")) == (302, place), path
    unknown = await room.ask("GET", "/proxy/server/ws1/~9999/", cookie, *browser)
    assert unknown.status == 404


async def test_the_own_origin_of_a_port_is_that_port_alone_and_has_its_ticket(rooms: Makes):
    room = await rooms()
    host = room.own_host("ws1", 9090)
    control = f"Cookie: {room.cookie()}"
    first = await room.ask("GET", "/x", *PAGE, f"Cookie: {mark_of(room, control)}", host=host)
    assert first.status == 303, "it has a session of its own"
    start = parse_qs(urlsplit(first.one("location")).query)["start"][0].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(start + "=="))["label"] == host.partition(".")[0]
    nonce = first.one("set-cookie").partition(";")[0]
    ask = first.one("location").partition(room.host)[2]
    asked = await room.ask("GET", ask, *PAGE, control)
    back = asked.one("location").partition(host)[2]
    redeemed = await room.ask("GET", back, *PAGE, f"Cookie: {nonce}", host=host)
    session = redeemed.one("set-cookie").partition(";")[0]
    gone = await room.ask("GET", "/x", f"Cookie: {session}", "Accept: application/json", host=host)
    assert (gone.status, json.loads(gone.body)["code"]) == (503, "starting"), "nothing listens at 9090"
    status = await room.ask("GET", "/.guildnet/status", f"Cookie: {session}", host=host)
    assert json.loads(status.body)["code"] == "starting"
    sister = f"Origin: http://{room.own_host('ws1')}"
    crossed = await room.ask("POST", "/x", f"Cookie: {session}", sister, host=host)
    assert crossed.status == 403, "another port of the same workspace is another site's page"


async def test_a_browser_gets_no_more_than_data_of_the_path_form(rooms: Makes):
    room = await rooms()
    cookie, path = f"Cookie: {room.cookie()}", "/proxy/server/ws1/app.js"
    own = f"Origin: http://{room.host}"
    socket = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13")
    assert (await room.ask("GET", path, cookie, *FETCH)).status == 200, "an older UI asks before it shows the frame"
    assert (await room.ask("HEAD", path, cookie, *FETCH)).status == 200
    for method, lines in (
        ("GET", SCRIPT), ("POST", FORM), ("POST", (*FETCH, own)), ("GET", (own, *socket)), ("GET", ()),
        ("GET", ("Service-Worker: script", *SCRIPT)),
    ):  # fmt: skip
        answer = await room.ask(method, path, cookie, *lines)
        assert answer.status == 403, (method, lines)


async def test_programs_use_every_form_on_every_entry(rooms: Makes):
    for settings in ({}, {"local_mode": "path"}, {"local_mode": "path", "path_trusted": True}):
        room = await rooms(**settings)
        bearer = room.bearer()
        for lines in ((), ("Accept: text/html",), ("Cookie: _xsrf=1",)):
            for path in ("/proxy/server/ws1/x", f"/proxy/server/ws1/~{room.upstream_port}/x"):
                answer = await room.ask("POST", path, bearer, *lines)
                assert (answer.status, json.loads(answer.body)["target"]) == (200, "/x"), (settings, lines)
        await room.server.close()


async def test_without_own_origins_a_browser_is_told_what_to_set_and_served_where_it_is_set(rooms: Makes):
    room = await rooms(local_mode="path")
    cookie = f"Cookie: {room.cookie()}"
    for lines in (PAGE, FRAME, OLD_BROWSER):
        page = await room.ask("GET", "/proxy/server/ws1/", cookie, *lines)
        assert page.status == 403
        assert b"entries.local.mode: host" in page.body
        assert b"entries.pathTrusted: true" in page.body
    for lines in (FETCH, SCRIPT, NOTHING):
        assert (await room.ask("GET", "/proxy/server/ws1/", cookie, *lines)).status == 403
    await room.server.close()
    trusted = await rooms(local_mode="path", path_trusted=True)
    cookie = f"Cookie: {trusted.cookie()}"
    for lines in (PAGE, FRAME, OLD_BROWSER, FETCH, SCRIPT, NOTHING):
        answer = await trusted.ask("GET", "/proxy/server/ws1/", cookie, *lines)
        assert answer.status == 200
        assert "sandbox" not in answer.one("content-security-policy")


async def test_an_explicit_target_of_a_workspace_goes_to_the_own_origin_of_its_port(rooms: Makes, monkeypatch):
    room = await rooms()
    cookie = f"Cookie: {room.cookie()}"
    from guildnet_proxy.frontdoor import egress

    monkeypatch.setattr(egress, "never", lambda *_: None)
    for path in (f"/proxy/127.0.0.1:{room.upstream_port}/x?y", f"/proxy?to=127.0.0.1:{room.upstream_port}&path=/x?y"):
        page = await room.ask("GET", path, cookie, *PAGE)
        assert (page.status, page.one("location")) == (302, f"http://{room.own_host('ws1')}/x?y")
        assert (await room.ask("GET", path, room.bearer())).status == 200


@dataclass
class Ports:
    """Who gives ports, played."""

    asked: list[tuple[str, int]]
    new: bool = False

    def ask(self, workspace: Workspace, port: int) -> None:
        self.asked.append((workspace.name, port))

    def is_new(self, workspace: Workspace, port: int) -> bool:
        return self.new


async def test_on_the_tailnet_a_port_is_asked_for_once_and_its_page_waits_for_it(rooms: Makes):
    room = await rooms()
    room.peers["100.64.0.7"] = Peer("laptop.tailtest.example", "ann@example.com", "Ann", (), ())
    asked: list[tuple[str, int]] = []
    door: Any = room.server.handler
    ports = door.workspaces.path_form.ports = Ports(asked)

    async def ask(path: str, *lines: str) -> bytes:
        told = ("X-Forwarded-Host: guildnet.tailtest.example", "X-Forwarded-For: 100.64.0.7", "Host: localhost",
                "Tailscale-User-Login: ann@example.com", "Connection: close", *lines)  # fmt: skip
        return await room.raw("\r\n".join((f"GET {path} HTTP/1.1", *told, "", "")).encode(), private=True)

    waiting = await ask("/proxy/server/ws1/~9090/x", *PAGE)
    assert b" 503 " in waiting.partition(b"\r\n")[0]
    assert b'data-status="/.guildnet/status"' in waiting
    assert asked == [("ws1", 9090)]
    status = await ask("/.guildnet/status?path=/proxy/server/ws1/~9090/x", *FETCH)
    assert json.loads(status.partition(b"\r\n\r\n")[2])["code"] == "starting"
    first = await ask("/proxy/server/ws1/x", *PAGE)
    assert b"Location: https://guildnet.tailtest.example:20001/x\r\n" in first
    spec = {"ports": [{"containerPort": room.upstream_port}, {"containerPort": 9090}]}
    origin = {"port": 20001, "host": "x", "ports": [{"containerPort": 9090, "port": 20044}]}
    room.add("ws1", spec=spec, status={"origin": origin})
    ports.new = True
    assert b" 503 " in (await ask("/proxy/server/ws1/~9090/x", *PAGE)).partition(b"\r\n")[0], (
        "nothing listens there yet"
    )
    asked.pop()
    ports.new = False
    there = await ask("/proxy/server/ws1/~9090/x", *PAGE)
    assert b"Location: https://guildnet.tailtest.example:20044/x\r\n" in there
    assert asked == [("ws1", 9090)]


async def test_an_older_ui_may_ask_for_a_frames_address_before_this_browser_was_there(rooms: Makes):
    room = await rooms()
    room.add("lab", number=2, mode="Preserve")
    asks = (f"Origin: http://{room.host}", "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty")
    for name, cookie, expected in (
        ("ws1", (), (204, b"")),
        ("ws1", (f"Cookie: {room.own_cookie('ws1')}",), (200, b"{")),
        ("lab", (f"Cookie: {room.own_cookie('lab')}",), (302, b"")),
    ):
        answer = await room.ask("GET", "/", *cookie, *asks, host=room.own_host(name))
        assert (answer.status, answer.body[:1]) == expected
        assert answer.one("access-control-allow-origin") == f"http://{room.host}"
        assert answer.one("access-control-allow-credentials") == "true"
    foreign = ("Origin: https://evil.example", *asks[1:])
    for lines in (foreign, (f"Origin: http://{room.own_host('lab')}", *asks[1:])):
        assert (await room.ask("GET", "/", *lines, host=room.own_host("ws1"))).status == 403
    assert (await room.ask("POST", "/", *asks, host=room.own_host("ws1"))).status == 403
