"""Every page and dialog of the web interface, and how one comes to it: for pictures, and for what looks at all of them.

They are pages of a played install in which there is something to see of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Page, expect

from support.played_install import ADA, ago, working_day, workspace
from support.played_ui import Json, Played
from support.played_workspaces import in_state, starting_events

LAB, FAILED, STARTING, STOPPED, ATTACHED = (
    "analysis-3f9a1", "web-77aa0", "gpu-notebooks-0d1e2", "old-experiment-cc0de", "docs-preview-2ab31",
)  # fmt: skip
ANONYMOUS: Final = {"login": "", "displayName": "", "kind": "anonymous", "roles": [], "actions": []}
_LINES: Final = (
    ("info", "[I 2026-11-28 22:14:03.120 ServerApp] jupyterlab | extension was successfully loaded."),
    ("debug", "[D] Paths used for configuration of jupyter_server_config: /etc/jupyter"),
    ("info", "\x1b[32m200 GET\x1b[0m /api/kernels (127.0.0.1) 1.20ms"),
    ("error", "Traceback (most recent call last): ModuleNotFoundError: No module named 'pandas'"),
)


def furnished() -> Played:
    """A working day on which each kind of workspace has conditions, events and a log."""
    day = working_day()
    day.servers[LAB] |= {
        key: value
        for key, value in in_state(LAB, "running", 130, events=starting_events(LAB, 130)).items()
        if key in ("conditions", "events")
    } | {"env": {"NAME": "value", "TOKEN": "********"}, "notes": "For the autumn report", "labels": {"team": "data"}}
    day.servers[FAILED] = in_state(FAILED, "image cannot be pulled", 14, files="lost on stop")
    day.servers[STARTING] = in_state(STARTING, "being prepared", 0.4, events=starting_events(STARTING, 0.4)[:3])
    day.log[LAB] = [
        {"t": ago(120 - number / 10), "lvl": level, "msg": f"{text} {number}", "container": "main", "pod": "p"}
        for number in range(60)
        for level, text in [_LINES[number % len(_LINES)]]
    ]
    return day


Prepare = Callable[[Page, Played], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A page as it is looked at."""

    path: str
    prepare: Prepare = lambda _page, _played: None
    """What is done there first."""
    before: Callable[[Played], None] = lambda _played: None
    """What the install is like before the page is asked for."""
    live: bool = True
    """Whether the page has its stream of workspaces when it is there."""


def goto(page: Page, played: Played, origin: str, place: Place) -> None:
    """The page as the place says, on an install that is as it was at first."""
    fresh = furnished()
    played.signed_in = True
    played.servers, played.answers, played.log = fresh.servers, fresh.answers, fresh.log
    place.before(played)
    page.goto(origin + place.path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if place.live:
        expect(page.get_by_role("group", name="Connection")).to_contain_text("Live")
    place.prepare(page, played)
    page.wait_for_timeout(200)


def _press(*keys: str) -> Prepare:
    def prepare(page: Page, _: Played) -> None:
        for key in keys:
            page.keyboard.press(key)

    return prepare


def _palette(page: Page, _: Played) -> None:
    page.keyboard.press("Control+K")
    page.keyboard.type("anal")


def _menu(page: Page, _: Played) -> None:
    page.get_by_role("button", name=f"More for {LAB}").click()


def _account(page: Page, _: Played) -> None:
    page.get_by_role("button", name="account and settings").click()


def _stop(page: Page, _: Played) -> None:
    page.get_by_role("button", name=f"More for {ATTACHED}").click()
    page.get_by_role("menuitem", name="Stop").click()


def _bulk(page: Page, _: Played) -> None:
    page.get_by_role("checkbox", name=f"Select {LAB}").check()


def _results(page: Page, played: Played) -> None:
    played.answers[f"POST /api/servers/{STOPPED}/start"] = (
        409,
        {"code": "conflict", "message": "It is being deleted."},
    )
    for name in (STOPPED, "teaching-week-3-aa110"):
        page.get_by_role("checkbox", name=f"Select {name}").check()
    page.get_by_role("region", name="Selected workspaces").get_by_role("button", name="Start").click()
    expect(page.get_by_role("dialog", name="Results")).to_contain_text("It is being deleted.")


def _deleted(page: Page, played: Played) -> None:
    _menu(page, played)
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()


def _delete_all(page: Page, _: Played) -> None:
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("menuitem", name="Delete all…").click()
    expect(page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()


def _save_view(page: Page, _: Played) -> None:
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("menuitem", name="Save this view…").click()


def _searching(page: Page, _: Played) -> None:
    page.get_by_role("combobox", name="Search").fill("status:")


def _wrong(page: Page, _: Played) -> None:
    page.get_by_label("Image", exact=True).fill("a b")
    page.get_by_text("Environment, ports").click()
    for what in ("Variable", "Port", "Label"):
        page.get_by_role("button", name=what, exact=True).click()
    page.get_by_role("button", name="Launch", exact=True).click()


def _signed_out(page: Page, played: Played) -> None:
    played.signed_in = False
    played.drop_streams()
    expect(page.get_by_text("You are signed out.", exact=True)).to_be_visible(timeout=20_000)


def _lines(page: Page, _: Played) -> None:
    expect(page.locator(".log-drawn .log-row").first).to_be_visible()


def _log_menu(page: Page, played: Played) -> None:
    _lines(page, played)
    page.get_by_role("button", name="View: how lines are shown").click()


def _more_about(page: Page, _: Played) -> None:
    page.get_by_role("button", name=f"More about {LAB}").click()


def _conflict(page: Page, played: Played) -> None:
    page.get_by_label("Memory").fill("4Gi")
    theirs: Json = {"resources": {"cpu": "2", "memory": "8Gi"}}
    played.servers[LAB] = {**played.servers[LAB], **theirs}
    played.answers[f"PATCH /api/servers/{LAB}"] = (409, {"code": "stale", "message": "It has changed."})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Somebody else changed")).to_be_visible()


def _conditions(page: Page, _: Played) -> None:
    page.get_by_role("button", name="With conditions").click()


def _nothing_runs(played: Played) -> None:
    played.servers = {}


def _stranger(played: Played) -> None:
    played.answers["GET /api/me"] = (200, ANONYMOUS)


def _no_rights(played: Played) -> None:
    who = {"login": ADA, "displayName": "Ada Lovelace", "kind": "user", "roles": [], "actions": ["list"]}
    played.answers["GET /api/me"] = (200, who)


def _unwell(played: Played) -> None:
    checks = {name: {"ok": True} for name in ("kubernetes", "crds", "cache")}
    redis = {"ok": False, "message": "no answer: every replica follows logs for itself"}
    played.answers["GET /readyz"] = (200, {"status": "ok", "checks": {**checks, "redis": redis}})
    played.answers["GET /api/stats"] = (503, {"code": "unavailable", "message": "The cluster does not answer."})


def _no_list(played: Played) -> None:
    played.answers["GET /api/servers"] = (503, {"code": "unavailable", "message": "The cluster does not answer."})
    played.answers["GET /sse/servers"] = (503, {})


def _no_detail(played: Played) -> None:
    played.answers[f"GET /api/servers/{LAB}"] = (
        503,
        {"code": "unavailable", "message": "The cluster does not answer."},
    )


def _attached(played: Played) -> None:
    """Its address answers, so that there is something in the frame."""
    played.servers[LAB] = {**played.servers[LAB], "url": "about:blank"}


def _many_ports(played: Played) -> None:
    ports = [{"port": 8888, "name": "http"}, {"port": 9000, "name": "metrics"}]
    played.put(workspace(LAB, ports=ports, url="about:blank"))


PLACES: Final[dict[str, Place]] = {
    "list": Place("/"),
    "cards": Place("/?as=cards"),
    "empty": Place("/", before=_nothing_runs),
    "nothing-found": Place("/?q=nosuchthing"),
    "list-failed": Place("/", before=_no_list, live=False),
    "search": Place("/", _searching),
    "menu": Place("/", _menu),
    "account": Place("/", _account),
    "stop": Place("/", _stop),
    "bulk": Place("/", _bulk),
    "results": Place("/", _results),
    "message": Place("/", _deleted),
    "delete-all": Place("/", _delete_all),
    "save-view": Place("/", _save_view),
    "palette": Place("/", _palette),
    "keys": Place("/", _press("?")),
    "no-rights": Place("/", before=_no_rights),
    "signed-out": Place("/", _signed_out),
    "sign-in": Place("/", before=_stranger, live=False),
    "new": Place("/new"),
    "new-wrong": Place("/new?image=", _wrong),
    "open": Place(f"/w/{LAB}/open", before=_attached),
    "open-ports": Place(f"/w/{LAB}/open", before=_many_ports),
    "open-starting": Place(f"/w/{STARTING}/open"),
    "open-stopped": Place(f"/w/{STOPPED}/open"),
    "timeline": Place(f"/w/{LAB}/timeline", _conditions),
    "timeline-failed": Place(f"/w/{FAILED}/timeline"),
    "timeline-starting": Place(f"/w/{STARTING}/timeline"),
    "timeline-stopped": Place(f"/w/{STOPPED}/timeline"),
    "timeline-old": Place(f"/w/{LAB}/timeline", before=_no_detail),
    "more": Place(f"/w/{LAB}/timeline", _more_about),
    "logs": Place(f"/w/{LAB}/logs", _lines),
    "logs-menu": Place(f"/w/{LAB}/logs", _log_menu),
    "logs-empty": Place(f"/w/{STOPPED}/logs"),
    "settings": Place(f"/w/{LAB}/settings"),
    "settings-conflict": Place(f"/w/{LAB}/settings", _conflict),
    "yaml": Place(f"/w/{LAB}/yaml"),
    "unknown": Place("/w/nobody-00000/timeline"),
    "me": Place("/me"),
    "health": Place("/health"),
    "health-unwell": Place("/health", before=_unwell),
    "not-found": Place("/nowhere"),
}
"""By name: pages, their states, and what opens on them."""
