"""axe-core finds nothing on any page or dialog (WCAG 2.2 AA, best practices); `show-axe` does all widths and themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from support.axe import problems
from support.heard import Heard
from support.played_ui import Played
from support.ui_pages import PLACES, goto


@pytest.fixture
def looked_at(browser: Browser, origin: str, theme: Literal["light", "dark"], width: int) -> Iterator[Page]:
    """A page on which nothing may complain."""
    heard = Heard(origin)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    heard.listen(context)
    yield context.new_page()
    context.close()
    assert (heard.errors, heard.refused) == ([], [])


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing(looked_at: Page, played: Played, origin: str, theme: str, width: int):
    found = []
    for name, place in PLACES.items():
        goto(looked_at, played, origin, place)
        found += [f"{name}: {problem}" for problem in problems(looked_at)]
    assert found == []


def test_what_is_wrong_is_found(browser: Browser, origin: str):
    page = browser.new_page()
    page.goto(origin)
    page.evaluate("document.querySelector('main').innerHTML = '<h1>x</h1><img src=\"/icon.svg\"><input>'")
    found = problems(page)
    page.close()
    assert [problem.split(" ")[0] for problem in found] == ["image-alt", "label"]
