"""`/api/proxy-debug` says what the front door then does, for every form, guard, cap and caller."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from guildnet_proxy.http.limits import Limits
from integration.proxy.room import Answer, Room, api_app, echo_app, make_room, serve_app

SAYS = {
    "program": (),
    "page": ("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
    "frame": ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"),
    "data": ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"),
    "script": ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"),
}
PATHS = (
    "/proxy/server/ws1/x?y=1", "/proxy/server/ws1", "/proxy/server/ws1/~9090/x", "/proxy/server/ws1/~9999/x",
    "/proxy/server/ws1/~70000/x", "/proxy/server/none/x", "/proxy/server/lab/tree", "/proxy/server/lab/",
    "/proxy/server/stopped/", "/proxy/server/..%2f/", "/proxy/10.0.0.1:80/", "/proxy/UPSTREAM/x?y", "/proxy/UPSTREAM",
    "/proxy?to=UPSTREAM&path=/a%20b&scheme=http", "/proxy?to=169.254.169.254:80", "/proxy?to=", "/proxy?to=a:1&to=b:2",
    "/api/servers?q=1", "/api/jobs", "/",
)  # fmt: skip
OWN = ("ws1/", "ws1/a%2Fb?c", "ws1:9090/x", "lab/", "lab/proxy/server/lab/x", "stopped/x", "nobody/")


@dataclass
class Asks:
    """A room, and one person who has a session on every origin."""

    room: Room
    who: str = "ann"
    roles: tuple[str, ...] = ("admin",)

    async def told(self, url: str, **given: str) -> dict[str, Any]:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in {"url": url, **given}.items())
        answer = await self.room.ask(
            "GET", f"/api/proxy-debug?{query}", f"Cookie: {self.room.cookie(self.who, self.roles)}"
        )
        assert answer.status == 200, answer
        return json.loads(answer.body)

    async def done(self, url: str, kind: str, *lines: str, method: str = "GET") -> Answer:
        host, slash, path = url.removeprefix("http://").partition("/")
        cookies = [self.room.cookie(self.who, self.roles)]
        if host != self.room.host:
            names = [name for name in self.room.table.workspaces if f"{name}-" in host]
            cookies = [self.room.own_cookie(name, self.who, self.roles) for name in names]
        sent = [f"Cookie: {'; '.join(cookies)}"] if kind != "program" or host != self.room.host else []
        if kind == "program":
            sent = [self.room.bearer()]
        accepts = "Accept: text/html" if kind in {"page", "frame"} else "Accept: application/json"
        return await self.room.ask(method, slash + path, *sent, accepts, *SAYS[kind], *lines, host=host)

    async def agree(self, url: str, kind: str, method: str = "GET", origin: str = "") -> str:
        """Asks what would be done and does it; the verdict, when both are the same."""
        given = {"as": kind, "method": method} | ({"origin": origin} if origin else {})
        told = await self.told(url, **given)
        done = await self.done(url, kind, *([f"Origin: {origin}"] if origin else []), method=method)
        case = (method, url, kind, origin, told, done.status, done.body[:200])
        if told["verdict"] == "forward":
            assert done.status == 200, case
            if "upstreamPath" in told:
                assert json.loads(done.body)["target"] == told["upstreamPath"], case
                assert told["target"] == f"http://127.0.0.1:{self.room.upstream_port}", case
        elif told["verdict"] == "redirect":
            assert (done.status, done.one("location")) == (told["status"], told["location"]), case
        else:
            assert told["verdict"] == "refused", case
            assert done.status == told["status"], case
            assert told["code"] in done.body.decode(), case
        return str(told["verdict"])


@pytest.fixture
async def asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asks]:
    from guildnet_proxy.frontdoor import egress

    never = egress.never
    monkeypatch.setattr(egress, "never", lambda address, *more: None if address.is_loopback else never(address, *more))
    upstream, upstream_port = await serve_app(echo_app())
    api, api_port = await serve_app(api_app([]))
    room = await make_room(tmp_path, upstream_port, api_port, Limits(drain_seconds=0.1))
    room.add("ws1", spec={"ports": [{"containerPort": upstream_port}, {"containerPort": 9090}]})
    room.add("lab", number=2, mode="Preserve", ready=True)
    room.add("stopped", number=3, spec={"running": False})
    yield Asks(room)
    await room.server.close()
    room.records.flush()
    await room.sources.aclose()
    await upstream.cleanup()
    await api.cleanup()


async def test_what_is_told_is_what_is_done(asks: Asks):
    room = asks.room
    urls = [f"http://{room.host}{path.replace('UPSTREAM', f'127.0.0.1:{room.upstream_port}')}" for path in PATHS]
    for name in OWN:
        where, slash, path = name.partition("/")
        workspace, _, port = where.partition(":")
        known = workspace in room.table.workspaces
        host = room.own_host(workspace, int(port) if port else None) if known else f"nobody-12345678.{room.host}"
        urls.append(f"http://{host}{slash}{path}")
    seen: dict[str, int] = {}
    for url in urls:
        for kind in SAYS:
            for method in ("GET", "POST"):
                if method == "POST" and kind != "program":
                    continue
                verdict = await asks.agree(url, kind, method)
                seen[verdict] = seen.get(verdict, 0) + 1
        for origin in (f"http://{room.host}", f"http://{room.own_host('ws1')}", "https://evil.example", "null"):
            verdict = await asks.agree(url, "data", origin=origin)
            seen[verdict] = seen.get(verdict, 0) + 1
    assert min(seen[verdict] for verdict in ("forward", "redirect", "refused")) >= 10, seen


async def test_the_caller_and_the_caps_are_those_of_the_request(asks: Asks):
    room = asks.room
    from guildnet.capability import Capability

    url = f"http://{room.own_host('ws1')}/"
    door: Any = room.server.handler
    admission = door.workspaces.admission
    admission.active["ws1"] = admission.streams
    full = await asks.told(url)
    assert (full["status"], full["rule"], full["caps"]["workspace"]) == (503, "streams", {"open": 512, "limit": 512})
    assert admission.refused["streams"] == 0, "nobody was refused"
    assert await asks.agree(url, "data") == "refused"
    del admission.active["ws1"]
    room.table.set_capabilities([Capability("lists", frozenset({"list"}))])
    stranger = Asks(room, "bob", ())
    told = await stranger.told(url)
    assert (told["status"], told["access"], "target" in told) == (403, "no-capability", False)
    assert await stranger.agree(url, "data") == "refused"
    room.table.set_capabilities([Capability("others", frozenset({"list"}), subjects=())])
    hidden, absent = await stranger.told(url), await stranger.told(f"http://nobody-12345678.{room.host}/")
    assert hidden["status"] == absent["status"] == 404
    label = room.own_host("ws1").partition(".")[0]
    hidden["rid"] = absent["rid"]
    assert json.dumps(hidden).replace(label, "nobody-12345678") == json.dumps(absent), "nothing tells that it is there"
    hidden = await stranger.told(f"http://{room.host}/proxy/server/ws1/")
    absent = await stranger.told(f"http://{room.host}/proxy/server/none/")
    hidden["rid"] = absent["rid"]
    assert json.dumps(hidden).replace("ws1", "none") == json.dumps(absent)
    assert not admission.active


async def test_what_a_person_asks_in_the_words_of_a_form(asks: Asks):
    room = asks.room
    cookie = f"Cookie: {room.cookie()}"
    socket = await asks.told(f"http://{room.own_host('ws1')}/ws", **{"as": "socket"})
    assert (socket["gate"], socket["verdict"]) == ("own-origin", "forward")
    foreign = await asks.told(f"http://{room.own_host('ws1')}/ws", **{"as": "socket", "origin": f"http://{room.host}"})
    assert (foreign["gate"], foreign["status"]) == ("origin", 403)
    for path, more in (
        ("server=ws1&port=9090&path=/a%20b", {"form": "server", "status": 503, "code": "starting"}),
        ("server=ws1&as=page", {"verdict": "redirect", "location": f"http://{room.own_host('ws1')}/"}),
        ("url=/login", {"form": "own-route", "verdict": "own-route"}),
        ("url=/.guildnet/ticket", {"form": "own-route", "verdict": "own-route"}),
        ("url=http://evil.example/", {"verdict": "refused", "status": 421}),
        ("server=ws1&as=tourist", {"verdict": "refused", "status": 400}),
        ("server=ws1&method=BREW", {"verdict": "refused", "status": 400}),
    ):
        shown = json.loads((await room.ask("GET", f"/api/proxy-debug?{path}", cookie)).body)
        assert more.items() <= shown.items(), (path, shown)
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        assert (await room.ask(method, "/api/proxy-debug?server=ws1", cookie)).status == 405
