"""The list, the page of a server, its IDE in a frame, its logs, and what ends them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, expect

from proofs.interface.original.launching import LAB
from proofs.interface.original.visit import PREFIX, SHELL, Feature, Visit
from support.waiting import until

DOCK: Final = "#jp-main-dock-panel"
WORDS: Final = "first-generation"


def one_origin(visit: Visit) -> None:
    """Pages, the API and the streams are of one address."""
    visit.asked.clear()
    visit.goto("/")
    expect(visit.row(visit.lab)).to_be_visible()
    visit.page.wait_for_timeout(500)
    foreign = [address for address in visit.asked if not address.startswith(f"{visit.local.origin}/")]
    assert len(visit.asked) > 3
    assert not foreign, foreign


def name_of_the_install(visit: Visit) -> None:
    visit.goto("/me")
    name = visit.ask("/api/ui-config")["name"]
    brand = visit.page.locator("a.brand")
    expect(brand).to_have_text("GuildNet" if name == "guildnet" else name)
    brand.click()
    expect(visit.page).to_have_url(f"{visit.local.origin}/")


def listed(visit: Visit) -> None:
    """Each with its image and state."""
    visit.goto("/")
    for name, image in ((visit.lab, "jupyterlab"), (visit.tool, "busybox")):
        expect(visit.row(name)).to_contain_text(image)
        expect(visit.row(name)).to_contain_text("Running")


def narrowed(visit: Visit) -> None:
    visit.goto("/")
    visit.page.get_by_role("combobox", name="Search workspaces").fill(f"{PREFIX}-lab status:running")
    expect(visit.row(visit.lab)).to_be_visible()
    expect(visit.page.locator("[data-id]")).to_have_count(1)


def stop_all(visit: Visit) -> None:
    """As far as the last press: other people's workspaces are on this cluster."""
    visit.goto("/")
    visit.page.get_by_role("button", name="More for this list").click()
    visit.page.get_by_role("menuitem", name="Delete all…").click()
    asked = visit.page.get_by_role("dialog")
    expect(asked.get_by_text(visit.lab, exact=True)).to_be_visible()
    sure = asked.get_by_role("button", name=re.compile("^Delete [0-9]+$"))
    expect(sure).to_have_attribute("aria-disabled", "true")
    asked.get_by_label(re.compile("^Type ")).fill(visit.ask("/api/ui-config")["name"])
    expect(sure).not_to_have_attribute("aria-disabled", "true")
    asked.get_by_role("button", name="Cancel").click()
    expect(visit.row(visit.lab)).to_be_visible()


def old_address(visit: Visit) -> None:
    visit.goto(f"/servers/{visit.tool}")
    expect(visit.page).to_have_url(re.compile(f"/w/{visit.tool}"))
    expect(visit.page.get_by_role("heading", level=1, name=visit.tool)).to_be_visible()


def detail(visit: Visit) -> None:
    visit.goto("/")
    visit.page.get_by_role("link", name=visit.tool, exact=True).click()
    facts = visit.page.get_by_role("region", name="Facts")
    for text in (SHELL, "8080 http, 9000 extra", "0.1 CPU", "64 MiB", "1 set", "team=proof"):
        expect(facts).to_contain_text(text)


def events(visit: Visit) -> None:
    visit.goto(f"/w/{visit.tool}/timeline")
    happened = visit.page.get_by_role("region", name="What happened")
    for reason in ("Scheduled", "Started"):
        expect(happened.get_by_text(reason, exact=True).first).to_be_visible()


def framed(visit: Visit) -> Locator:
    return visit.page.frame_locator("iframe.frame").locator(DOCK)


def ide(visit: Visit) -> None:
    visit.goto("/")
    visit.page.get_by_role("link", name=visit.lab, exact=True).click()
    visit.page.get_by_role("navigation", name="Parts of this workspace").get_by_role("link", name="Open").click()
    expect(framed(visit)).to_be_visible()


def ide_again(visit: Visit) -> None:
    """Loaded again, and over the whole screen."""
    visit.goto(f"/w/{visit.lab}/open")
    expect(framed(visit)).to_be_visible()
    visit.page.get_by_role("button", name="Load it again").click()
    expect(framed(visit)).to_be_visible()
    visit.page.get_by_role("button", name="Full screen").click()
    whole = "document.fullscreenElement?.querySelector('iframe') != null"
    until(lambda: visit.page.evaluate(whole), "the frame has the whole screen")
    visit.page.evaluate("document.exitFullscreen()")


def own_tab(visit: Visit) -> None:
    """By the address that the API calls `url`, or below the front door."""
    visit.goto("/")
    with visit.page.context.expect_page() as opened:
        visit.page.get_by_role("link", name=f"Open {visit.lab}").click()
    expect(opened.value.locator(DOCK)).to_be_visible()
    opened.value.close()


def other_port(visit: Visit) -> None:
    """In the frame by the port picker; in a tab by the address below the front door."""
    visit.goto(f"/w/{visit.tool}/open")
    visit.page.get_by_role("navigation", name="Ports").get_by_role("link", name="extra 9000").click()
    expect(visit.page.frame_locator("iframe.frame").get_by_text(WORDS)).to_be_visible()
    tab = visit.page.context.new_page()
    tab.goto(f"{visit.local.origin}/proxy/server/{visit.tool}/")
    expect(tab.get_by_text(WORDS)).to_be_visible()
    tab.close()


def rows(visit: Visit) -> Locator:
    return visit.page.locator(".log-drawn .log-row")


def live_log(visit: Visit) -> None:
    """What was written before comes first, and then what is written."""
    visit.goto(f"/w/{visit.tool}/timeline")
    visit.page.get_by_role("navigation", name="Parts of this workspace").get_by_role("link", name="Logs").click()
    expect(visit.page.locator(".log-state")).to_have_text("Live")
    last = rows(visit).filter(has_text=re.compile("line [0-9]+")).last.inner_text()
    number = int(re.findall("line ([0-9]+)", last)[-1])
    expect(rows(visit).filter(has_text=f"line {number + 3}").first).to_be_visible()


def log_level(visit: Visit) -> None:
    visit.goto(f"/w/{visit.tool}/logs?events=0")
    visit.page.get_by_label("Level").select_option("error")
    expect(rows(visit).filter(has_text="ERROR number").first).to_be_visible()
    expect(rows(visit).filter(has_text=re.compile("line [0-9]+"))).to_have_count(0)


def whole_log(visit: Visit) -> None:
    visit.goto(f"/w/{visit.tool}/logs")
    with visit.page.expect_download() as loaded:
        visit.page.get_by_role("link", name="Download everything that matches").click()
    text = Path(loaded.value.path()).read_text()
    assert re.search(r"line 1\b", text), text[:200]
    assert re.search(r"ERROR number 2\b", text), text[:200]


def deleted(visit: Visit) -> None:
    visit.goto(f"/w/{visit.tool}/timeline")
    visit.page.get_by_role("button", name=f"More about {visit.tool}").click()
    visit.page.get_by_role("menuitem", name="Delete …").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(visit.page.get_by_role("heading", name=f"There is no workspace {visit.tool}")).to_be_visible()
    assert visit.tool not in visit.made()


def other_device(visit: Visit) -> None:
    """The same pages from a device of the tailnet, which is login enough."""
    tailnet = visit.local.tailnet
    # The test tailnet's certificates are of an authority that no browser has.
    context = visit.browser.new_context(proxy={"server": f"socks5://{tailnet.socks5}"}, ignore_https_errors=True)
    page = context.new_page()
    page.goto(tailnet.url)
    expect(page.locator(f"[data-id='{visit.lab}']")).to_contain_text(re.compile(LAB, re.IGNORECASE), timeout=60_000)
    context.close()


FEATURES: Final = (
    Feature("one origin for pages, API and streams", "every request of the list", one_origin),
    Feature("the name of the install", "the head of every page, which leads to the list", name_of_the_install),
    Feature("a list of servers with image and state", "/", listed),
    Feature("a list that is narrowed", "the search field", narrowed),
    Feature("stop-all", "the list's menu, Delete all…", stop_all),
    Feature("the address of a server", "/servers/NAME leads to /w/NAME", old_address),
    Feature("image, ports, environment and size of a server", "its timeline, the facts", detail),
    Feature("events of a server", "its timeline, what happened", events),
    Feature("the IDE in a frame", "its tab Open", ide),
    Feature("the frame loaded again, and full screen", "its tab Open, two buttons", ide_again),
    Feature("its page in a tab of its own", "Open, in the list", own_tab),
    Feature("another port, and the path below the front door", "its tab Open, the ports", other_port),
    Feature("a log that begins with the newest lines and goes on", "its tab Logs", live_log),
    Feature("a log of one level", "its tab Logs, Level", log_level),
    Feature("as much of the log as one wants", "its tab Logs, download", whole_log),
    Feature("from another device, without a login", "the tailnet's address", other_device),
    Feature("a server that is deleted", "its menu, Delete …", deleted),
)
