"""`make ui-shots`: pictures of every page in both themes and at a telephone's width, in test-results/ui.

With `--docs` instead those that the documents show: smaller ones, in docs/pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from playwright.sync_api import Browser, Page, sync_playwright

from support.chromium import launched
from support.local import ROOT
from support.played_install import working_day
from support.played_ui import Played, build, serving

PICTURES = ROOT / "test-results" / "ui"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
SHOWN = ROOT / "docs" / "pictures"
SHOWN_SIZE = {"width": 1040, "height": 600}
"""No picture is over 150 kB then."""


def _nothing(_: Page) -> None:
    pass


def _palette(page: Page) -> None:
    page.keyboard.press("Control+K")
    page.keyboard.type("anal")


def _keys(page: Page) -> None:
    page.keyboard.press("?")


PAGES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "list": ("/", _nothing),
    "palette": ("/", _palette),
    "keys": ("/", _keys),
    "new": ("/new", _nothing),
    "workspace": ("/w/analysis-3f9a1", _nothing),
    "timeline": ("/w/web-77aa0/timeline", _nothing),
    "logs": ("/w/analysis-3f9a1/logs", _nothing),
    "settings": ("/w/analysis-3f9a1/settings", _nothing),
    "yaml": ("/w/analysis-3f9a1/yaml", _nothing),
    "health": ("/health", _nothing),
    "me": ("/me", _nothing),
    "not-found": ("/nowhere", _nothing),
}
"""By the name of the picture: the address, and what is done there first."""


def document(browser: Browser, origin: str) -> None:
    """The list and the launch page, for the README and docs/ui.md."""
    for theme in ("light", "dark"):
        context = browser.new_context(viewport=SHOWN_SIZE, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        for name in ("list", "new"):
            page = context.new_page()
            page.goto(origin + PAGES[name][0])
            page.wait_for_timeout(600)
            page.screenshot(path=SHOWN / f"{name}-{theme}.png")
        context.close()


def shoot(browser: Browser, origin: str, wanted: list[str]) -> None:
    for theme in ("light", "dark"):
        for size, viewport in (("", WIDE), ("-phone", NARROW)):
            context = browser.new_context(viewport=viewport, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            for name, (path, prepare) in PAGES.items():
                if wanted and name not in wanted:
                    continue
                page = context.new_page()
                page.goto(origin + path)
                page.wait_for_load_state("load")
                page.wait_for_timeout(400)
                prepare(page)
                page.wait_for_timeout(150)
                page.screenshot(path=PICTURES / f"{name}-{theme}{size}.png")
                page.close()
            context.close()


def main(played: Played, wanted: list[str]) -> None:
    build()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with serving(played) as origin, sync_playwright() as playwright:
        browser = launched(playwright)
        if wanted == ["--docs"]:
            document(browser, origin)
        else:
            shoot(browser, origin, wanted)
        browser.close()
    print(f"pictures are in {(SHOWN if wanted == ['--docs'] else PICTURES).relative_to(ROOT)}")


if __name__ == "__main__":
    main(working_day(), sys.argv[1:])
