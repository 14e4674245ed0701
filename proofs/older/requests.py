"""The requests of its client, one after the other, by a program: paths, bodies and shapes as it knows them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, ClientTimeout

from proofs.older.checks import Checks
from proofs.older.stage import LAB, TITLE, Stage

_SECONDS = ClientTimeout(total=20)


@dataclass(frozen=True, slots=True)
class Client:
    """Asks at the control origin; with a token, or as the browser's session."""

    stage: Stage
    http: ClientSession

    def _headers(self, *, session: bool, **more: str) -> dict[str, str]:
        made = self.stage.made
        own = {"Cookie": made.cookie} if session else {"Authorization": f"Bearer {made.token}"}
        return {"Host": made.control.removeprefix("http://"), **own, **more}

    async def ask(
        self, method: str, path: str, body: Any = None, *, session: bool = True, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        url = f"http://127.0.0.1:{self.stage.made.port}{path}"
        sent = self._headers(session=session, **headers)
        async with self.http.request(
            method, url, json=body, headers=sent, timeout=_SECONDS, allow_redirects=False
        ) as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text), dict(answer.headers)
            except ValueError:
                return answer.status, text, dict(answer.headers)

    async def stream(self, path: str, *, until: str, **headers: str) -> list[str]:
        """The lines of an event stream until one of its data holds `until`."""
        url = f"http://127.0.0.1:{self.stage.made.port}{path}"
        sent = self._headers(session=True, Accept="text/event-stream", **headers)
        lines: list[str] = []
        async with asyncio.timeout(20), self.http.get(url, headers=sent) as answer:
            async for raw in answer.content:
                lines.append(raw.decode().rstrip("\n"))
                if lines[-1] == "" and any(line.startswith("data:") and until in line for line in lines):
                    break
        return lines


def _told(lines: list[str]) -> list[dict[str, Any]]:
    """The LogLines: unnamed events."""
    events = "\n".join(lines).split("\n\n")
    unnamed = [event for event in events if "data:" in event and "event:" not in event]
    return [json.loads(line[5:]) for event in unnamed for line in event.split("\n") if line.startswith("data:")]


async def install_wide(client: Client, checks: Checks) -> None:
    status, body, _ = await client.ask("GET", "/healthz")
    checks.that("GET /healthz", (status, body) == (200, "ok"), body)
    status, body, _ = await client.ask("GET", "/api/ui-config")
    checks.that("GET /api/ui-config", status == 200 and "name" in body, body)
    status, body, _ = await client.ask("GET", "/api/images")
    checks.that("GET /api/images", status == 200 and {"label", "image"} <= body[0].keys(), body)
    status, body, _ = await client.ask("GET", "/api/image-defaults?image=codercom/code-server:4.99.0")
    checks.that("GET /api/image-defaults", status == 200 and body["ports"][0]["port"] == 8080, body)
    for image in ("", "nobody/knows:1"):
        status, body, _ = await client.ask("GET", f"/api/image-defaults?image={image}")
        checks.that(f"GET /api/image-defaults?image={image}", (status, body) == (200, {}), body)


async def servers(client: Client, checks: Checks) -> None:
    status, body, _ = await client.ask("GET", "/api/servers")
    listed: dict[str, Any] = next(iter(body), {})
    shape = {"id", "name", "image", "status", "ports"}
    checks.that("GET /api/servers", status == 200 and shape <= listed.keys() and listed["id"] == LAB, body)
    checks.that("a Server's url is its own origin", listed.get("url") == f"{client.stage.own}/", listed)
    status, body, _ = await client.ask("GET", f"/api/servers/{LAB}")
    checks.that("GET /api/servers/{id}", status == 200 and {"id", "status", "events"} <= body.keys(), body)
    status, body, _ = await client.ask("GET", "/api/servers/nobody")
    checks.that("an unknown server", (status, body["code"]) == (404, "not_found") and body["message"], body)
    job = {"image": "alpine:3", "name": "My Old App", "env": {"A": "b", "": "dropped"}, "expose": [{"port": 8080}]}
    status, body, headers = await client.ask("POST", "/api/jobs", job)
    right = status == 202 and body["status"] == "pending" and body["id"].startswith("my-old-app-")
    checks.that("POST /api/jobs", right and headers.get("Location"), body)
    status, body, _ = await client.ask("POST", "/api/jobs", {"image": ""})
    checks.that("a launch without an image", (status, body["code"]) == (400, "invalid_spec"), body)
    for path in ("/api/admin/stop-all", "/api/stop-all"):
        status, body, _ = await client.ask("POST", f"{path}?dryRun=true")
        checks.that(f"POST {path}", status == 200 and LAB in body["deleted"], body)


async def logs(client: Client, checks: Checks) -> None:
    stage = client.stage
    stage.log("first line", "ERROR second line", "third line")
    status, body, _ = await client.ask("GET", f"/api/servers/{LAB}/logs?limit=100")
    lines = body if isinstance(body, list) else []
    right = [line.get("msg") for line in lines] == ["first line", "ERROR second line", "third line"]
    checks.that("GET /api/servers/{id}/logs", right and {"t", "lvl", "msg"} <= lines[0].keys(), body)
    status, body, _ = await client.ask("GET", f"/api/servers/{LAB}/logs?level=error&limit=100")
    checks.that("…by level", [line.get("msg") for line in body] == ["ERROR second line"], body)
    asked = f"/sse/logs?target={LAB}&level=info&tail=50"
    waiting = asyncio.create_task(client.stream(asked, until="live line"))
    await asyncio.sleep(1.0)
    stage.log("live line")
    seen = await waiting
    told = [line["msg"] for line in _told(seen)]
    checks.that("GET /sse/logs", told == ["first line", "third line", "live line"], told)
    checks.that("…says when to come again", any(line.startswith("retry:") for line in seen), seen[:6])
    last = next((line[3:].strip() for line in reversed(seen) if line.startswith("id:")), "")
    stage.log("while it was away")
    again = _told(await client.stream(asked, until="while it was away", **{"Last-Event-ID": last}))
    checks.that("…goes on where it was", [line["msg"] for line in again] == ["while it was away"], again)
    errors = asyncio.create_task(client.stream(f"/sse/logs?target={LAB}&level=error&tail=50", until="late error"))
    await asyncio.sleep(1.0)
    stage.log("no trouble", "ERROR late error")
    told = [line["msg"] for line in _told(await errors)]
    checks.that("…by level", told == ["ERROR second line", "ERROR late error"], told)
    status, body, _ = await client.ask("GET", asked, Accept="application/json")
    checks.that("…asked for JSON, a short answer", status == 200 and isinstance(body, dict | list), body)
    status, body, _ = await client.ask("GET", "/sse/logs")
    checks.that("…without a target", (status, body["code"]) == (400, "missing_target"), body)


async def proxied(client: Client, checks: Checks) -> None:
    status, body, _ = await client.ask("GET", f"/api/proxy-debug?server={LAB}&path=/")
    right = status == 200 and (body["server"], body["path"]) == (LAB, "/") and body["rid"]
    checks.that("GET /api/proxy-debug", right and body["verdict"] == "forward", body)
    status, body, _ = await client.ask("GET", f"/proxy/server/{LAB}/", session=False)
    checks.that("/proxy/server/{id}/ for a program", status == 200 and TITLE in body, body)
    status, _, headers = await client.ask("GET", f"/proxy/server/{LAB}", session=False)
    checks.that("…without its slash", headers.get("Location") == f"/proxy/server/{LAB}/", headers)
    status, body, _ = await client.ask("POST", f"/proxy/server/{LAB}/save", {"a": 1}, session=False)
    checks.that("…with a body", (status, body) == (200, {"saved": True}), body)
    for path in ("/proxy/10.8.8.8:8080/", "/proxy?to=10.8.8.8:8080&path=/"):
        status, body, _ = await client.ask("GET", path, session=False)
        checks.that(f"{path} is denied by default", (status, body["code"]) == (403, "target_denied"), body)


async def replay(stage: Stage, checks: Checks) -> None:
    async with ClientSession() as http:
        client = Client(stage, http)
        for part in (install_wide, servers, logs, proxied):
            try:
                await part(client, checks)
            except Exception as error:  # noqa: BLE001  what is not as expected is told, and the rest is asked
                checks.that(part.__name__, right=False, found=error)
