"""Apps that people run as workspaces work in a real browser, by every entry and in every mode of it.

On the real cluster, each launched by its image alone, so that what the product knows of an image is tried as well. A
person opens the address that the API tells this entry's visitors, and does what needs the app's WebSocket or worker.
The tailnet is the real one: a second device's node carries the browser's connections.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from guildnet.workspace.ports import base_path
from proofs import ROOT, Figure
from proofs.opened import entries, recipes
from proofs.opened.entries import Mode
from proofs.opened.uses import APPS, App, Opened
from support.chromium import launched, trust
from support.local import Local, bring_up

READY_SECONDS: Final = 90
PICTURES: Final = ROOT / "test-results" / "pictures"


@dataclass(frozen=True, slots=True)
class Cell:
    """One app by one mode; `problem` is empty where it did what it has to."""

    app: str
    mode: str
    seconds: float
    problem: str = ""


@contextmanager
def running(local: Local, apps: Sequence[App]) -> Iterator[dict[str, str]]:
    """App → the name of its workspace, which has had time to get ready."""
    images = dict(recipes.imported(app.name for app in apps))
    names: dict[str, str] = {}
    try:
        with local.api() as api:
            for app in apps:
                body = {"image": images[app.name], "name": f"apps-{app.name}", "storage": None, **app.launch}
                answer = api.post("/api/jobs", json=body)
                assert answer.status_code == 202, answer.text
                names[app.name] = answer.json()["id"]
        until_ready(local, names.values())
        yield names
    finally:
        for name in names.values():
            local.kubectl("-n", "guildnet-workspaces", "delete", "workspace", name, "--wait=false")


def until_ready(local: Local, names: Iterable[str]) -> None:
    """One that is not ready in time is told by the page that it has instead of its app."""
    end = time.monotonic() + READY_SECONDS
    for name in names:
        try:
            local.wait_ready(name, max(1, int(end - time.monotonic())))
        except AssertionError as error:
            print(f"  {error}", flush=True)


def told_of(page: Page, name: str) -> dict[str, Any]:
    """What the API tells this browser of a workspace."""
    told: dict[str, Any] = page.evaluate("name => fetch('/api/servers/' + name).then(answer => answer.json())", name)
    return told


def address(page: Page, mode: Mode, name: str) -> str:
    """Where the API says that this browser opens it."""
    told = told_of(page, name)
    if not mode.own_origins:
        return f"{mode.control}{told['proxy_url']}"
    return str(told["url"])


def tried(local: Local, context: BrowserContext, mode: Mode, app: App, name: str) -> Cell:
    began = time.monotonic()
    control = context.pages[0]
    page = context.new_page()
    try:
        opened = address(control, mode, name)
        page.goto(opened)
        begins = f"{base_path(name)}/" if app.preserve and mode.own_origins else ""
        app.use(Opened(local, name, page, opened.rstrip("/") + (begins or "/"), f"m{token_hex(4)}"))
    except (Error, AssertionError, KeyError) as error:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"apps-{app.name}-{mode.name.replace(' ', '-')}.png".replace(",", ""))
        problem = " ".join(str(error).split())[:300] or type(error).__name__
        return Cell(app.name, mode.name, time.monotonic() - began, f"{problem} (at {page.url})")
    finally:
        page.close()
    return Cell(app.name, mode.name, time.monotonic() - began)


def by_mode(local: Local, browser: Browser, mode: Mode, names: dict[str, str], apps: Sequence[App]) -> Iterator[Cell]:
    context = browser.new_context(**mode.context)
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(mode.control + mode.login)
    for app in apps:
        cell = tried(local, context, mode, app, names[app.name])
        said = f"NOT SO: {cell.problem}" if cell.problem else "works"
        print(f"  {cell.mode:<28}{cell.app:<13}{cell.seconds:5.1f} s  {said}", flush=True)
        yield cell
    context.close()


def judged(cells: Sequence[Cell], apps: int, modes: int) -> Figure:
    works = sum(not cell.problem for cell in cells)
    text = f"{apps} apps × {modes} modes of entries in Chromium: {works} of {apps * modes} do what needs their sockets"
    return Figure(text, works == len(cells) == apps * modes)


def prove(*, quick: bool = False) -> Figure:
    """The short form is the form and the terminal by the local entry."""
    bring_up()
    local, release = Local(), entries.Release()
    apps = [app for app in APPS if app.name in ("ttyd", "form")] if quick else APPS
    cells: list[Cell] = []
    with (
        tempfile.TemporaryDirectory() as home,
        entries.named(Path(home), release.settings.ports.front) as name,
        running(local, apps) as names,
        sync_playwright() as playwright,
    ):
        trust(Path(home), name.authority, *([local.tailnet.ca] if local.tailnet.ca else []))
        to_name = f"--host-resolver-rules=MAP {entries.NAME} 127.0.0.1,MAP *.{entries.NAME} 127.0.0.1"
        browser = launched(playwright, {"HOME": home}, [to_name])
        modes = entries.modes(local, name.origin)[: 1 if quick else None]
        with release.restored():
            for mode in modes:
                if mode.values:
                    release.change(mode.values)
                cells += by_mode(local, browser, mode, names, apps)
        browser.close()
    print(json.dumps({app.name: round(sum(c.seconds for c in cells if c.app == app.name), 1) for app in apps}))
    return judged(cells, len(apps), len(modes))
