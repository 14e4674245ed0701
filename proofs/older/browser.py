"""Its UI in Chromium, served through `UI_DEV_ORIGIN`: list, launch, live logs and the IDE tab."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, async_playwright

from proofs.older.checks import Checks
from proofs.older.stage import LAB, TITLE, Stage

CHROMIUM: Final = "/usr/bin/chromium"
_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage")  # fmt: skip
_SECONDS: Final = 20.0


async def _until(page: Page, expression: str, *given: Any) -> Any:
    handle = await page.wait_for_function(expression, arg=list(given), timeout=_SECONDS * 1000)
    return await handle.json_value()


async def _frame_title(page: Page, address: str) -> str:
    """The title of the frame once its app has done all it does, else the last one."""
    title = ""
    for _ in range(50):
        frames = [frame for frame in page.frames if frame.url.startswith(address)]
        title = await frames[0].title() if frames else f"frames: {[frame.url for frame in page.frames]}"
        if title == TITLE:
            break
        await asyncio.sleep(0.2)
    return title


async def _ide(page: Page, stage: Stage, checks: Checks) -> None:
    for name, server in (
        ("the IDE tab, by the Server's url", {"id": LAB, "url": f"{stage.own}/"}),
        ("…a second time, with the session it got", {"id": LAB, "url": f"{stage.own}/"}),
        ("…by /proxy/server/{id}/", {"id": LAB}),
    ):
        try:
            shown = await page.evaluate("(server) => app.ide(server)", server)
        except Exception as error:  # noqa: BLE001  the page says why
            checks.that(name, right=False, found=error)
            continue
        title = await _frame_title(page, f"{stage.own}/")
        checks.that(name, shown["shown"] and title == TITLE, (shown, title))


async def _ui(page: Page, stage: Stage, checks: Checks) -> None:
    made = stage.made
    await page.goto(f"{made.control}/login?token={made.token}")
    checks.that("its page is served", await page.title() == "first generation", await page.content())
    listed = await page.evaluate("() => app.list()")
    checks.that("it lists", LAB in [server["id"] for server in listed["body"]], listed)
    launched = await page.evaluate("(job) => app.launch(job)", {"image": "alpine:3", "env": {"A": "b"}})
    checks.that("it launches", launched["status"] == 202 and launched["body"]["status"] == "pending", launched)
    stage.log("before it looks")
    await page.evaluate("(target) => app.logs(target, 'info')", LAB)
    await asyncio.sleep(0.5)
    stage.log("while it looks")
    seen = "([text]) => app.lines.some((line) => line.msg === text)"
    checks.that("it shows the log, live", await _until(page, seen, "while it looks"))
    await page.evaluate("(target) => app.logs(target, 'error')", LAB)
    stage.log("nothing to see", "ERROR something to see")
    await _until(page, seen, "ERROR something to see")
    levels = await page.evaluate("() => app.lines.map((line) => line.lvl)")
    checks.that("…of a level", set(levels) == {"error"}, levels)
    await _ide(page, stage, checks)
    refused = await page.evaluate("() => app.refused")
    checks.that("its page's policy refuses nothing of this", refused == [], refused)


async def play(stage: Stage, checks: Checks, home: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS, env={"HOME": str(home)})
        try:
            page = await browser.new_page()
            await _ui(page, stage, checks)
        except Exception as error:  # noqa: BLE001  what is not as expected is told
            checks.that("its UI in Chromium", right=False, found=error)
        finally:
            await browser.close()
