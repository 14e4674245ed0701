"""The web interface is quick: a list of 1,000 workspaces, a log of 100,000 lines, and what a person presses in both.

In a real Chromium, before a played API: nothing but the pages is measured. Scrolling is the browser's own, by its wheel
gesture; frames are those that its trace says were drawn, and those that the page's thread has CPU time for.
"""

from __future__ import annotations

import gzip
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from proofs import Figure
from support.chromium import launched
from support.played_install import crowd
from support.played_ui import DIST, Json, Played, build, serving
from support.waiting import until

ROWS: Final = 1000
LINES: Final = 100_000
FRAMES_A_SECOND: Final = 50.0
LONGEST_MS: Final = 150.0
"""A task that takes longer is a stall that a person sees."""
SCRIPT_KIB: Final = 150.0
NEXT_PAINT_MS: Final = 100.0
HEAP_MIB: Final = 200.0
GROWTH_MIB: Final = 24.0
"""A log that is as long as it may be costs no more for as many lines again."""
NAME: Final = "workspace-0001"
WHEEL_SPEED: Final = 5000
"""Pixels a second: a wheel that is turned fast."""
BATCH: Final = 2000
_CATEGORIES: Final = [
    "devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
    "disabled-by-default-devtools.timeline",
]
_TOLD: Final = frozenset({"script", "list", "log up", "next paint"})
_WATCH_FRAMES: Final = """() => {
  const at = []; window.stopWatching = () => { stopped = true; return at; };
  let stopped = false;
  const frame = (now) => { if (stopped) return; at.push(now); requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""
_WATCH_PRESSES: Final = """() => {
  window.presses = new Map();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const known = presses.get(entry.interactionId) ?? 0;
      if (entry.interactionId) presses.set(entry.interactionId, Math.max(known, entry.duration));
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
}"""
_BARE: Final = """() => {
  const box = document.querySelector(".log-box").getBoundingClientRect();
  const rows = [...document.querySelectorAll(".log-drawn > .log-row")].map((row) => row.getBoundingClientRect());
  return rows.length === 0 || rows[0].top > box.top + 1 || rows.at(-1).bottom < box.bottom - 1;
}"""


@dataclass(frozen=True, slots=True)
class Scroll:
    """Frames a second that were drawn; those that the page's thread has CPU time for, and its longest task in
    milliseconds of CPU. By the clock both would tell of the machine's other work as well."""

    drawn: float
    possible: float
    longest: float

    @property
    def smooth(self) -> bool:
        return min(self.drawn, self.possible) >= FRAMES_A_SECOND and self.longest <= LONGEST_MS

    def __str__(self) -> str:
        return (
            f"{self.drawn:.0f} frames/s drawn, CPU for {self.possible:.0f}, longest task {self.longest:.0f} ms of CPU"
        )


def scrolled(browser: Browser, page: Page, where: str, pixels: int) -> Scroll:
    """Turn the wheel over an element, up or down, and watch."""
    box = page.locator(where).bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    page.evaluate(_WATCH_FRAMES)
    browser.start_tracing(page=page, categories=_CATEGORIES)
    gesture = {"x": box["x"] + box["width"] / 2, "y": box["y"] + min(box["height"], 600) / 2, "yDistance": -pixels}
    session.send("Input.synthesizeScrollGesture", {**gesture, "speed": WHEEL_SPEED, "gestureSourceType": "mouse"})
    trace = json.loads(browser.stop_tracing())
    at: list[float] = page.evaluate("stopWatching()")
    session.detach()
    return judged(trace["traceEvents"], len(at))


def judged(events: list[Json], frames: int) -> Scroll:
    """`events` of a trace, in microseconds; `frames` in which the page's scripts had their turn."""
    drawn = sorted(event["ts"] for event in events if event["name"] == "DrawFrame")
    named = [event for event in events if event["name"] == "thread_name"]
    main = {(event["pid"], event["tid"]) for event in named if event["args"]["name"] == "CrRendererMain"}
    tasks = [
        event["tdur"] for event in events
        if event["name"] == "RunTask" and "tdur" in event and (event["pid"], event["tid"]) in main
    ]  # fmt: skip
    assert tasks, "the trace tells of no CPU time"
    return Scroll(_rate(drawn), frames / (sum(tasks) / 1e6), max(tasks) / 1000)


def _rate(times: list[float]) -> float:
    return (len(times) - 1) / ((times[-1] - times[0]) / 1e6) if len(times) > 1 else 0.0


def heap_mib(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / (1 << 20)


def line(number: int) -> Json:
    """One in seven is three lines of the screen high, one in ten has colours."""
    text = f"line {number} " + (
        "what a program has to say about what it does, at some length, " * (6 if number % 7 == 0 else 1)
    )
    colour = f"\x1b[3{number % 8}m" if number % 10 == 0 else ""
    return {
        "t": f"2026-11-24T12:00:00.{number:09d}Z",
        "lvl": "info",
        "msg": colour + text,
        "container": "main",
        "pod": "p",
    }


def fill(page: Page, played: Played, first: int, count: int) -> None:
    """Write so many lines and wait until the last of them is drawn."""
    for begin in range(first, first + count, BATCH):
        played.write(NAME, *(line(number) for number in range(begin, begin + BATCH)))
    last = f"line {first + count - 1} "
    until(lambda: last in page.locator(".log-drawn > .log-row").last.inner_text(), f"{last} is drawn", seconds=120)


def log_scrolls(browser: Browser, page: Page, origin: str, played: Played) -> Iterator[tuple[str, bool, str]]:
    page.goto(f"{origin}/w/{NAME}/logs")
    page.locator(".log-box").wait_for()
    began = time.monotonic()
    fill(page, played, 0, LINES)
    print(f"  {LINES:,} lines arrived and drawn in {time.monotonic() - began:.1f} s", flush=True)
    session = page.context.new_cdp_session(page)
    full = heap_mib(session)
    for what, pixels in (("up", -16_000), ("down", 12_000)):
        found = scrolled(browser, page, ".log-box", pixels)
        yield f"log {what}", found.smooth, str(found)
    bare = page.evaluate(_BARE)
    yield (
        "log without a bare place",
        not bare,
        "rows fill the view" if not bare else "the view has a place without rows",
    )
    page.locator(".log-box").press("End")
    fill(page, played, LINES, LINES)
    again = heap_mib(session)
    bounded = full <= HEAP_MIB and again - full <= GROWTH_MIB
    yield "log memory", bounded, f"{full:.0f} MiB with {LINES:,} lines, {again:.0f} MiB after as many again"


def presses(page: Page, turns: int) -> None:
    """What a person presses in the list and in a workspace."""
    page.evaluate(_WATCH_PRESSES)
    for turn in range(turns):
        search = page.get_by_role("combobox", name="Search workspaces")
        search.click()
        search.press_sequentially(f"workspace-00{turn}", delay=30)
        search.press("Control+A")
        search.press("Delete")
        page.keyboard.press("Control+K")
        page.keyboard.type("work", delay=30)
        page.keyboard.press("Escape")


def next_paint(page: Page, origin: str, turns: int) -> list[float]:
    """Milliseconds from each press to the next paint; those below 16 are not told by the browser, and count as 16."""
    page.goto(origin)
    page.get_by_role("rowheader").first.wait_for()
    page.wait_for_timeout(500)
    presses(page, turns)
    page.wait_for_timeout(300)
    found: list[float] = page.evaluate("[...presses.values()]")
    made = turns * 20
    return sorted([*found, *[16.0] * max(0, made - len(found))])


def script_kib(page: Page, origin: str) -> float:
    """The scripts of the first page, as gzip packs them."""
    asked: list[str] = []
    page.on("response", lambda response: asked.append(response.url))
    page.goto(origin)
    page.get_by_role("rowheader").first.wait_for()
    page.wait_for_timeout(500)
    scripts = {url.removeprefix(origin).lstrip("/") for url in asked if url.endswith(".js")}
    return sum(len(gzip.compress((DIST / script).read_bytes(), 9)) for script in scripts) / 1024


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def _figures(browser: Browser, origin: str, played: Played, turns: int) -> Iterator[tuple[str, bool, str]]:
    with opened(browser) as page:
        size = script_kib(page, origin)
        yield "script", size <= SCRIPT_KIB, f"{size:.0f} kB gzip at first load"
        found = scrolled(browser, page, "main", 12_000)
        yield "list", found.smooth, str(found)
    with opened(browser) as page:
        waits = next_paint(page, origin, turns)
        p95 = statistics.quantiles(waits, n=20)[-1]
        yield (
            "next paint",
            p95 <= NEXT_PAINT_MS,
            f"p95 {p95:.0f} ms of {len(waits)} presses, longest {waits[-1]:.0f} ms",
        )
    with opened(browser) as page:
        yield from log_scrolls(browser, page, origin, played)


def prove(*, quick: bool = False) -> Figure:
    """The short form presses less."""
    build()
    played, results = crowd(ROWS), []
    with serving(played) as origin, sync_playwright() as playwright:
        browser = launched(playwright)
        for what, met, figure in _figures(browser, origin, played, 3 if quick else 10):
            results.append((what, met, figure))
            print(f"  {what:<26}{'' if met else 'MISSED  '}{figure}", flush=True)
        browser.close()
    good = sum(met for _, met, _ in results)
    said = "; ".join(f"{what}: {figure}" for what, _, figure in results if what in _TOLD)
    return Figure(f"{good} of {len(results)} bounds kept ({said})", good == len(results))
