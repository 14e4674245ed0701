"""A browser that is signed in, and what its pages complain of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, Page

from support.heard import Heard
from support.local import Local

SECONDS: Final = 90_000
"""A start or an end takes so long at most, in milliseconds."""
SIZE: Final[Any] = {"width": 1280, "height": 800}


@contextmanager
def signed_in(browser: Browser, local: Local) -> Iterator[tuple[Page, Heard]]:
    """A page on the list of workspaces, in a context of its own."""
    heard = Heard(local.origin)
    context = browser.new_context(viewport=SIZE)
    context.set_default_timeout(SECONDS)
    heard.listen(context)
    try:
        page = context.new_page()
        page.goto(local.login_url)
        page.get_by_role("heading", name="Workspaces", exact=True).wait_for()
        yield page, heard
    finally:
        context.close()


def complaints(heard: Heard, *, outage: bool = False) -> list[str]:
    """What the pages complained of, told as well; in an outage requests fail, which a browser reports by itself."""
    found = [*heard.errors, *heard.refused, *([] if outage else heard.requests)]
    for complaint in found:
        print(f"  NOT SO: the browser says: {complaint}", flush=True)
    return found
