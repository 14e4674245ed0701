"""The list of workspaces: what its buttons do, and what stays when one goes and comes back."""

from __future__ import annotations

import json
import re
import statistics

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from support.played_install import crowd, workspace
from support.played_ui import Played


@pytest.fixture
def page(page: Page, origin: str) -> Page:
    """The list."""
    page.goto(origin)
    return page


def choose(page: Page, name: str, verb: str) -> None:
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name=verb, exact=True).click()


def row(page: Page, name: str) -> Locator:
    return page.locator(f"[data-id='{name}']")


def test_stop_asks_where_files_would_be_lost_and_not_where_they_are_kept(page: Page, played: Played):
    choose(page, "docs-preview-2ab31", "Stop")
    asked = page.get_by_role("dialog", name="Stop docs-preview-2ab31?")
    expect(asked).to_contain_text("every file made there since the start will be gone")
    expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    assert played.asked("POST", "/api/servers/docs-preview-2ab31/stop") == []
    choose(page, "analysis-3f9a1", "Stop")
    expect(row(page, "analysis-3f9a1")).to_contain_text("Stopped")
    choose(page, "docs-preview-2ab31", "Stop")
    page.get_by_role("button", name="Stop and lose files").click()
    expect(row(page, "docs-preview-2ab31")).to_contain_text("Stopped")


def test_the_focus_is_never_lost(page: Page):
    """Stop, a dialog that is left, and a change of page each leave it where one goes on from."""
    focus = page.locator(":focus")
    choose(page, "analysis-3f9a1", "Stop")
    expect(row(page, "analysis-3f9a1")).to_contain_text("Stopped")
    expect(focus).to_have_attribute("aria-label", "More for analysis-3f9a1")
    choose(page, "thesis-b22c4", "Delete")
    page.keyboard.press("Escape")
    expect(focus).to_have_attribute("aria-label", "More for thesis-b22c4")
    page.get_by_role("link", name="thesis-b22c4", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_the_button_that_finds_tells_its_keys(page: Page):
    expect(page.get_by_role("button", name="Find or do")).to_have_attribute("aria-keyshortcuts", "Control+K")


def test_the_skip_link_leads_to_the_content(page: Page):
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_back_and_reload_keep_search_order_and_place(page: Page, played: Played, origin: str):
    many = crowd(300).servers
    played.servers = {**many, "needle-00000": workspace("needle-00000", minutes=99_999)}
    page.goto(f"{origin}/?sort=name")
    page.get_by_role("combobox", name="Search").fill("owner:person1@")
    expect(page).to_have_url(re.compile(r"q=owner%3Aperson1%40"))
    page.reload()
    expect(page.get_by_role("combobox", name="Search")).to_have_value("owner:person1@")
    expect(page.locator("tr.server")).to_have_count(15)
    page.goto(f"{origin}/?sort=name")
    expect(row(page, "workspace-0000")).to_be_visible()
    page.mouse.wheel(0, 9600)
    expect(row(page, "workspace-0200")).to_be_visible()
    place = page.evaluate("scrollY")
    row(page, "workspace-0200").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/w/workspace-0200"))
    page.go_back()
    expect(row(page, "workspace-0200")).to_be_visible()
    assert abs(page.evaluate("scrollY") - place) < 5


def test_a_thousand_rows_are_drawn_as_a_screenful(page: Page, played: Played, origin: str):
    played.servers = crowd(1000).servers
    page.goto(f"{origin}/?sort=name")
    expect(page.get_by_role("navigation", name="Views")).to_contain_text("All 1000")
    assert page.locator("tr.server").count() < 60
    assert {round(box["height"]) for box in boxes(page, "tr.server")} <= {48, 49}
    page.keyboard.press("End")
    expect(row(page, "workspace-0999")).to_be_in_viewport()


def test_rows_that_come_by_scrolling_leave_the_others_as_they_are(
    browser: Browser, page: Page, played: Played, origin: str
):
    """Rules that look at a row's place among its sisters had the browser style all of them for each that came."""
    played.servers = crowd(1000).servers
    page.goto(origin)
    expect(page.get_by_role("navigation", name="Views")).to_contain_text("All 1000")
    all_rows = page.locator("tr.server, tr.server *").count()
    page.evaluate("scrollTo(0, 4800)")
    page.wait_for_timeout(200)
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline", "devtools.timeline"])
    for place in range(5000, 8000, 200):
        page.evaluate("(place) => new Promise((done) => { scrollTo(0, place); requestAnimationFrame(done); })", place)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    styled = [event["args"].get("elementCount", 0) for event in events if event["name"] == "UpdateLayoutTree"]
    assert max(styled) > 20, "rows have come"
    assert statistics.median([count for count in styled if count > 20]) < all_rows / 3


def test_rows_that_come_one_after_the_other_are_all_drawn(page: Page, played: Played, origin: str):
    played.servers = {}
    page.goto(origin)
    expect(page.get_by_role("heading", name="Nothing runs here yet")).to_be_visible()
    for number in range(12):
        played.put(workspace(f"late-{number}"))
    expect(page.locator("tr.server")).to_have_count(12)


def boxes(page: Page, selector: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = page.evaluate(
        "selector => [...document.querySelectorAll(selector)].map(one => one.getBoundingClientRect().toJSON())",
        selector,
    )
    return found


def test_several_are_stopped_with_the_result_of_each(page: Page, played: Played):
    played.answers["POST /api/servers/thesis-b22c4/stop"] = (409, {"code": "conflict", "message": "It is in use."})
    for name in ("analysis-3f9a1", "thesis-b22c4"):
        page.get_by_role("checkbox", name=f"Select {name}").check()
    page.get_by_role("button", name="Stop 2").click()
    results = page.get_by_role("dialog", name="Results")
    expect(results).to_contain_text("1 of 2 are being stopped.")
    expect(results).to_contain_text("thesis-b22c4 It is in use.")
    del played.answers["POST /api/servers/thesis-b22c4/stop"]
    results.get_by_role("button", name="Try 1 again").click()
    expect(row(page, "thesis-b22c4")).to_contain_text("Stopped")


def test_delete_all_lists_what_goes_and_asks_for_the_name_of_the_install(page: Page, played: Played):
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("menuitem", name="Delete all…").click()
    dialog = page.get_by_role("dialog", name="Delete all workspaces?")
    expect(dialog.get_by_role("listitem")).to_have_count(len(played.servers))
    button = dialog.get_by_role("button", name=re.compile("^Delete"))
    expect(button).to_have_attribute("aria-disabled", "true")
    dialog.get_by_role("textbox").fill("team")
    button.click()
    expect(dialog).to_be_hidden()
    assert [target for verb, target, _ in played.requests if "stop-all" in target and verb == "POST"] == [
        "/api/stop-all?dryRun=true",
        "/api/stop-all",
    ]


@pytest.mark.parametrize("name", ["analysis-3f9a1", "docs-preview-2ab31", "trainer-91b3c"])
def test_a_menu_is_whole_in_a_low_window(page: Page, name: str):
    """A screen of 1280 × 800 at 200 % of its zoom."""
    page.set_viewport_size({"width": 640, "height": 400})
    page.get_by_role("button", name=f"More for {name}").click()
    expect(page.get_by_role("menu").get_by_role("menuitem", name="Delete")).to_be_in_viewport(ratio=1)
    box = page.get_by_role("menu").bounding_box()
    assert box is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 400


@pytest.mark.parametrize("width", [360, 640, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, origin: str, width: int):
    """640 is a window of 1280 at a zoom of 200 %."""
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", "/?as=cards", "/new", "/me", "/health", "/nowhere"):
        page.goto(origin + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
