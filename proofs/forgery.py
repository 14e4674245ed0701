"""No header makes anybody somebody else, nor a request one that came another way.

Every spelling of every field that claims an identity or a forwarding, to each listener of the proxy by every entry –
the control origin, a workspace's own origin and the path form of the local, the domain and the tailnet entry – as
nobody, with a token and with a session, and straight to the api. Accepted is a claim when the caller is another by it,
when its value reaches a workspace, or when a field of ours is gone because `Connection` named it.
"""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

from guildnet.kube.client import connect
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.visited.callers import Caller, by_session
from proofs.visited.claims import ADDRESS, EVIL, MARKS, NAMES, exact, spellings
from proofs.visited.install import ADMIN, DEVICE, DOMAIN, LOGIN, TAILNET, Install, Workspace, install
from proofs.visited.wire import Answer, ask
from support.apiserver import ApiServer
from support.shared import shared_apiserver

SPELLINGS: Final = 60
AT_ONCE: Final = 16
OURS: Final = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded")
"""What a workspace is told by us, once each."""


@dataclass(frozen=True, slots=True)
class Door:
    """A way in: where requests go, their lines, whom they are of, and whether a workspace echoes them."""

    name: str
    where: int | Path
    target: str
    lines: tuple[str, ...]
    who: str
    echoes: bool

    @property
    def private(self) -> bool:
        return isinstance(self.where, Path)


@dataclass
class Found:
    """What was asked, what was accepted, and which door does not let its own caller in."""

    asked: int = 0
    doors: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)
    shut: list[str] = field(default_factory=list)


def doors(made: Install, ws: Workspace, token: str, browser: Caller) -> Iterator[Door]:
    """`browser` has sessions of the control origin and of the workspace's."""
    admin = f"system:serviceaccount:{made.namespace}:{ADMIN}"
    bearer = f"Authorization: Bearer {token}"
    for entry, host in (("local", made.host), ("domain", DOMAIN)):
        for kind, line, who in (("nobody", (), ""), ("a token", (bearer,), admin)):
            yield Door(f"{entry}, api, {kind}", made.port, "/api/me", (f"Host: {host}", *line), who, False)
            for place, name, target in (
                ("own origin", f"{ws.label}.{host}", "/x"),
                ("path", host, f"/proxy/server/{ws.name}/x"),
            ):
                yield Door(f"{entry}, {place}, {kind}", made.port, target, (f"Host: {name}", *line), who, True)
    yield Door("local, api, a session", made.port, "/api/me", browser.control, admin, False)
    yield Door("local, own origin, a session", made.port, "/x", browser.own, admin, True)
    device = (
        "Host: localhost",
        f"X-Forwarded-For: {DEVICE}",
        f"Tailscale-User-Login: {LOGIN}",
        "X-Forwarded-Proto: https",
    )
    for place, port, target, echoes in (
        ("api", "", "/api/me", False), ("own origin", f":{ws.port}", "/x", True),
        ("path", "", f"/proxy/server/{ws.name}/x", True),
    ):  # fmt: skip
        yield Door(
            f"tailnet, {place}", made.socket, target, (*device, f"X-Forwarded-Host: {TAILNET}{port}"), LOGIN, echoes
        )
    yield Door("straight to the api", made.api_port, "/api/me", ("Host: x",), "", False)


def cases(door: Door) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every forged request of a door. What the sidecar sets it would have replaced: of that only other spellings."""
    for name, value in spellings():
        if not (door.private and exact(name)):
            yield name, (f"{name}: {value}",)
    for name in NAMES:
        yield f"Connection: {name}", (f"Connection: close, {name}",)
    yield "all at once", tuple(f"{name.replace('-', '_')}: {value}" for name, value in NAMES.items())


def accepted(door: Door, answer: Answer) -> str:
    """What the claim did; empty for nothing."""
    if answer.status >= 400:
        return "" if door.who == "" or answer.status == 400 else f"{answer.status} for one who may"
    if door.echoes:
        fields = [(name.lower(), value) for name, value in json.loads(answer.body)["headers"]]
        reached = [f"{name}: {value}" for name, value in fields for mark in MARKS if mark in value]
        ours = [name for name in OURS if sum(key.replace("_", "-") == name for key, _ in fields) != 1]
        return "; ".join(
            [*(f"the workspace got {one}" for one in reached), *(f"{name} is not ours alone" for name in ours)]
        )
    told = json.loads(answer.body)
    if (told.get("login") or "") != door.who:
        return f"it is {told.get('login') or 'nobody'}, not {door.who or 'nobody'}"
    return f"the roles are {told['roles']}" if door.who in ("", LOGIN) and told.get("roles") else ""


def echo() -> web.Application:
    """A pod that says which fields it got."""

    async def answer(request: web.Request) -> web.Response:
        fields = [[key.decode("latin-1"), value.decode("latin-1")] for key, value in request.raw_headers]
        return web.json_response({"headers": fields})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    return app


async def _tried(door: Door, found: Found) -> None:
    """A door that lets its own caller in, and what its forged requests do."""
    good = await ask(door.where, "GET", door.target, *door.lines)
    if door.who and (good.status != 200 or accepted(door, good)):
        found.shut.append(f"{door.name}: {good.status} {accepted(door, good)} {good.body[:200]!r}")
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, lines: tuple[str, ...]) -> None:
        async with turns:
            answer = await ask(door.where, "GET", door.target, *door.lines, *lines)
        found.asked += 1
        found.answers[answer.status] += 1
        if complaint := accepted(door, answer):
            found.accepted.append(f"{door.name}, {name}: {complaint}")

    await asyncio.gather(*(one(name, lines) for name, lines in cases(door)))
    found.doors += 1


async def _found(server: ApiServer, directory: Path) -> Found:
    found = Found()
    async with (
        connect(str(server.kubeconfig), user_agent="guildnet-proofs") as kube,
        install(server, kube, directory) as made,
    ):
        runner = web.AppRunner(echo(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            made.sidecar.knows(ADDRESS, EVIL, "admin")
            ws = await made.workspace("ws", int(runner.addresses[0][1]))
            token = await made.token()
            browser = await by_session(made, ws, token)
            for door in doors(made, ws, token, browser):
                await _tried(door, found)
        finally:
            await runner.cleanup()
    return found


def judged(found: Found) -> Figure:
    for complaint in (*found.shut, *found.accepted[:40]):
        print(f"  NOT AS PROMISED: {complaint}")
    number = len(list(spellings()))
    print(f"  answers: {', '.join(f'{times} × {status}' for status, times in sorted(found.answers.items()))}")
    text = (
        f"{number} spellings (≥ {SPELLINGS}) of {len(NAMES)} fields to {found.doors} doors, {found.asked} requests: "
        f"{len(found.accepted)} accepted (0); {len(found.shut)} doors shut to their own caller (0)"
    )
    met = number >= SPELLINGS and found.asked > 0 and not found.accepted and not found.shut
    return Figure(text, met)


def prove() -> Figure:
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory) / "server") as server:
        with redirect_stdout(io.StringIO()):  # an audit line for each denial
            found = asyncio.run(_found(server, Path(directory)))
        return judged(found)
