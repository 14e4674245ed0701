"""What the pages say of the connection and the session, and how they go on: a page that lies is worse than none."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.played_ui import Played
from support.waiting import until

# Whether the scripts of all pages are there.
SCRIPTS = """() => {
  const there = performance.getEntriesByType("resource").filter(({ responseEnd }) => responseEnd > 0);
  return ["new", "health", "me", "workspace"].every((page) => there.some(({ name }) => name.includes(`/${page}-`)));
}"""


@pytest.fixture
def page(page: Page, origin: str) -> Page:
    """The list."""
    page.goto(origin)
    return page


def connection(page: Page) -> Locator:
    return page.get_by_role("group", name="Connection")


def test_a_connection_that_was_cut_without_a_word_is_told_and_made_again(page: Page, played: Played):
    """As when a computer sleeps, or changes its network. It takes 30 s, the time of two pings."""
    expect(connection(page)).to_have_text(re.compile("Live"))
    played.silent.set()
    played.servers["analysis-3f9a1"] = {**played.servers["analysis-3f9a1"], "status": "stopped"}
    expect(connection(page)).to_have_text(re.compile(r"Last heard \d+ s ago"), timeout=45_000)
    played.silent.clear()
    expect(page.locator("[data-id='analysis-3f9a1']")).to_contain_text("Stopped", timeout=20_000)
    expect(connection(page)).to_have_text(re.compile("Live"))


def test_a_log_whose_connection_was_cut_without_a_word_says_so_and_goes_on(page: Page, played: Played, origin: str):
    name = "analysis-3f9a1"
    page.goto(f"{origin}/w/{name}/logs")
    state = page.locator(".log-state")
    expect(state).to_have_text("Live")
    played.write(name, {"t": "2026-11-24T12:00:00.000000001Z", "lvl": "info", "msg": "before the cut"})
    expect(page.get_by_text("before the cut")).to_be_visible()
    played.silent.set()
    played.write(name, {"t": "2026-11-24T12:00:00.000000002Z", "lvl": "info", "msg": "during the cut"})
    expect(state).to_have_text("Nothing heard for 30 s; connecting again", timeout=45_000)
    played.silent.clear()
    expect(page.get_by_text("during the cut")).to_be_visible(timeout=20_000)
    expect(state).to_have_text("Live")


def test_pings_keep_a_silent_stream_live(page: Page, played: Played):
    played.ping_seconds = 0.2
    page.clock.install()
    page.reload()
    expect(connection(page)).to_have_text(re.compile("Live"))
    for _ in range(4):
        page.clock.run_for(10_000)
        page.wait_for_timeout(300)
    assert "Live" in connection(page).inner_text()


@pytest.mark.parametrize("path", ["/", "/new?image=nginx", "/w/analysis-3f9a1/timeline"])
def test_a_session_that_has_ended_is_told_once_and_begins_again_here(
    page: Page, played: Played, origin: str, path: str
):
    page.goto(origin + path)
    expect(connection(page)).to_have_text(re.compile("Live"))
    played.signed_in = False
    played.drop_streams()
    bar = page.get_by_text("You are signed out.", exact=True)
    expect(bar).to_have_count(1, timeout=20_000)
    link = page.get_by_role("link", name="Sign in")
    expect(link).to_have_attribute("href", f"/login?next={quote(path, safe='')}")
    link.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    played.signed_in = True
    page.goto(origin + path)
    expect(connection(page)).to_have_text(re.compile("Live"))
    expect(bar).to_have_count(0)


def test_one_failed_question_takes_nothing_away(page: Page, played: Played, origin: str):
    me = played.answers["GET /api/me"]
    played.answers["GET /api/me"] = (502, {})
    page.goto(origin)
    expect(page.get_by_role("button", name="Who am I?")).to_be_visible()
    expect(page.get_by_role("link", name="New", exact=True)).to_have_attribute("href", "/new")
    expect(page.get_by_role("button", name="More for analysis-3f9a1")).to_be_visible()
    played.answers["GET /api/me"] = me
    expect(page.get_by_role("button", name=re.compile("Ada Lovelace"))).to_be_visible()


def test_any_number_of_windows_is_live(context: BrowserContext, played: Played, origin: str):
    """A browser has six HTTP/1.1 connections to an origin, for all windows together."""
    pages = []
    for _ in range(8):
        page = context.new_page()
        page.goto(origin)
        expect(connection(page)).to_have_text(re.compile("Live"))
        pages.append(page)
    assert played.streams == 1
    played.gone("web-77aa0")
    for page in pages:
        expect(page.locator("[data-id='web-77aa0']")).to_have_count(0)
    pages.pop(0).close()
    played.put({**played.servers["analysis-3f9a1"], "status": "failed"})
    for page in pages:
        expect(page.locator("[data-id='analysis-3f9a1']")).to_contain_text("Failed")


def test_a_page_that_cannot_load_the_list_says_why_and_goes_on_by_itself(page: Page, played: Played, origin: str):
    played.answers["GET /api/servers"] = (503, {"code": "unavailable", "message": "The cluster does not answer."})
    played.answers["GET /sse/servers"] = (503, {})
    page.goto(f"{origin}/?q=analysis")
    expect(page.get_by_role("alert")).to_contain_text("The cluster does not answer.")
    del played.answers["GET /api/servers"], played.answers["GET /sse/servers"]
    expect(page.locator("[data-id='analysis-3f9a1']")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize(
    ("keys", "heading"),
    [
        (["n"], "New workspace"),
        (["g", "h"], "Health and usage"),
        (["g", "m"], "You"),
        (["j", "Enter"], "gpu-notebooks"),
    ],
    ids=["new", "health", "me", "workspace"],
)
def test_every_page_can_be_gone_to_while_the_network_is_away(
    page: Page, context: BrowserContext, keys: list[str], heading: str
):
    """Its script is there before it is asked for; only what the API would say is missing."""
    expect(connection(page)).to_have_text(re.compile("Live"))
    until(lambda: page.evaluate(SCRIPTS), "the scripts of all pages are there")
    context.set_offline(True)
    for key in keys:
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    context.set_offline(False)


def test_settings_that_could_not_be_read_come_by_themselves(page: Page, played: Played, origin: str):
    path = "/api/servers/analysis-3f9a1"
    played.answers[f"GET {path}"] = (503, {"code": "unavailable", "message": "The cluster does not answer."})
    page.goto(f"{origin}/w/analysis-3f9a1/settings")
    expect(page.get_by_role("alert")).to_contain_text("The settings cannot be read.")
    expect(page.get_by_role("alert")).to_contain_text("The cluster does not answer.")
    del played.answers[f"GET {path}"]
    expect(page.get_by_label("Notes")).to_be_visible(timeout=15_000)


def test_a_page_whose_files_did_not_come_comes_by_itself(page: Page, context: BrowserContext, origin: str):
    """With its styles: a browser does not ask again for a stylesheet that failed."""
    for path in ("**/assets/health-*", "**/api/ui-config"):
        context.route(path, lambda route: route.abort())
    page.goto(origin)
    expect(connection(page)).to_have_text(re.compile("Live"))
    for key in ("g", "h"):
        page.keyboard.press(key)
    page.wait_for_timeout(3000)
    context.unroute_all()
    expect(page.get_by_role("heading", name="Health and usage")).to_be_visible(timeout=15_000)
    expect(page.locator(".health")).to_have_css("display", "grid")
