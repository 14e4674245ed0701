"""Complaints of a browser are heard by kind, and those of other origins are not counted."""

from __future__ import annotations

from playwright.sync_api import Browser, Page

from support.heard import Heard
from support.played_ui import Played, serving
from support.waiting import until

ALL = """() => {
  console.error("an error");
  console.warn("no error");
  setTimeout(() => { throw new Error("broken"); });
  void fetch("/api/nothing");
  const style = document.createElement("script");
  style.src = "https://elsewhere.example/x.js";
  document.body.append(style);
}"""


def visited(browser: Browser, heard: Heard, address: str) -> Page:
    context = browser.new_context()
    heard.listen(context)
    page = context.new_page()
    page.goto(address)
    page.evaluate(ALL)
    page.wait_for_timeout(1000)
    return page


def test_each_kind_is_told_apart(browser: Browser, origin: str):
    heard = Heard(origin)
    page = visited(browser, heard, origin)
    until(lambda: heard.refused, "the policy's refusal is told")
    assert any("an error" in error for error in heard.errors)
    assert any("broken" in error for error in heard.errors)
    assert not any("no error" in error for error in heard.errors)
    assert any("/api/nothing" in request for request in heard.requests)
    assert heard.refused[0].startswith("script-src")
    page.context.close()


def test_another_origin_is_not_heard(browser: Browser, origin: str, played: Played):
    heard = Heard(origin)
    with serving(played) as other:
        visited(browser, heard, other).context.close()
    assert (heard.errors, heard.requests, heard.refused) == ([], [], [])
