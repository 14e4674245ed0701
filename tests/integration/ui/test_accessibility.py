"""axe-core finds nothing on any page or dialog, in both themes and at two widths (WCAG 2.2 AA, best practices)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from support.played_ui import UI, Played

AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _nothing(page: Page, played: Played) -> None:
    pass


def _palette(page: Page, played: Played) -> None:
    page.keyboard.press("Control+K")
    page.keyboard.type("anal")


def _keys(page: Page, played: Played) -> None:
    page.keyboard.press("?")


def _menu(page: Page, played: Played) -> None:
    page.get_by_role("button", name="More for analysis-3f9a1").click()


def _stop(page: Page, played: Played) -> None:
    page.get_by_role("button", name="More for docs-preview-2ab31").click()
    page.get_by_role("menuitem", name="Stop").click()


def _bulk(page: Page, played: Played) -> None:
    page.get_by_role("checkbox", name="Select analysis-3f9a1").check()


def _deleted(page: Page, played: Played) -> None:
    page.get_by_role("button", name="More for analysis-3f9a1").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()


def _delete_all(page: Page, played: Played) -> None:
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("menuitem", name="Delete all…").click()
    expect(page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()


def _searching(page: Page, played: Played) -> None:
    page.get_by_role("combobox", name="Search").fill("status:")


def _wrong(page: Page, played: Played) -> None:
    page.get_by_label("Image", exact=True).fill("a b")
    page.get_by_text("Environment, ports").click()
    for what in ("Variable", "Port", "Label"):
        page.get_by_role("button", name=what, exact=True).click()
    page.get_by_role("button", name="Launch", exact=True).click()


def _signed_out(page: Page, played: Played) -> None:
    played.signed_in = False
    played.drop_streams()
    expect(page.get_by_text("You are signed out.", exact=True)).to_be_visible(timeout=20_000)


PAGES: dict[str, tuple[str, Callable[[Page, Played], None]]] = {
    "list": ("/", _nothing),
    "cards": ("/?as=cards", _nothing),
    "nothing found": ("/?q=nosuchthing", _nothing),
    "search": ("/", _searching),
    "menu": ("/", _menu),
    "stop": ("/", _stop),
    "bulk": ("/", _bulk),
    "message": ("/", _deleted),
    "delete all": ("/", _delete_all),
    "palette": ("/", _palette),
    "keys": ("/", _keys),
    "signed out": ("/", _signed_out),
    "new": ("/new", _nothing),
    "new, wrong": ("/new?image=", _wrong),
    "me": ("/me", _nothing),
    "health": ("/health", _nothing),
    "not found": ("/nowhere", _nothing),
}


@pytest.fixture
def looked_at(browser: Browser, theme: Literal["light", "dark"], width: int) -> Iterator[Page]:
    """A page into which axe can be put, which the product's content security policy forbids."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce", bypass_csp=True
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(looked_at: Page, played: Played, origin: str, theme: str, width: int):
    found = []
    for name, (path, prepare) in PAGES.items():
        played.signed_in = True
        looked_at.goto(origin + path)
        expect(looked_at.get_by_role("heading", level=1)).to_be_visible()
        expect(looked_at.get_by_role("group", name="Connection")).to_contain_text("Live")
        prepare(looked_at, played)
        looked_at.wait_for_timeout(200)
        found += [f"{name}: {problem}" for problem in problems(looked_at)]
    assert found == []


def problems(page: Page) -> list[str]:
    """Each violation with its first element."""
    page.add_script_tag(path=str(AXE))
    result: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", TAGS
    )
    first = [(one["id"], one["nodes"][0]) for one in result["violations"]]
    return [f"{rule}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}" for rule, node in first]
