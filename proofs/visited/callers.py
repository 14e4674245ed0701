"""Callers of an install: who they are, by what they are let in, and everything that each can have open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs.visited.holding import WEBSOCKET, Line
from proofs.visited.install import TAILNET, Install, Workspace
from proofs.visited.wire import ask

BROWSER: Final = ("Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none")


@dataclass(frozen=True, slots=True)
class Caller:
    """What a caller's requests carry on the control origin and on a workspace's own origin."""

    where: int | Path
    control: tuple[str, ...]
    own: tuple[str, ...]

    @property
    def is_program(self) -> bool:
        """May it use the path form? A browser may not."""
        return not any(line.startswith("Cookie:") for line in self.control)

    def lines(self, ws: Workspace) -> Iterator[Line]:
        """A request whose body is sent, a WebSocket and a stream, by both forms, and the api's streams."""
        base = f"/proxy/server/{ws.name}"
        forms = (("own origin", "", self.own), ("path form", base, self.control))
        for form, path, lines in forms if self.is_program else forms[:1]:
            yield Line(f"open request, {form}", self.where, f"{path}/upload", lines, "POST")
            yield Line(f"WebSocket, {form}", self.where, f"{path}/socket", (*lines, *WEBSOCKET), status=101)
            yield Line(f"SSE, {form}", self.where, f"{path}/events", lines)
        yield Line("SSE of the log, api", self.where, f"/sse/logs?target={ws.name}", self.control)
        yield Line("SSE of the list, api", self.where, "/sse/servers", self.control)

    async def asks(self, ws: Workspace, form: str) -> int:
        """The status of the next request, on a connection of its own."""
        target, lines = ("/x", self.own) if form == "own origin" else (f"/proxy/server/{ws.name}/x", self.control)
        if form == "api":
            target, lines = f"/api/servers/{ws.name}", self.control
        return (await ask(self.where, "GET", target, *lines)).status


def by_token(made: Install, ws: Workspace, token: str) -> Caller:
    line = f"Authorization: Bearer {token}"
    return Caller(made.port, (f"Host: {made.host}", line), (f"Host: {ws.label}.{made.host}", line))


def by_device(made: Install, ws: Workspace, address: str, login: str) -> Caller:
    """As the sidecar passes its requests on."""
    lines = ("Host: localhost", f"X-Forwarded-For: {address}", f"Tailscale-User-Login: {login}")
    hosts = (f"X-Forwarded-Host: {TAILNET}", f"X-Forwarded-Host: {TAILNET}:{ws.port}")
    return Caller(made.socket, (*lines, hosts[0]), (*lines, hosts[1]))


async def by_session(made: Install, ws: Workspace, token: str) -> Caller:
    """Logged in, and handed over to the workspace's origin by its ticket, as a browser is."""
    control, own = f"Host: {made.host}", f"Host: {ws.label}.{made.host}"
    login = await ask(made.port, "GET", f"/login?token={token}", control, *BROWSER)
    assert login.status == 303, login
    session, mark = (value.partition(";")[0] for value in login.values("set-cookie"))
    first = await ask(made.port, "GET", "/x", own, *BROWSER, f"Cookie: {mark}")
    nonce = first.values("set-cookie")[0].partition(";")[0]
    way = first.values("location")[0].removeprefix(made.control)
    second = await ask(made.port, "GET", way, control, *BROWSER, f"Cookie: {session}; {mark}")
    ticket = "/" + second.values("location")[0].split("/", 3)[3]
    third = await ask(made.port, "GET", ticket, own, *BROWSER, f"Cookie: {nonce}")
    opened = third.values("set-cookie")[0].partition(";")[0]
    return Caller(made.port, (control, f"Cookie: {session}"), (own, f"Cookie: {opened}"))


async def logged_out(made: Install, caller: Caller) -> None:
    answer = await ask(made.port, "POST", "/logout", *caller.control)
    assert answer.status == 303, answer
