"""The page of a workspace says what is wrong and what to do next, for the faults that people meet most.

On the real cluster, in a real Chromium at the front door. The time runs from before the Workspace is made, so it holds
what the cluster takes to find the fault as well: the page has less of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotSeen

from proofs import Figure
from proofs.faulty.table import FAULTS, Fault
from proofs.interface.session import complaints, signed_in
from support.chromium import launched
from support.local import NAMESPACE, Local, bring_up, guildnet_local, workspace

BOUND_SECONDS: Final = 15.0
EXTRA_SECONDS: Final = 30.0
"""For so long after the bound it is looked all the same, to tell late from never."""
NAME: Final = "proof-ui-reason"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page has to show of a fault: its sentence, its button, where that leads, and words of the cluster."""

    fault: str
    title: str
    button: str
    leads: str
    words: str


SHOWN: Final = (
    Shown("registry that does not exist", "cannot be pulled.", "Change the image", "field=image", "registry.invalid"),
    Shown("more CPU than any node has", "so much CPU free.", "Ask for less", "field=cpu", "Insufficient cpu"),
    Shown("ends with exit code 3", "Its program keeps ending.", "Log of that run", "run=previous", "exit code 3"),
    Shown("more memory than its limit", "It ran out of memory", "Give it 48 MiB", "field=memory", "out of memory"),
    Shown("quota on pods", "A quota of the cluster is used up.", "Show what runs", "/", "exceeded quota: tight"),
    Shown("storage class that is not there", "volume is not there", "Check its files", "field=storage", "absent-class"),
)  # fmt: skip
"""The six: a wrong image, no node, a crash, memory, a quota, a volume."""


def fault_of(shown: Shown) -> Fault:
    return next(fault for fault in FAULTS if fault.what == shown.fault)


def seen(page: Page, shown: Shown) -> str:
    """What the alert says, once it is there with its button. Raises NotSeen."""
    alert = page.get_by_role("alert").filter(has_text=shown.title).filter(has_text=shown.words)
    alert.wait_for(timeout=(BOUND_SECONDS + EXTRA_SECONDS) * 1000)
    link = alert.get_by_role("link", name=shown.button)
    leads = link.get_attribute("href", timeout=1000) or ""
    assert leads.endswith(shown.leads) or shown.leads in leads, f"{shown.button} leads to {leads}"
    return " ".join(alert.inner_text().split())


def complaint(page: Page, local: Local, shown: Shown, number: int) -> tuple[float, str, str]:
    """Seconds until the page named it, what it said, and what is wrong with that."""
    fault, name = fault_of(shown), f"{NAME}-{number}"
    local.delete_workspace(name)
    beside = fault.beside(name) if fault.beside else None
    if beside:
        local.apply(beside)
    try:
        began = time.monotonic()
        local.create(workspace(name, fault.image, **fault.spec))
        page.goto(f"{local.origin}/w/{name}/timeline")
        said = seen(page, shown)
        seconds = time.monotonic() - began
        alerts = page.locator(".alert").count()
        wrong = "" if alerts == 1 else f"{alerts} alerts on one page"
    except NotSeen:
        main = " ".join(page.locator("main").inner_text().split())
        return BOUND_SECONDS + EXTRA_SECONDS, main, "not named"
    except AssertionError as error:
        return time.monotonic() - began, "", str(error)
    finally:
        local.kubectl("-n", NAMESPACE, "delete", "workspace", name, "--ignore-not-found", "--wait=false")
        if beside:
            local.kubectl("-n", NAMESPACE, "delete", beside["kind"], beside["metadata"]["name"])
    return seconds, said, wrong or ("" if seconds <= BOUND_SECONDS else f"late: {seconds:.1f} s")


def played(local: Local, browser: Browser, broken: list[str]) -> Iterator[tuple[str, float, str]]:
    """Fault by fault; what the browser complained of is put to `broken`."""
    with signed_in(browser, local) as (page, heard):
        for number, shown in enumerate(SHOWN):
            seconds, said, wrong = complaint(page, local, shown, number)
            print(
                f"  {shown.fault:<34}{seconds:5.1f} s  {json.dumps(said[:160])}{'  NOT SO: ' + wrong if wrong else ''}",
                flush=True,
            )
            yield shown.fault, seconds, wrong
        broken += complaints(heard)


def prove() -> Figure:
    bring_up()
    local = Local()
    guildnet_local("image", "busybox", timeout=300)
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = launched(playwright)
        found = list(played(local, browser, broken))
        browser.close()
    good = sum(not wrong for _, _, wrong in found)
    slowest = max(seconds for _, seconds, _ in found)
    text = (
        f"{good} of {len(found)} faults named on the page within {BOUND_SECONDS:g} s of the Workspace's making, with "
        f"the cluster's words and the button of the next step; slowest {slowest:.1f} s; "
        f"{len(broken)} complaints of the browser"
    )
    return Figure(text, good == len(found) and not broken)
