"""By the keyboard alone: launch from a preset, watch it start, read its log, open it, stop it, start it, delete it.

On the real cluster, in a real Chromium: no pointer is moved, no element is pressed or focused by the program. Where a
thing is reached by Tab, the number of presses is told; what Tab does not reach within a hundred is not there for a
keyboard.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotSeen

from proofs import Figure
from proofs.interface.session import SECONDS, complaints, signed_in
from support.chromium import launched
from support.local import Local, bring_up

PRESSES: Final = 100
# What has the focus: its name as a person reads or hears it, and whether a focus ring or an outline shows it.
FOCUS: Final = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return { name: "", shown: true };
  const label = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent ?? "";
  const near = [at, at.closest("label")].filter(Boolean);
  const drawn = (style) => style.outlineStyle !== "none" || style.boxShadow !== "none";
  const shown = near.some((one) => drawn(getComputedStyle(one)));
  return { name: label.trim().replace(/\\s+/g, " "), shown };
}"""


class LostError(Exception):
    """The keyboard does not get any further."""


@dataclass(slots=True)
class Hands:
    """Two hands on a keyboard, and what they needed."""

    page: Page
    presses: int = 0
    hidden: list[str] = field(default_factory=list)
    """What had the focus, and nothing on the screen said so."""

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1

    def tab_to(self, name: str) -> None:
        """Press Tab until something of this name (a regular expression) has the focus. Raises LostError."""
        met: list[str] = []
        for _ in range(PRESSES):
            found = self.page.evaluate(FOCUS)
            if re.search(name, found["name"]):
                if not found["shown"]:
                    self.hidden.append(found["name"])
                return
            met.append(found["name"][:30])
            self.press("Tab")
        raise LostError(f"Tab does not reach {name!r}; it met {met[:40]}")

    def go(self, name: str) -> None:
        """Tab to it and press it."""
        self.tab_to(name)
        self.press("Enter")


def launch(hands: Hands) -> str:
    hands.press("n")
    expect(hands.page).to_have_url(re.compile("/new"))
    hands.tab_to("JupyterLab")
    hands.press("Space")
    hands.go("^Launch$")
    hands.page.wait_for_url(re.compile("/w/[^/]+/timeline"), timeout=SECONDS)
    return hands.page.url.split("/w/")[1].split("/")[0]


def watch(hands: Hands) -> None:
    expect(hands.page.get_by_role("heading", level=2, name=re.compile("^It runs"))).to_be_visible(timeout=SECONDS)
    expect(hands.page.locator(".step-done")).to_have_count(5)


def read_log(hands: Hands) -> None:
    hands.press("l")
    hands.page.wait_for_url(re.compile("/logs"))
    expect(hands.page.locator(".log-drawn .log-row").first).to_be_visible(timeout=SECONDS)
    hands.tab_to("^Log of ")
    hands.press("Home", "End")
    expect(hands.page.get_by_text("Live", exact=True).last).to_be_visible()


def open_app(hands: Hands) -> None:
    with hands.page.context.expect_page(timeout=SECONDS) as opened:
        hands.go("^Open$")
    app = opened.value
    expect(app.locator("#jp-main-dock-panel")).to_be_visible(timeout=SECONDS)
    app.close()


def stop(hands: Hands) -> None:
    hands.go("^Stop$")
    lose = hands.page.get_by_role("dialog").get_by_role("button", name=re.compile("^Stop and"))
    hands.page.wait_for_timeout(500)
    if lose.is_visible():
        hands.go("^Stop and")
    expect(hands.page.locator(".workspace-title")).to_contain_text("Stopped", timeout=SECONDS)


def start(hands: Hands) -> None:
    hands.go("^Start$")
    expect(hands.page.locator(".workspace-title")).to_contain_text("Running", timeout=SECONDS)


def delete(hands: Hands) -> None:
    hands.go("^More about ")
    for _ in range(20):
        if "Delete" in hands.page.evaluate(FOCUS)["name"]:
            break
        hands.press("ArrowDown")
    hands.press("Enter")
    hands.go("^Delete$")
    gone = hands.page.get_by_role("heading", name=re.compile("^There is no workspace "))
    expect(gone.or_(hands.page.get_by_role("heading", name="Workspaces", exact=True))).to_be_visible(timeout=SECONDS)


@dataclass(slots=True)
class Journey:
    """What became of it."""

    hands: Hands
    done: list[str] = field(default_factory=list)
    problem: str = ""
    """What ended it."""
    complaints: list[str] = field(default_factory=list)
    """Of the browser."""

    @property
    def good(self) -> bool:
        return len(self.done) == len(STEPS) and not (self.problem or self.hands.hidden or self.complaints)


STEPS: Final[tuple[Callable[[Hands], object], ...]] = (launch, watch, read_log, open_app, stop, start, delete)


def play(journey: Journey) -> str:
    """Step by step until one fails; the name of the workspace that was made."""
    name, hands = "", journey.hands
    for step in STEPS:
        began = time.monotonic()
        try:
            made = step(hands)
        except (LostError, AssertionError, NotSeen) as error:
            journey.problem = f"{step.__name__}: {error}"
            return name
        name = made if isinstance(made, str) else name
        journey.done.append(step.__name__)
        print(f"  {step.__name__:<10}{time.monotonic() - began:5.1f} s, {hands.presses} presses so far", flush=True)
    return name


def travelled(browser: Browser, local: Local) -> Journey:
    with signed_in(browser, local) as (page, heard):
        journey = Journey(Hands(page))
        name = play(journey)
        journey.complaints = complaints(heard)
    if name and journey.problem:
        local.delete_workspace(name)
    return journey


def prove() -> Figure:
    bring_up()
    with sync_playwright() as playwright:
        browser = launched(playwright)
        journey = travelled(browser, Local())
        browser.close()
    hands = journey.hands
    if journey.problem:
        print(f"  NOT SO: {journey.problem[:600]}")
    for name in hands.hidden:
        print(f"  NOT SO: {name} has the focus, and nothing shows it")
    text = (
        f"{len(journey.done)} of {len(STEPS)} steps done by the keyboard alone, {hands.presses} presses, "
        f"{len(hands.hidden)} without a visible focus, {len(journey.complaints)} complaints of the browser"
    )
    return Figure(text, journey.good)
