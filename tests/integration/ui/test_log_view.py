"""The log of a workspace where layout matters: wrapped lines, a reader further up, links to lines, what narrows it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support.played_ui import Json, Played
from support.waiting import until

NAME = "analysis-3f9a1"
LOGS = f"/w/{NAME}/logs"
BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)
WORDS = "a sentence that does not fit into one line of a telephone, nor into two of them, whatever its font "
# Where the end of the last row is below that of the box, and the row at the top: its text and how far down it begins.
STATE = """() => {
  const box = document.querySelector(".log-box"), edge = box.getBoundingClientRect();
  const rows = [...document.querySelectorAll(".log-drawn > .log-row")];
  const top = rows.find((row) => row.getBoundingClientRect().bottom > edge.top + 1);
  const last = rows.at(-1)?.getBoundingClientRect();
  const text = (row) => row?.querySelector(".log-text")?.textContent ?? "";
  return {
    below: Math.round((last?.bottom ?? 0) - edge.bottom), last: text(rows.at(-1)), top: text(top),
    down: top ? Math.round(top.getBoundingClientRect().top - edge.top) : 0, rows: rows.length, height: box.scrollHeight,
  };
}"""


def line(number: int, text: str = "", level: str = "info") -> Json:
    t = (BEGAN + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{number % 1000:03d}Z"
    return {
        "t": t,
        "lvl": level,
        "msg": text or f"line {number} {WORDS * (number % 4)}",
        "container": "main",
        "pod": "p",
    }


def state(page: Page) -> Any:
    page.locator(".log-box").wait_for()
    return page.evaluate(STATE)


def at_end(page: Page, last: str) -> bool:
    found = state(page)
    return abs(found["below"]) <= 2 and found["last"].startswith(last)


def wheel(page: Page, pixels: int) -> None:
    page.locator(".log-box").hover()
    page.mouse.wheel(0, pixels)


@pytest.fixture(params=["page", "phone"])
def shown(request: pytest.FixtureRequest, origin: str, played: Played) -> Page:
    """A log of 400 lines of one to some ten lines of the screen each, on a wide screen and on a telephone's."""
    played.log[NAME] = [line(number) for number in range(400)]
    page: Page = request.getfixturevalue(request.param)
    page.goto(origin + LOGS)
    until(lambda: at_end(page, "line 399"), "the log is at its end")
    return page


def test_a_log_of_wrapped_lines_is_followed(shown: Page, played: Played):
    for number in range(400, 460):
        played.write(NAME, line(number))
    until(lambda: at_end(shown, "line 459"), "the newest line is at the bottom")
    expect(shown.locator(".log-newest")).to_have_count(0)


def test_a_scroll_event_that_nobody_made_does_not_end_following(shown: Page, played: Played):
    shown.evaluate("document.querySelector('.log-box').scrollTop -= 300")
    shown.set_viewport_size({"width": 700, "height": 700})
    played.write(NAME, line(400))
    until(lambda: at_end(shown, "line 400"), "it is followed all the same")


def test_a_reader_further_up_keeps_the_line(shown: Page, played: Played):
    wheel(shown, -1500)
    shown.wait_for_timeout(300)
    before = state(shown)
    for number in range(400, 440):
        played.write(NAME, line(number))
    expect(shown.locator(".log-newest")).to_have_text("40 new lines")
    after = state(shown)
    assert (after["top"], after["down"]) == (before["top"], before["down"])
    assert after["height"] > before["height"]
    shown.locator(".log-newest").click()
    until(lambda: at_end(shown, "line 439"), "one press leads to the newest line")
    assert shown.evaluate("document.activeElement.className").startswith("log-box"), "the focus is in the log"


def test_older_lines_come_above_the_readers_line(shown: Page, played: Played):
    played.log[NAME] = [line(number) for number in range(-300, 400)]
    before = state(shown)
    wheel(shown, -100_000)
    until(lambda: state(shown)["height"] > before["height"] + 1000, "older lines were asked for and are there")
    after = state(shown)
    assert after["top"].startswith("line 0 "), "what is above was added, what is read stayed"
    assert abs(after["down"]) <= 1


@pytest.mark.parametrize(("key", "expected"), [("End", "line 399"), ("Home", "line 0 ")])
def test_keys_lead_to_the_very_ends(shown: Page, key: str, expected: str):
    wheel(shown, -900)
    shown.wait_for_timeout(200)
    shown.locator(".log-box").focus()
    shown.keyboard.press(key)
    if key == "End":
        until(lambda: at_end(shown, expected), "the end")
    else:
        until(lambda: state(shown)["top"].startswith(expected) and abs(state(shown)["down"]) <= 1, "the beginning")


def test_few_rows_are_in_the_page(shown: Page):
    assert state(shown)["rows"] < 120


def test_lines_that_are_not_wrapped_are_one_high(page: Page, origin: str, played: Played):
    played.log[NAME] = [line(number) for number in range(100)]
    page.goto(origin + LOGS)
    until(lambda: at_end(page, "line 99"), "the log is there")
    page.get_by_role("button", name="View: how lines are shown").click()
    page.get_by_role("menuitemradio", name="Wrap long lines").click()
    until(lambda: state(page)["height"] == 2000, "100 rows of 20 pixels")
    assert page.evaluate("(b => b.scrollWidth > b.clientWidth)(document.querySelector('.log-box'))")


def test_repeats_are_one_row_that_opens(page: Page, origin: str, played: Played):
    played.log[NAME] = [line(number, f"GET / 200 {number}.5ms") for number in range(120)]
    page.goto(origin + LOGS)
    count = page.locator(".log-count")
    expect(count).to_have_text("×120")
    assert state(page)["rows"] == 1
    count.click()
    expect(page.locator(".log-folded")).to_have_count(119)
    until(lambda: abs(state(page)["below"]) <= 2, "what opened is followed, too")


def test_what_the_stream_says_stands_between_the_lines(page: Page, origin: str, played: Played):
    event = {
        "event": "event",
        "t": line(2)["t"],
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off",
        "object": "Pod/p",
    }
    played.log[NAME] = [
        {"event": "source", "pod": "p", "container": "main", "restart": 2}, event, line(1, "first"), line(3, "second"),
        {"event": "gap", "reason": "rotated", "message": "Lines were removed."}, line(4, "third"),
    ]  # fmt: skip
    page.goto(origin + LOGS)
    expect(page.locator(".log-row:not(.log-hidden)")).to_have_count(6)
    said = page.locator(".log-row:not(.log-hidden) > .log-text").all_inner_texts()
    assert said == ["main of p, restart 2", "first", "BackOff – Back-off", "second", "Lines were removed.", "third"]


def test_a_link_leads_to_its_line(page: Page, origin: str, played: Played):
    played.log[NAME] = [line(number) for number in range(900)]
    page.goto(f"{origin}{LOGS}?at={line(120)['t']}")
    marked = page.locator(".log-marked")
    expect(marked).to_contain_text("line 120 ")
    expect(marked).to_be_in_viewport()
    played.write(NAME, line(900))
    page.wait_for_timeout(300)
    expect(marked).to_be_in_viewport()


def test_a_link_to_a_line_that_is_gone_says_so(page: Page, origin: str, played: Played):
    played.log[NAME] = [line(number) for number in range(9)]
    page.goto(f"{origin}{LOGS}?at=2026-11-20T00:00:00.000000000Z")
    expect(page.locator(".log-note-box")).to_contain_text("not kept any more")


def test_what_narrows_the_log_is_asked_of_the_api_and_stands_in_the_address(page: Page, origin: str, played: Played):
    played.log[NAME] = [line(number, f"tea {number}") for number in range(9)]
    page.goto(origin + LOGS)
    search = page.get_by_role("searchbox")
    search.fill("tea")
    expect(page).to_have_url(re.compile(r"\?q=tea$"))
    expect(page.locator(".log-text mark").first).to_have_text("tea")
    assert page.evaluate("document.activeElement.type") == "search", "who types goes on typing"
    page.get_by_label("Level").select_option("error")
    expect(page).to_have_url(re.compile(r"q=tea&level=error$"))
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("tea")
    expect(page.get_by_label("Level")).to_have_value("error")
    download = page.get_by_role("link", name="Download everything that matches").get_attribute("href")
    assert download == f"/api/servers/{NAME}/logs?level=error&q=tea&format=text"


def test_an_expression_that_cannot_be_read_is_said_once(page: Page, origin: str, played: Played):
    details = [{"field": "q", "reason": "missing closing )"}]
    played.answers["GET /sse/logs"] = (400, {"code": "invalid_query", "message": "See q.", "details": details})
    page.goto(f"{origin}{LOGS}?q=/(/")
    expect(page.get_by_text("The log cannot be shown like this.")).to_be_visible()
    expect(page.locator(".alert").get_by_text("missing closing )")).to_be_visible()
    del played.answers["GET /sse/logs"]
    played.log[NAME] = [line(1, "all of it")]
    page.get_by_role("button", name="Show all of it").click()
    expect(page.locator(".log-drawn")).to_contain_text("all of it")


def test_a_cut_connection_leaves_no_hole(page: Page, origin: str, played: Played):
    played.log[NAME] = [line(number, f"number {number}") for number in range(50)]
    played.ping_seconds = 0.2
    page.goto(origin + LOGS)
    until(lambda: at_end(page, "number 49"), "the log is there")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    played.silent.set()
    played.write(NAME, *(line(number, f"number {number}") for number in range(50, 60)))
    page.wait_for_timeout(300)
    played.silent.clear()
    played.write(NAME, line(60, "number 60"))
    until(lambda: at_end(page, "number 60"), "lines come again")
    numbers = [int(text.split()[1]) for text in page.locator(".log-drawn .log-text").all_inner_texts()]
    assert numbers == sorted(set(numbers)), "none twice"
