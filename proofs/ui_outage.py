"""A journey in the web interface goes on through an outage: it is said, it is over by itself, and nothing is lost.

On the real cluster, in a real Chromium, through a relay to the front door. A launch is half typed in one window, the
log of a workspace is followed in another; then the api, Redis or the network is away for a while.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotSeen

from proofs import Figure
from proofs.interface.outages import OUTAGES, Outage, Stage
from proofs.interface.relay import Relay
from proofs.interface.session import complaints, signed_in
from support.chromium import launched
from support.local import Local, bring_up, guildnet_local, workspace

SAID_SECONDS: Final = 45.0
"""A silence is told after 30 s, the time of two pings."""
BACK_SECONDS: Final = 30.0
SHELL: Final = "guildnet/busybox:0.1.0"
NAME: Final = "proof-ui-outage"
BASE: Final = "proof-outage-launch"
TYPED: Final = {
    "Image": SHELL,
    "Name": BASE,
    "Command": "sleep 3600",
    "Notes": "Half of this was typed before the outage",
}
WRITES: Final = "i=0; while true; do i=$((i+1)); echo n=$i; sleep 0.5; done"


@dataclass(slots=True)
class Journey:
    """A person with two windows."""

    stage: Stage
    form: Page
    log: Page
    wrong: list[str] = field(default_factory=list)

    def require(self, what: str, check: Callable[..., object], *given: object) -> None:
        """Something has to be so; the journey goes on where it is not."""
        began = time.monotonic()
        try:
            check(*given)
        except (AssertionError, NotSeen) as error:
            self.wrong.append(what)
            print(f"    NOT SO: {what}: {' '.join(str(error).split())[:400]}", flush=True)
        else:
            print(f"    {what}: {time.monotonic() - began:.1f} s", flush=True)


def chip(page: Page) -> Locator:
    return page.get_by_role("group", name="Connection")


def connected(page: Page, text: str, seconds: float) -> None:
    expect(chip(page)).to_contain_text(re.compile(text), timeout=seconds * 1000)


def says(page: Page, text: str, seconds: float) -> None:
    expect(page.locator("body")).to_contain_text(re.compile(text), timeout=seconds * 1000)


def field_of(form: Page, name: str) -> Locator:
    return form.get_by_label(name, exact=True)


def half_typed(form: Page, origin: str) -> None:
    form.goto(f"{origin}/new?image=")
    form.get_by_text("Environment, ports, command").click()
    for name, value in TYPED.items():
        field_of(form, name).fill(value)


def as_typed(form: Page) -> None:
    for name, value in TYPED.items():
        expect(field_of(form, name)).to_have_value(value)


def numbers(log: Page) -> list[int]:
    """The numbered lines that the page has, by its own way to copy them."""
    log.bring_to_front()
    log.get_by_role("button", name="View: how lines are shown").click()
    log.get_by_role("menuitem", name="Copy the lines shown").click()
    said = log.get_by_text("The lines that are shown are copied.")
    expect(said.last).to_be_visible()
    text: str = log.evaluate("navigator.clipboard.readText()")
    log.get_by_role("button", name="Dismiss").last.click()
    return [int(number) for number in re.findall(r"^n=(\d+)$", text, re.MULTILINE)]


def some(log: Page) -> list[int]:
    """The numbered lines as soon as there are any: a stream is live before its first line is there."""
    numbered = log.locator(".log-row").filter(has_text=re.compile("n=[0-9]"))
    expect(numbered.first).to_be_visible(timeout=BACK_SECONDS * 1000)
    return numbers(log)


def whole(log: Page, least: int) -> None:
    """Every line once and in order, up to one that came after the outage."""
    deadline = time.monotonic() + BACK_SECONDS
    while not (found := numbers(log)) or found[-1] < least:
        assert time.monotonic() < deadline, f"the log ends at {found[-1:]}, not after {least}"
        log.wait_for_timeout(500)
    assert found == list(range(found[0], found[-1] + 1)), f"of {found[0]} to {found[-1]} there are {len(found)} lines"


def launch_meanwhile(journey: Journey, text: str) -> None:
    """Told that it was not launched, and why; what was typed is there."""
    journey.form.bring_to_front()
    journey.form.get_by_role("button", name="Launch", exact=True).click()
    refusal = journey.form.get_by_role("alert").filter(has_text="It was not launched.")
    expect(refusal).to_contain_text(re.compile(text), timeout=SAID_SECONDS * 1000)
    as_typed(journey.form)


def during(journey: Journey, outage: Outage) -> None:
    if outage.chip != "Live":
        for what, page in (("form", journey.form), ("log", journey.log)):
            journey.require(f"the {what} says how its connection is", connected, page, outage.chip, SAID_SECONDS)
    journey.require("the page of the log says so", says, journey.log, outage.log, SAID_SECONDS)
    if outage.launch:
        journey.require("a launch meanwhile is told", launch_meanwhile, journey, outage.launch)
    if outage.health:
        with journey.stage.context.expect_page() as opened:
            journey.form.evaluate("open('/health', '_blank')")
        journey.require("the page of health says so", says, opened.value, outage.health, SAID_SECONDS)
        opened.value.close()


def afterwards(journey: Journey, before: int) -> None:
    for what, page in (("form", journey.form), ("log", journey.log)):
        journey.require(f"the {what} is live again by itself", connected, page, "Live", BACK_SECONDS)
    journey.require("nothing is called old", not_old, journey.log)
    journey.require("the log has every line once", whole, journey.log, before)
    journey.require("what was typed is there", as_typed, journey.form)
    journey.require("it is launched, once", launched_once, journey)


def not_old(log: Page) -> None:
    expect(log.get_by_text("What you see may be old.")).to_have_count(0, timeout=BACK_SECONDS * 1000)


def launched_once(journey: Journey) -> None:
    journey.form.bring_to_front()
    journey.form.get_by_role("button", name="Launch", exact=True).click()
    journey.form.wait_for_url(re.compile(f"/w/{BASE}-[0-9a-f]{{5}}/timeline"), timeout=BACK_SECONDS * 1000)
    made = ours(journey.stage.local)
    assert len(made) == 1, f"there are {made}"


def ours(local: Local) -> list[str]:
    """Workspaces that were launched from the form."""
    with local.api() as api:
        return [server["id"] for server in api.get("/api/servers").json() if server["id"].startswith(BASE)]


def forgotten(local: Local) -> None:
    for name in ours(local):
        local.delete_workspace(name)


def through(journey: Journey, outage: Outage) -> None:
    """The outage, from what was done before it to what is so after it."""
    origin = journey.stage.local.origin
    forgotten(journey.stage.local)
    half_typed(journey.form, origin)
    journey.log.goto(f"{origin}/w/{NAME}/logs")
    expect(journey.log.locator(".log-state")).to_have_text("Live")
    expect(chip(journey.form)).to_contain_text("Live")
    before = some(journey.log)[-1]
    began = time.monotonic()
    with outage.away(journey.stage):
        during(journey, outage)
        journey.form.wait_for_timeout(max(0.0, outage.seconds - (time.monotonic() - began)) * 1000)
    afterwards(journey, before + int(2 * outage.seconds))


@contextmanager
def writing(local: Local) -> Iterator[None]:
    local.delete_workspace(NAME)
    local.apply(workspace(NAME, SHELL, command=["sh", "-c", WRITES], probe={"type": "none"}))
    try:
        local.wait_ready(NAME)
        yield
    finally:
        local.delete_workspace(NAME)
        forgotten(local)


def played(browser: Browser, local: Local, relay: Relay, outages: list[Outage]) -> list[tuple[str, list[str]]]:
    """What was wrong with each."""
    results = []
    for outage in outages:
        print(f"  {outage.what}, {outage.seconds:g} s", flush=True)
        with signed_in(browser, local) as (form, heard):
            context = form.context
            context.grant_permissions(["clipboard-read", "clipboard-write"], origin=local.origin)
            journey = Journey(Stage(local, relay, context), form, context.new_page())
            journey.require("the journey", through, journey, outage)
            results.append((outage.what, [*journey.wrong, *complaints(heard, outage=True)]))
    return results


def prove(*, quick: bool = False) -> Figure:
    """The short form has the api's outage alone."""
    bring_up()
    local = Local()
    guildnet_local("image", "busybox", timeout=300)
    outages = [outage for outage in OUTAGES if outage.quick or not quick]
    where = urlsplit(local.origin)
    relay = Relay(where.port or 80)
    with relay.serving(), writing(local), sync_playwright() as playwright:
        rule = f"--host-resolver-rules=MAP {where.hostname}:{relay.target} 127.0.0.1:{relay.port}"
        browser = launched(playwright, flags=[rule])
        results = played(browser, local, relay, outages)
        browser.close()
    good = sum(not wrong for _, wrong in results)
    text = (
        f"{good} of {len(results)} outages said by the pages, over by themselves, with no line of the log and nothing "
        f"that was typed lost"
    )
    return Figure(text, good == len(results))
