"""The built web interface in a real browser, before a played API: layout, focus, windows and the network are tested."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from support.chromium import launched
from support.played_install import working_day
from support.played_ui import Played, build, serving


@pytest.fixture(scope="session")
def built() -> Path:
    """The built interface: this checkout's, or that of an older one, to show that a test would have failed."""
    older = os.environ.get("GUILDNET_UI_DIST")
    return Path(older) if older else build()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture
def played(built: Path) -> Played:
    """A working day with a dozen workspaces."""
    played = working_day()
    played.directory = built
    return played


@pytest.fixture
def origin(played: Played) -> Iterator[str]:
    with serving(played) as origin:
        yield origin


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[[int, int], BrowserContext]]:
    """Makes a browser of its own, with windows of this size. An error on the console of a page fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # A refused request is reported by the browser itself, and is what some tests are about.
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    def make(width: int, height: int) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        context.set_default_timeout(10_000)
        context.on("console", heard)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def context(window: Callable[[int, int], BrowserContext]) -> BrowserContext:
    return window(1280, 800)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def phone(window: Callable[[int, int], BrowserContext]) -> Page:
    return window(360, 740).new_page()
