"""The page of a workspace: what is wrong and what to do, where the focus is, settings that two people change."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support.played_install import ago, workspace
from support.played_ui import Json, Played
from support.played_workspaces import in_state, starting_events

NAME = "mine-12345"
NO_VOLUME = "its claim has had no volume for a minute"


@pytest.mark.parametrize(
    ("state", "title", "button", "leads"),
    [
        ("image cannot be pulled", "The image example.com/app:1 cannot", "Change the image", "settings?field=image"),
        ("unschedulable", "No node has so much memory free.", "Ask for less", "settings?field=memory"),
        ("crash loop", "Its program keeps ending.", "Log of that run", "logs?run=previous"),
        ("out of memory", "It ran out of memory: it may use 2 GiB.", "Give it 4 GiB", "?field=memory&value=4Gi"),
        ("pod over quota", "A quota of the cluster is used up.", "Show what runs", "/"),
        (NO_VOLUME, "Its volume is not there yet.", "Check its files", "settings?field=storage"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_alert_with_its_button(
    page: Page, origin: str, played: Played, state: str, title: str, button: str, leads: str
):
    server = in_state(NAME, state)
    played.servers[NAME] = server
    page.goto(f"{origin}/w/{NAME}/timeline")
    alert = page.get_by_role("alert").filter(has_text=title)
    expect(alert).to_have_count(1)
    decides = next(
        one
        for one in server["conditions"]
        if one["type"] in ("Degraded", "Ready") and one["reason"] == server["reason"]
    )
    expect(alert).to_contain_text(decides["message"])
    expect(page.locator(".alert")).to_have_count(1)
    link = alert.get_by_role("link", name=button)
    assert (link.get_attribute("href") or "").endswith(leads)


def test_a_wrong_image_is_followed_from_the_alert_to_the_change(page: Page, origin: str, played: Played):
    played.servers[NAME] = in_state(NAME, "image cannot be pulled", files="lost on stop")
    changed: Json = {**played.servers[NAME], "image": "example.com/app:2"}
    played.answers[f"PATCH /api/servers/{NAME}"] = (202, changed)
    page.goto(f"{origin}/w/{NAME}/timeline")
    failed = page.locator(".step-failed")
    expect(failed).to_contain_text("Image there")
    expect(page.locator(".step-done")).to_have_count(2)
    page.get_by_role("link", name="Change the image").click()
    image = page.get_by_label("Image")
    expect(image).to_be_focused()
    image.fill("example.com/app:2")
    expect(page.get_by_role("status").filter(has_text="It restarts, for a new image")).to_be_visible()
    page.get_by_role("button", name="Save, restart and lose files").click()
    expect(page.get_by_text(f"{NAME} is changed, and restarts.")).to_be_visible()
    assert played.asked("PATCH", f"/api/servers/{NAME}") == [{"image": "example.com/app:2"}]


def test_events_come_though_the_workspace_does_not_change(page: Page, origin: str, played: Played):
    played.servers[NAME] = in_state(NAME, "being prepared", 0.2, events=starting_events(NAME, 0.2)[:2])
    page.goto(f"{origin}/w/{NAME}/timeline")
    history = page.get_by_role("region", name="What happened")
    expect(history).to_contain_text("Scheduled")
    event = {
        "t": ago(0),
        "type": "Warning",
        "reason": "FailedMount",
        "message": "not yet",
        "object": "Pod/x",
        "count": 1,
    }
    played.servers[NAME]["events"].append(event)
    expect(history).to_contain_text("FailedMount", timeout=6000)


def test_a_start_shows_no_alert_and_then_that_it_answers(page: Page, origin: str, played: Played):
    silent = in_state(NAME, "starting, and its probe keeps failing", 0.05, events=starting_events(NAME, 0.05))
    played.servers[NAME] = silent
    page.goto(f"{origin}/w/{NAME}/timeline")
    expect(page.locator(".step-active")).to_contain_text("Answers")
    expect(page.locator(".alert")).to_have_count(0)
    played.put(in_state(NAME, "running", 0.1, events=starting_events(NAME, 0.1)))
    expect(page.locator(".step-done")).to_have_count(5)
    expect(page.get_by_role("heading", level=2, name=re.compile("It runs"))).to_be_visible()


def test_the_focus_stays_at_the_actions_when_the_pressed_one_goes(page: Page, origin: str, played: Played):
    played.servers[NAME] = workspace(NAME)
    page.goto(f"{origin}/w/{NAME}/timeline")
    stop = page.locator(".workspace-actions").get_by_role("button", name="Stop")
    stop.focus()
    page.keyboard.press("Enter")
    start = page.locator(".workspace-actions").get_by_role("button", name="Start")
    expect(start).to_be_focused()
    expect(start).not_to_have_attribute("aria-busy", "true")
    page.keyboard.press("Enter")
    expect(page.locator(".workspace-title")).to_contain_text("Starting")
    expect(page.locator(".workspace-actions").get_by_role("button", name="Restart")).to_be_focused()


def test_a_button_is_the_same_one_while_the_workspace_changes(page: Page, origin: str, played: Played):
    played.servers[NAME] = workspace(NAME)
    page.goto(f"{origin}/w/{NAME}/timeline")
    restart = page.locator(".workspace-actions").get_by_role("button", name="Restart")
    restart.focus()
    for minutes in (3, 2, 1):
        played.put(workspace(NAME, updated_at=ago(minutes), node=f"node-{minutes}"))
        expect(page.locator(".workspace-meta")).to_contain_text(f"node-{minutes}")
    expect(restart).to_be_focused()


def stale(played: Played, theirs: dict[str, Any]) -> None:
    """Somebody else is quicker."""
    played.servers[NAME] = {**played.servers[NAME], **theirs}
    played.answers[f"PATCH /api/servers/{NAME}"] = (409, {"code": "stale", "message": "It has changed."})


def test_a_conflict_is_decided_field_by_field(page: Page, origin: str, played: Played):
    played.servers[NAME] = workspace(NAME, resources={"cpu": "500m", "memory": "2Gi"}, notes="old")
    page.goto(f"{origin}/w/{NAME}/settings")
    page.get_by_label("Memory").fill("4Gi")
    page.get_by_label("Notes").fill("mine")
    stale(played, {"resources": {"cpu": "2", "memory": "8Gi"}})
    save = page.get_by_role("button", name="Save and restart")
    save.click()
    conflict = page.get_by_role("alert").filter(has_text="Somebody else changed the same settings")
    expect(conflict).to_contain_text("was 2Gi, is 8Gi now; you typed 4Gi")
    expect(conflict.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_label("CPU")).to_have_value("2")
    expect(page.get_by_label("Notes")).to_have_value("mine")
    expect(save).to_have_attribute("aria-disabled", "true")
    conflict.get_by_role("button", name="Take theirs: Memory").click()
    expect(page.get_by_label("Memory")).to_have_value("8Gi")
    played.answers[f"PATCH /api/servers/{NAME}"] = (202, played.servers[NAME])
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"{NAME} is changed.")).to_be_visible()
    assert played.asked("PATCH", f"/api/servers/{NAME}")[-1] == {"notes": "mine"}


def test_what_a_refused_button_says_can_be_read_under_the_pointer(page: Page, origin: str, played: Played):
    played.servers[NAME] = workspace(NAME)
    page.goto(f"{origin}/w/{NAME}/settings")
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_have_attribute("aria-disabled", "true")
    expect(save).to_have_accessible_description("Nothing is changed yet.")
    as_it_is = save.evaluate("(button) => getComputedStyle(button).backgroundColor")
    save.hover()
    expect(save).to_have_css("background-color", as_it_is)


def test_an_objection_of_the_api_is_at_its_field_and_what_was_typed_stays(page: Page, origin: str, played: Played):
    played.servers[NAME] = workspace(NAME)
    details = [{"field": "resources.memory", "reason": "like 500Mi or 2Gi"}]
    played.answers[f"PATCH /api/servers/{NAME}"] = (
        400,
        {"code": "invalid_spec", "message": "See it.", "details": details},
    )
    page.goto(f"{origin}/w/{NAME}/settings")
    memory = page.get_by_label("Memory")
    memory.fill("lots")
    page.get_by_role("button", name="Save and restart").click()
    expect(page.get_by_text("like 500Mi or 2Gi")).to_be_visible()
    expect(memory).to_have_value("lots")
    expect(memory).to_have_attribute("aria-invalid", "true")


def test_the_app_comes_into_its_frame_when_it_answers(page: Page, origin: str, played: Played):
    played.servers[NAME] = in_state(NAME, "being prepared", 0.2)
    page.goto(f"{origin}/w/{NAME}/open")
    expect(page.get_by_text("It opens here by itself")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    running = in_state(NAME, "running", 0.4, ports=[{"port": 8888, "name": "http"}, {"port": 9000, "name": "p-9000"}])
    played.put(running)
    frame = page.locator("iframe")
    expect(frame).to_have_attribute("src", running["url"])
    expect(frame).to_have_attribute("title", f"{NAME}, the app itself")
    assert page.get_by_role("link", name="Port 9000").get_attribute("href") == f"/proxy/server/{NAME}/~9000/"


def test_a_port_with_an_origin_of_its_own_is_shown_in_the_frame(page: Page, origin: str, played: Played):
    other = "http://p-9000-lab.guildnet.localhost:1/"
    ports = [{"port": 8888, "name": "http"}, {"port": 9000, "name": "docs", "url": other}]
    running = in_state(NAME, "running", 0.4, ports=ports)
    played.servers[NAME] = running
    page.goto(f"{origin}/w/{NAME}/open")
    frame = page.locator("iframe")
    expect(frame).to_have_attribute("src", running["url"])
    page.get_by_role("link", name="docs 9000").click()
    expect(frame).to_have_attribute("src", other)
    expect(page).to_have_url(f"{origin}/w/{NAME}/open?port=9000")
    expect(page.get_by_role("link", name="New tab")).to_have_attribute("href", other)
    expect(page.get_by_role("link", name="docs 9000")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(frame).to_have_attribute("src", running["url"])


def test_its_password_is_asked_for_when_somebody_wants_it(page: Page, origin: str, played: Played):
    played.servers[NAME] = workspace(NAME)
    path = f"/api/servers/{NAME}/login"
    played.answers[f"GET {path}"] = (404, {"code": "no_login", "message": "No password is known here."})
    page.goto(f"{origin}/w/{NAME}/open")
    show = page.get_by_role("button", name="Password", exact=True)
    show.wait_for()
    assert not played.asked("GET", path), "whoever only opens it has not seen its password"
    show.click()
    expect(page.get_by_text("It asks for no password")).to_be_visible()
    played.answers[f"GET {path}"] = (200, {"password": "korrekt-pferd"})
    show.click()
    expect(page.get_by_text("korrekt-pferd")).to_be_visible()
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_text("korrekt-pferd")).to_have_count(0)


def test_a_workspace_that_is_none_has_a_way_home(page: Page, origin: str):
    page.goto(f"{origin}/w/nobody-00000/logs")
    expect(page.get_by_role("heading", name="There is no workspace nobody-00000")).to_be_visible()
    page.get_by_role("link", name="All workspaces").click()
    expect(page).to_have_url(f"{origin}/")


def test_one_that_is_deleted_is_gone_by_the_streams_word(page: Page, origin: str, played: Played):
    """Who asked for it would be told so on the console, as an error of the page."""
    played.servers[NAME] = workspace(NAME)
    page.goto(f"{origin}/w/{NAME}/timeline")
    expect(page.get_by_role("region", name="Facts")).to_be_visible()
    played.requests.clear()
    played.gone(NAME)
    expect(page.get_by_role("heading", name=f"There is no workspace {NAME}")).to_be_visible()
    page.wait_for_timeout(3000)
    assert played.asked("GET", f"/api/servers/{NAME}") == []
    played.put(workspace(NAME))
    expect(page.get_by_role("region", name="Facts")).to_be_visible()


def test_a_detail_that_cannot_be_had_is_said_and_nothing_blanked(page: Page, origin: str, played: Played):
    played.servers[NAME] = in_state(NAME, "running", events=starting_events(NAME, 2))
    page.goto(f"{origin}/w/{NAME}/timeline")
    expect(page.locator(".step-done")).to_have_count(5)
    played.answers[f"GET /api/servers/{NAME}"] = (
        503,
        {"code": "unavailable", "message": "The cluster does not answer."},
    )
    played.put({**played.servers[NAME], "updated_at": ago(0)})
    expect(page.get_by_text("What you see may be old.")).to_be_visible()
    expect(page.locator(".step-done")).to_have_count(5)
    del played.answers[f"GET /api/servers/{NAME}"]
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("What you see may be old.")).to_have_count(0)


def test_everything_fits_into_a_telephones_width(phone: Page, origin: str, played: Played):
    played.servers[NAME] = in_state(
        NAME, "image cannot be pulled", image="registry.example.com/" + "very-long-name/" * 12 + "app:1"
    )
    for tab in ("timeline", "open", "logs", "settings", "yaml"):
        phone.goto(f"{origin}/w/{NAME}/{tab}")
        expect(phone.get_by_role("heading", level=1, name=NAME)).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
