"""JupyterLab and code-server load in a browser through the proxy about as fast as straight from their pods.

On the real cluster with a real Chromium, by turns: straight to the pod, by the local entry, over the real tailnet. Each
load begins with empty caches and ends when the app takes what a person does.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from guildnet.workspace import well_known
from guildnet.workspace.ports import base_path
from proofs import Figure
from proofs.apps import running
from proofs.loaded.accounts import Accounts
from proofs.loaded.visit import WAIT_MS, Load, loaded
from proofs.loaded.ways import PROXY, STRAIGHT, TAILNET, Straight, Way, relayed, ways
from proofs.opened.uses import APPS
from support.chromium import launched, trust
from support.local import NAMESPACE, Local, bring_up

BOUNDS: Final[Mapping[str, float]] = {PROXY: 1.25, TAILNET: 2.0}
"""How many times the straight load's time the median by each way may take."""
ROUNDS: Final = 5
QUIET_MS: Final = 1000
"""After logging in, whose page takes the browser a moment to put away."""


@dataclass(frozen=True, slots=True)
class Told:
    """One load, and the CPU seconds that it took of each."""

    app: str
    way: str
    load: Load
    spent: Mapping[str, float]


def _jupyterlab(page: Page) -> None:
    """The launcher's cards need the kernels' list, which needs the server's REST API."""
    expect(page.locator('.jp-LauncherCard[data-category="Notebook"]').first).to_be_visible(timeout=WAIT_MS)


def _code_server(page: Page) -> None:
    """The explorer's files come over a WebSocket."""
    expect(page.get_by_role("treeitem", name="notes.md")).to_be_visible(timeout=WAIT_MS)


READY: Final[Mapping[str, Callable[[Page], None]]] = {"jupyterlab": _jupyterlab, "code-server": _code_server}
FOLDER: Final = "/tmp/opened"
"""In the pod, with a file."""


def rounds(
    local: Local, browser: Browser, names: Mapping[str, str], accounts: Mapping[str, Accounts],
    straight: Mapping[str, Straight], count: int,
) -> Iterator[Told]:  # fmt: skip
    """The first round is to warm everything up, and is not told."""
    for number in range(count + 1):
        for app, name in names.items():
            for way in ways(local):
                told = _load(browser, way, app, name, accounts[app], straight[app])
                if number:
                    print(f"  {number}  {line(app, way.name, [told])}", flush=True)
                    yield told


def _load(browser: Browser, way: Way, app: str, name: str, accounts: Accounts, straight: Straight) -> Told:
    context = browser.new_context(**way.context)
    try:
        url = way.url(context, name, straight)
        page = context.new_page()
        page.wait_for_timeout(QUIET_MS)
        before = accounts.now()
        load = loaded(page, url + _page(app, name), READY[app])
        after = accounts.now()
    finally:
        context.close()
    return Told(app, way.name, load, {who: after[who] - before[who] for who in after})


def _page(app: str, name: str) -> str:
    return f"{base_path(name)}/lab" if app == "jupyterlab" else f"/?folder={FOLDER}"


def _port(app: str) -> int:
    """The port of a product's image, by what is known of it."""
    known = well_known.of(f"guildnet/{app}")
    assert known is not None, app
    return known.port


def line(app: str, way: str, told: Sequence[Told]) -> str:
    """The medians of loads of an app by a way."""
    loads = [item.load for item in told]

    def mid(take: Callable[[Load], float]) -> float:
        return median(map(take, loads))

    spent = {who: median(item.spent[who] for item in told) for who in told[0].spent}
    return (
        f"{app:<12}{way:<10}{mid(lambda it: it.seconds):5.2f} s  first {mid(lambda it: it.first) * 1e3:4.0f} ms  "
        f"{mid(lambda it: it.requests):4.0f} requests ({mid(lambda it: it.redirects):.0f} redirects, "
        f"{mid(lambda it: it.sockets):.0f} sockets)  {mid(lambda it: it.received) / 1e6:5.2f} MB  "
        f"wait {mid(lambda it: it.wait) * 1e3:4.1f} ms  connect {mid(lambda it: it.connecting) * 1e3:4.0f} ms  CPU "
        + "  ".join(f"{who} {seconds * 1e3:.0f}" for who, seconds in spent.items())
        + " ms"
    )


def judged(told: Sequence[Told]) -> Figure:
    """Met when every app by every way is within its bound, and asked for the same but for the redirects of a log-in."""
    parts, problems = [], []
    for app in READY:
        of = {way: [item.load for item in told if (item.app, item.way) == (app, way)] for way in (STRAIGHT, *BOUNDS)}
        seconds = {way: median(load.seconds for load in loads) for way, loads in of.items() if loads}
        if len(seconds) < len(of):
            problems.append(f"{app} was not loaded by every way")
            continue
        for way, bound in BOUNDS.items():
            ratio = seconds[way] / seconds[STRAIGHT]
            parts.append(f"{app} by {way} {ratio:.2f} of straight")
            if ratio > bound:
                problems.append(f"{app} by {way}: at most {bound:g}")
    return Figure("; ".join(parts + problems), met=not problems)


def prove(*, quick: bool = False) -> Figure:
    """The short form is one round."""
    bring_up()
    local = Local()
    apps = [app for app in APPS if app.name in READY]
    told: list[Told] = []
    with (
        tempfile.TemporaryDirectory() as home,
        running(local, apps) as names,
        sync_playwright() as playwright,
    ):
        trust(Path(home), *([local.tailnet.ca] if local.tailnet.ca else []))
        files = f"mkdir -p {FOLDER} && touch {FOLDER}/notes.md"
        local.kubectl("-n", NAMESPACE, "exec", f"deploy/{names['code-server']}", "--", "sh", "-c", files)
        accounts = {app: Accounts(local, name) for app, name in names.items()}
        browser = launched(playwright, {**os.environ, "HOME": home})
        with relayed([accounts[app].address for app in names], list(map(_port, names))) as ports:
            straight = {app: Straight.of(local, names[app], port) for app, port in zip(names, ports, strict=True)}
            told += rounds(local, browser, names, accounts, straight, 1 if quick else ROUNDS)
        browser.close()
    for app in READY:
        for way in (STRAIGHT, *BOUNDS):
            if of := [item for item in told if (item.app, item.way) == (app, way)]:
                print(f"  {line(app, way, of)}")
    return judged(told)
