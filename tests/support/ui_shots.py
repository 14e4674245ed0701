"""`make ui-shots`: pictures of every page and dialog in both themes and at a telephone's width, in test-results/ui.

With `--docs` instead those that the documents show: smaller ones, in docs/pictures. `--sheets` puts the pictures of
each theme and width together, nine to a sheet, to be looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from support.chromium import launched
from support.local import ROOT
from support.played_ui import Played, build, serving
from support.ui_pages import PLACES, furnished, goto

PICTURES: Final = ROOT / "test-results" / "ui"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
SHOWN: Final = ROOT / "docs" / "pictures"
SHOWN_SIZE: Final = {"width": 1040, "height": 600}
"""No picture is over 150 kB then."""
DOCUMENTED: Final = ("list", "new", "timeline-failed", "logs")
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
SHEET: Final = 9


def _pages(browser: Browser, size: dict[str, int]) -> Iterator[tuple[str, Page]]:
    """A page in each theme."""
    for theme in THEMES:
        context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        yield theme, context.new_page()
        context.close()


def document(browser: Browser, played: Played, origin: str) -> None:
    """The pictures of the README and docs/ui.md."""
    for theme, page in _pages(browser, SHOWN_SIZE):
        for name in DOCUMENTED:
            goto(page, played, origin, PLACES[name])
            page.wait_for_timeout(400)
            page.screenshot(path=SHOWN / f"{name}-{theme}.png")


def shoot(browser: Browser, played: Played, origin: str, wanted: list[str]) -> None:
    for size, viewport in (("", WIDE), ("-phone", NARROW)):
        for theme, page in _pages(browser, viewport):
            for name in wanted or PLACES:
                goto(page, played, origin, PLACES[name])
                page.wait_for_timeout(300)
                page.screenshot(path=PICTURES / f"{name}-{theme}{size}.png")


def sheets(browser: Browser) -> None:
    """Of the pictures that there are."""
    for size in ("", "-phone"):
        for theme in THEMES:
            names = [name for name in PLACES if (PICTURES / f"{name}-{theme}{size}.png").exists()]
            for number in range(0, len(names), SHEET):
                _sheet(browser, names[number : number + SHEET], f"{theme}{size}", number // SHEET)


def _sheet(browser: Browser, names: list[str], kind: str, number: int) -> None:
    columns, width = (9, 210) if kind.endswith("phone") else (3, 640)
    cells = "".join(
        f'<figure><img width="{width}" src="file://{PICTURES}/{name}-{kind}.png"><figcaption>{name}</figcaption></figure>'
        for name in names
    )
    style = f"body{{display:grid;grid-template-columns:repeat({columns},auto);gap:8px;margin:8px;font:14px sans-serif}}"
    page = browser.new_page(viewport={"width": columns * (width + 8) + 8, "height": 400})
    sheet = PICTURES / f"sheet-{kind}-{number}.html"
    sheet.write_text(f"<style>{style}figure{{margin:0}}img{{display:block;border:1px solid #888}}</style>{cells}")
    page.goto(sheet.as_uri())
    page.screenshot(path=sheet.with_suffix(".png"), full_page=True)
    page.close()
    sheet.unlink()


def main(wanted: list[str]) -> None:
    build()
    PICTURES.mkdir(parents=True, exist_ok=True)
    played = furnished()
    with serving(played) as origin, sync_playwright() as playwright:
        browser = launched(playwright)
        if wanted == ["--docs"]:
            document(browser, played, origin)
        elif wanted == ["--sheets"]:
            sheets(browser)
        else:
            shoot(browser, played, origin, wanted)
        browser.close()
    print(f"pictures are in {(SHOWN if wanted == ['--docs'] else PICTURES).relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
