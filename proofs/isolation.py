"""Nothing gets out of a workspace: what a hostile page tries in a real Chromium does nothing to anybody else.

From six places – a workspace in a tab, in the UI's frame and in a popup of the UI, a sandboxed frame of it, another
site in a tab and in a workspace's frame – a page tries sixteen things on the UI, the api and another workspace, in the
browser of a visitor who is logged in with every right. An effect is what the page learnt, what changed in the cluster
or at the victim's app, a page that was framed, and whom the browser then acts for. The same scripts, run where they
may, have their effects: the victim's own page on itself, or a person who clicks, a cookie whose name is known, a server
that is not behind the proxy.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import BrowserContext, async_playwright

from guildnet.kube.client import connect
from guildnet.kube.resources import WORKSPACES
from guildnet.signed import derive_key
from guildnet.web.entries import Entry
from guildnet_proxy.rewrite.cookies import jar_of
from guildnet_proxy.sites import Site
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.loglab.apis import KEY
from proofs.visited.actions import ACTIONS, FRESH
from proofs.visited.browsing import (
    PLACES,
    UI,
    Place,
    World,
    at_the_victim,
    chromium,
    evaluated,
    session_of_the_victim,
    shown,
    who,
)  # fmt: skip
from proofs.visited.callers import by_session
from proofs.visited.hostile import SECRET, SESSION, Hostile, Victim, serve
from proofs.visited.install import install
from proofs.visited.wire import ask
from support.apiserver import ApiServer
from support.shared import shared_apiserver

AT_ONCE: Final = 3
"""Places at once: a page waits most of the time. What one of them does is counted for all of them."""
LOST: Final = ("jar overflow",)
"""What a page of a sister name does to the jar, and nobody can hinder: the visitor is logged out, with a way back."""


@dataclass
class Found:
    """Forbidden effects, actions that had none where they may, how many cells were tried, and those cut short: an
    action that did not come to its end shows nothing."""

    cells: int = 0
    places: int = len(PLACES)
    effects: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


async def _objects(world: World) -> set[tuple[str, str]]:
    items = (await world.made.kube.list(WORKSPACES, world.made.namespace))["items"]
    return {(item["metadata"]["uid"], str(item["metadata"]["generation"])) for item in items}


async def _stolen(world: World, nonce: str, told: list[str]) -> bool:
    """Does a ticket that the page got to know open the workspace to the outsider?"""
    for text in told:
        for ticket in parse_qs(urlsplit(text).query).get("ticket", []):
            host = f"Host: {world.evil.label}.{world.made.host}"
            answer = await ask(world.made.port, "GET", f"/.guildnet/ticket?ticket={ticket}", host, f"Cookie: {nonce}")
            if answer.status == 303 and answer.values("set-cookie"):
                return True
    return False


async def _effects(world: World, context: BrowserContext, place: Place, action: str) -> tuple[list[str], str]:
    """What the action did from there, in words, nothing where it did nothing; and what cut it short."""
    frame, own = await place(world, context)
    known, nonce = await world.knowledge(own)
    before, done = await _objects(world), world.app.done
    heard = len(world.hostile.reports)
    loot, cut = await evaluated(frame, ACTIONS[action], known)
    await asyncio.sleep(0.3)
    found = [f"it learnt {secret}" for secret in (SECRET, UI, world.mark) if any(secret in text for text in loot)]
    if world.app.done != done:
        found.append(f"{world.app.done - done} things were done to the victim")
    if await _objects(world) != before:
        found.append("objects of the cluster changed")
    if action == "frame" and await shown(frame.page, UI):
        found.append("the UI is in a frame")
    if action == "ticket theft" and await _stolen(world, nonce, [*loot, *world.hostile.reports[heard:]]):
        found.append("a ticket opens the workspace to an outsider")
    if action == "cookie toss":
        got = await session_of_the_victim(context, world)
        if SESSION not in got or "sid=tossed" in got:
            found.append(f"the victim got {got}")
    now = await who(context, world)
    if world.mark not in now and not (action in LOST and now in ("401", "431", "nobody")):
        found.append(f"the browser acts for {now}")
    for page in context.pages[:]:
        await page.close()
    return found, cut


async def _placed(world: World, name: str, place: Place, found: Found, turns: asyncio.Semaphore) -> None:
    async with turns:
        kept = await world.visitor()
        for action in ACTIONS:
            context = await world.visitor() if action in FRESH else kept
            had, cut = await _effects(world, context, place, action)
            print(f"  {name}, {action}: {'; '.join(had) or 'nothing'}{cut and f' ({cut})'}", file=sys.stderr)
            found.cut += [f"{name}, {action}: {cut}"] if cut else []
            found.effects += [f"{name}, {action}: {what}" for what in had]
            found.cells += 1
            if context is not kept:
                await context.close()
        await kept.close()


async def _tossed_by_name(world: World) -> bool:
    """Would a cookie be the victim's session, if somebody knew its name?"""
    context = await world.visitor()
    victim = world.made.proxy.index.workspaces["victim"]
    site = Site(Entry("local", world.made.control, "host"), b"", "", label=world.victim.label)
    name = jar_of(victim, site, derive_key(KEY, "cookie-names"), "").prefix + "sid"
    host = world.made.host.partition(":")[0]
    await context.clear_cookies(name=name)
    await context.add_cookies([{"name": name, "value": "tossed", "domain": f".{host}", "path": "/"}])
    got = await session_of_the_victim(context, world)
    await context.close()
    return "sid=tossed" in got


async def _logged_in_as_another(world: World) -> bool:
    """The person clicks, if the page asks."""
    context = await world.visitor()
    page = await context.new_page()
    known, _ = await world.knowledge("")
    await page.goto(known["login"])
    if await page.get_by_role("button").count():
        await page.get_by_role("button").click()
    now = await who(context, world)
    await context.close()
    return "mallory" in now


async def _cleared_by_a_neighbour(world: World) -> bool:
    """A server of the same name that is not behind the proxy, whose header nobody drops."""
    context = await world.visitor()
    page = await context.new_page()
    name = world.made.host.partition(":")[0]
    await page.goto(f"http://{name}:{world.foreign.rpartition(':')[2]}/clear")
    now = await who(context, world)
    await context.close()
    return world.mark not in now


async def _allowed(world: World, found: Found) -> None:
    """Every action where it is allowed: it has to have its effect there."""
    special = {
        "cookie toss": _tossed_by_name, "login CSRF": _logged_in_as_another, "Clear-Site-Data": _cleared_by_a_neighbour,
    }  # fmt: skip
    for action in ACTIONS:
        if action in special:
            works = await special[action](world)
        elif action == "ticket theft":
            browser = await by_session(world.made, world.victim, world.token)
            works = await browser.asks(world.victim, "own origin") in (200, 404)
        else:
            context = await world.visitor()
            frame, own = await at_the_victim(world, context)
            known, _ = await world.knowledge(own)
            done = world.app.done
            loot, _ = await evaluated(frame, ACTIONS[action], known)
            works = any(SECRET in text for text in loot) or world.app.done != done
            if action == "jar overflow":
                works = world.mark not in await who(context, world)
            await context.close()
        if not works:
            found.idle.append(action)


async def _found(server: ApiServer, directory: Path, places: dict[str, Place]) -> Found:
    found, app, hostile = Found(places=len(places)), Victim(), Hostile()
    ui = directory / "ui"
    ui.mkdir()
    (ui / "index.html").write_text(f"<!doctype html><title>GuildNet</title><body>{UI}")
    (ui / "secret.js").write_text(f"self.loot = '{UI}'")
    victims, port = await serve(app.app())
    evils, evil_port = await serve(hostile.app())
    async with (
        connect(str(server.kubeconfig), user_agent="guildnet-proofs") as kube,
        install(server, kube, directory, ui) as made,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(**chromium())
        victim, evil = await made.workspace("victim", port), await made.workspace("evil", evil_port)
        foreign = f"http://evil.localhost:{evil_port}"
        world = World(
            made, browser, victim, evil, foreign, app, hostile, await made.token(), await made.token("mallory")
        )
        turns = asyncio.Semaphore(AT_ONCE)
        await (await world.visitor()).close()
        await asyncio.gather(*(_placed(world, name, place, found, turns) for name, place in places.items()))
        await _allowed(world, found)
        await browser.close()
    await victims.cleanup()
    await evils.cleanup()
    return found


def judged(found: Found) -> Figure:
    for complaint in found.effects:
        print(f"  NOT AS PROMISED: {complaint}")
    for action in found.idle:
        print(f"  NOT AS PROMISED: {action} has no effect where it may")
    for what in found.cut:
        print(f"  NOT JUDGED: {what}")
    text = (
        f"{found.places} places × {len(ACTIONS)} actions in Chromium, {found.cells} tried, {len(found.cut)} cut short "
        f"(0): {len(found.effects)} forbidden effects (0); {len(ACTIONS) - len(found.idle)} of {len(ACTIONS)} actions "
        "have theirs where they may"
    )
    whole = found.cells == found.places * len(ACTIONS)
    return Figure(text, whole and not found.effects and not found.idle and not found.cut)


def prove(*, quick: bool = False) -> Figure:
    """The short form is from one place."""
    quiet()
    places = dict(list(PLACES.items())[: 1 if quick else len(PLACES)])
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory) / "server") as server:
        with redirect_stdout(io.StringIO()):  # an audit line for each denial
            found = asyncio.run(_found(server, Path(directory), places))
        return judged(found)
