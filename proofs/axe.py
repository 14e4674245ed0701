"""axe-core finds nothing on any page or dialog of the web interface, and no page complains on the console.

In a real Chromium before a played install, whose pages have the product's own content security policy: in both themes,
on a desktop, at 200 % of its zoom, and at a telephone's width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import TimeoutError as NotSeen

from proofs import Figure
from support.axe import problems
from support.chromium import launched
from support.heard import Heard
from support.played_ui import Played, build, serving
from support.ui_pages import PLACES, furnished, goto

SIZES: Final[dict[str, dict[str, Any]]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "200 %": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "telephone": {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2},
}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
OVERFLOW: Final = "document.documentElement.scrollWidth > innerWidth + 1"


@dataclass(slots=True)
class Found:
    """What was looked at, and what was wrong with it."""

    looks: int = 0
    violations: int = 0
    wide: int = 0
    """Pages that scroll sideways."""
    missing: int = 0
    """Pages that did not come to what is looked at."""
    errors: int = 0
    refused: int = 0

    @property
    def good(self) -> bool:
        return bool(self.looks) and not any((self.violations, self.wide, self.missing, self.errors, self.refused))


def _told(found: Found, where: str, name: str, complaints: list[str]) -> None:
    for complaint in complaints:
        print(f"  NOT SO: {name}, {where}: {complaint}", flush=True)


def look(browser: Browser, played: Played, origin: str, names: list[str], found: Found) -> None:
    for theme in THEMES:
        for size, given in SIZES.items():
            heard, where = Heard(origin), f"{theme}, {size}"
            context = browser.new_context(**given, color_scheme=theme, reduced_motion="reduce")
            context.set_default_timeout(15_000)
            heard.listen(context)
            for name, wrong in _pages(context.new_page(), played, origin, names, found):
                _told(found, where, name, wrong)
            context.close()
            _told(found, where, "console", heard.errors)
            _told(found, where, "security policy", heard.refused)
            found.errors += len(heard.errors)
            found.refused += len(heard.refused)


def _pages(page: Any, played: Played, origin: str, names: list[str], found: Found) -> Iterator[tuple[str, list[str]]]:
    for name in names:
        try:
            goto(page, played, origin, PLACES[name])
        except (AssertionError, NotSeen) as error:
            found.missing += 1
            yield name, [str(error).split("\n")[0]]
            continue
        wrong = problems(page)
        wide = bool(page.evaluate(OVERFLOW))
        found.looks, found.violations, found.wide = found.looks + 1, found.violations + len(wrong), found.wide + wide
        yield name, [*wrong, *(["it scrolls sideways"] if wide else [])]


def prove(*, quick: bool = False) -> Figure:
    """The short form looks at every fourth page."""
    build()
    played, found = furnished(), Found()
    names = list(PLACES)[:: 4 if quick else 1]
    with serving(played) as origin, sync_playwright() as playwright:
        browser = launched(playwright)
        look(browser, played, origin, names, found)
        browser.close()
    text = (
        f"{len(names)} pages and dialogs × {len(THEMES)} themes × {len(SIZES)} widths: {found.violations} violations, "
        f"{found.wide} that scroll sideways, {found.missing} that did not come, {found.errors} errors on the console, "
        f"{found.refused} reports of the security policy"
    )
    return Figure(text, found.good)
