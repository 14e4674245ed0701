"""Every feature of the first generation's web interface is found in ours, and works when it is used.

On the real cluster, in a real Chromium: each is looked for where a person would, by its words on the page, and its
effect is looked at in the cluster or on the page.
"""

from __future__ import annotations

import time
from typing import Final

from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotSeen

from proofs import Figure
from proofs.interface.original import launching, looking
from proofs.interface.original.visit import Feature, Visit
from proofs.interface.session import complaints, signed_in
from support.chromium import launched
from support.local import Local, bring_up, guildnet_local

FEATURES: Final[tuple[Feature, ...]] = (*launching.FEATURES, *looking.FEATURES)
PATIENCE_MS: Final = 30_000


def fails(feature: Feature, visit: Visit) -> str:
    """What is not so; "" where it was found and did what it should."""
    began = time.monotonic()
    try:
        feature.play(visit)
    except (AssertionError, NotSeen, KeyError, StopIteration) as error:
        wrong = " ".join(str(error).split())[:500] or type(error).__name__
        print(f"  NOT SO: {feature.what} ({feature.ours}): {wrong}", flush=True)
        return wrong
    print(f"  {feature.what}: {feature.ours}, {time.monotonic() - began:.1f} s", flush=True)
    return ""


def visited(browser: Browser, local: Local) -> tuple[int, int]:
    """How many features were found and used, and of how much the browser complained."""
    with signed_in(browser, local) as (page, heard):
        visit = Visit(page, local, browser)
        page.on("request", lambda request: visit.asked.append(request.url))
        page.set_default_timeout(PATIENCE_MS)
        for name in visit.made():
            local.delete_workspace(name)
        try:
            good = sum(not fails(feature, visit) for feature in FEATURES)
        finally:
            for name in visit.made():
                local.delete_workspace(name)
        return good, len(complaints(heard))


def prove() -> Figure:
    bring_up()
    guildnet_local("image", "busybox", timeout=300)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = launched(playwright)
        good, complained = visited(browser, Local())
        browser.close()
    text = f"{good} of {len(FEATURES)} features found and used, {complained} complaints of the browser"
    return Figure(text, good == len(FEATURES) and not complained)
