"""The built web interface in a real browser, before a played API: layout, focus and scrolling are what is tested."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from support.chromium import launched
from support.local import ROOT
from support.played_install import working_day
from support.played_ui import Played, build, serving


@pytest.fixture(scope="session")
def built() -> None:
    """Made once, by whichever worker comes first."""
    with (ROOT / "ui" / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture
def played() -> Played:
    return working_day()


@pytest.fixture
def origin(built: None, played: Played) -> Iterator[str]:
    with serving(played) as origin:
        yield origin


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()
