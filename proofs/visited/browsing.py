"""A real Chromium that is logged in at the install, and the six places from which a hostile page can act in it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Frame, Page

from proofs.visited.actions import SAYS
from proofs.visited.hostile import Hostile, Victim
from proofs.visited.install import Install, Workspace
from proofs.visited.wire import ask

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
                "--disable-popup-blocking")  # fmt: skip
SCRIPT_SECONDS: Final = 60.0
UI: Final = "the-ui-itself-91be"
SANDBOX: Final = "allow-scripts allow-forms allow-popups allow-downloads"


@dataclass
class World:
    """What pages know of each other, and what is watched."""

    made: Install
    browser: Browser
    victim: Workspace
    evil: Workspace
    foreign: str
    app: Victim
    hostile: Hostile
    token: str
    mallory: str
    state: Any = None

    def origin(self, ws: Workspace) -> str:
        return f"http://{ws.label}.{self.made.host}"

    @property
    def mark(self) -> str:
        """What tells the admin from anybody else, wherever it is shown."""
        return str(json.loads(base64.urlsafe_b64decode(self.token.split(".")[1] + "=="))["sub"])

    async def knowledge(self, own: str) -> tuple[dict[str, Any], str]:
        """What a hostile page of the origin `own` knows, and the nonce of the outsider that it works for."""
        host = f"Host: {self.evil.label}.{self.made.host}"
        begun = await ask(self.made.port, "GET", "/", host, "Accept: text/html", "Sec-Fetch-Mode: navigate",
                          "Sec-Fetch-Dest: document", "Sec-Fetch-Site: none")  # fmt: skip
        control, victim = self.made.control, self.origin(self.victim)
        job = json.dumps({"image": "example.com/forged:1"})
        posts = [
            ("POST", f"{control}/api/servers/victim/stop", ""), ("POST", f"{control}/api/jobs", job),
            ("PATCH", f"{control}/api/servers/victim", job), ("DELETE", f"{control}/api/servers/victim", ""),
            ("POST", f"{victim}/change", "{}"),
        ]  # fmt: skip
        known = {
            "control": control, "victim": victim, "own": own, "posts": posts, "start": begun.values("location")[0],
            "reads": [f"{control}/", f"{control}/api/me", f"{control}/api/servers", f"{victim}/secret", f"{victim}/"],
            "login": f"{control}/login?token={self.mallory}&next=/",
            "names": ["__Host-guildnet-guildnet", "__Secure-guildnet-mark-guildnet", f"gnh-{'0' * 16}-sid"],
        }  # fmt: skip
        return known, begun.values("set-cookie")[0].partition(";")[0]

    async def visitor(self) -> BrowserContext:
        """A browser that is logged in and has been at both workspaces. The first did so, the others are like it."""
        if self.state is not None:
            return await self.browser.new_context(storage_state=self.state)
        context = await self.browser.new_context()
        context.set_default_timeout(15_000)
        page = await context.new_page()
        await page.goto(f"{self.made.control}/login?token={self.token}&next=/")
        for ws in (self.victim, self.evil):
            await page.goto(self.origin(ws) + "/")
        await page.close()
        self.state = await context.storage_state()
        return context


Place = Callable[[World, BrowserContext], Awaitable[tuple[Frame, str]]]
"""Opens a page there; gives its frame, and the origin of the server that made it."""


async def _tab(world: World, context: BrowserContext) -> tuple[Frame, str]:
    page = await context.new_page()
    await page.goto(world.origin(world.evil) + "/")
    return page.main_frame, world.origin(world.evil)


async def _child(page: Page, url: str, name: str = "child", sandbox: str = "") -> Frame:
    """A frame of this page that shows `url`, or a page of its own text where that is empty."""
    before = set(page.frames)
    script = """([url, sandbox]) => new Promise(done => { const frame = document.createElement('iframe');
      if (sandbox) frame.sandbox = sandbox; if (url) frame.src = url; else frame.srcdoc = '<body>hostile';
      frame.onload = done; document.body.append(frame) })"""
    await page.evaluate(script, [url, sandbox])
    return next(frame for frame in page.frames if frame not in before)


async def _framed(world: World, context: BrowserContext) -> tuple[Frame, str]:
    page = await context.new_page()
    await page.goto(world.made.control + "/")
    return await _child(page, world.origin(world.evil) + "/"), world.origin(world.evil)


async def _popup(world: World, context: BrowserContext) -> tuple[Frame, str]:
    page = await context.new_page()
    await page.goto(world.made.control + "/")
    async with context.expect_page() as opened:
        await page.evaluate("url => { window.open(url) }", world.origin(world.evil) + "/")
    popup = await opened.value
    await popup.wait_for_load_state()
    return popup.main_frame, world.origin(world.evil)


async def _sandboxed(world: World, context: BrowserContext) -> tuple[Frame, str]:
    frame, own = await _tab(world, context)
    return await _child(frame.page, "", sandbox=SANDBOX), own


async def _elsewhere(world: World, context: BrowserContext) -> tuple[Frame, str]:
    page = await context.new_page()
    await page.goto(world.foreign + "/")
    return page.main_frame, world.foreign


async def _nested(world: World, context: BrowserContext) -> tuple[Frame, str]:
    frame, _ = await _tab(world, context)
    return await _child(frame.page, world.foreign + "/"), world.foreign


PLACES: Final[Mapping[str, Place]] = {
    "a workspace in a tab": _tab,
    "a workspace in the UI's frame": _framed,
    "a workspace in a popup of the UI": _popup,
    "a sandboxed frame of a workspace": _sandboxed,
    "another site": _elsewhere,
    "another site in a workspace's frame": _nested,
}


async def at_the_victim(world: World, context: BrowserContext) -> tuple[Frame, str]:
    """The victim's own page, which may do all of it to itself."""
    page = await context.new_page()
    await page.goto(world.origin(world.victim) + "/")
    return page.main_frame, world.origin(world.victim)


async def evaluated(frame: Frame, script: str, known: Mapping[str, Any]) -> tuple[list[str], str]:
    """What a script learnt, and why it did not come to its end: empty where it did.

    It says what it learns at once: what it knew before its page went away counts.
    """
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.text.startswith(SAYS):
            said.append(message.text.removeprefix(SAYS))

    context = frame.page.context
    context.on("console", hear)
    try:
        async with asyncio.timeout(SCRIPT_SECONDS):
            loot = await frame.evaluate(script, known)
    except TimeoutError:
        return said, f"not at its end after {SCRIPT_SECONDS:g} s"
    except Error as error:
        return said, error.message.partition("\n")[0]
    finally:
        context.remove_listener("console", hear)
    return [*said, *map(str, loot)], ""


async def shown(page: Page, text: str) -> bool:
    """Does a frame below this page's show the text?"""
    for frame in page.frames[1:]:
        with suppress(Error):
            if text in await frame.content():
                return True
    return False


async def who(context: BrowserContext, world: World) -> str:
    """What the browser is to the control origin, by the cookies that it would send there: a login, or a status."""
    cookies = "; ".join(
        f"{item['name']}={item['value']}" for item in await context.cookies(world.made.control + "/api/me")
    )
    lines = (f"Host: {world.made.host}", "Accept: text/html,*/*", f"Cookie: {cookies}")  # a browser's cookies come last
    answer = await ask(world.made.port, "GET", "/api/me", *lines)
    if answer.status != 200:
        offers = answer.status != 431 or b"clear-cookies" in answer.body
        return f"{answer.status}" + ("" if offers else " without a way out")
    return str(json.loads(answer.body).get("login") or "nobody")


async def session_of_the_victim(context: BrowserContext, world: World) -> str:
    """The cookies that the victim's app gets when its page is opened now."""
    page = await context.new_page()
    try:
        await page.goto(world.origin(world.victim) + "/who")
        return await page.inner_text("body")
    finally:
        await page.close()


def chromium() -> dict[str, Any]:
    """How it is started."""
    return {"executable_path": CHROMIUM if Path(CHROMIUM).exists() else None, "args": list(FLAGS)}
