"""The front door on this host: login, a workspace's own origin, and what is refused."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.local import Local


def test_the_login_url_shows_the_workspaces(logged_in: Page, local: Local):
    expect(logged_in.get_by_text("jupyterlab", exact=True).first).to_be_visible()
    assert "token" not in logged_in.url, "the token does not stay in the address bar"


def test_a_browser_without_login_is_told_how_to_get_in(host_browser: BrowserContext, local: Local):
    page = host_browser.new_page()
    answer = page.goto(local.origin)
    assert answer is not None
    assert answer.status in (401, 403)
    expect(page.get_by_text("make url")).to_be_visible()


def test_a_workspace_opens_in_its_own_origin(logged_in: Page, local: Local):
    with local.api() as api:
        url = api.get("/api/servers/jupyterlab").json()["url"]
    assert urlsplit(url).hostname != urlsplit(local.origin).hostname
    logged_in.goto(url)
    expect(logged_in.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    assert urlsplit(logged_in.url).hostname == urlsplit(url).hostname


def test_the_path_form_leads_a_person_to_the_own_origin(logged_in: Page, local: Local):
    logged_in.goto(f"{local.origin}/proxy/server/jupyterlab/lab")
    expect(logged_in.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    assert re.match(r"jupyterlab-[0-9a-f]{8}\.guildnet\.localhost$", urlsplit(logged_in.url).hostname or "")


@pytest.mark.parametrize(
    "target",
    ["169.254.169.254:80", "127.0.0.1:9090", "10.96.0.1:443", "10.123.0.1:10250", "kubernetes.default.svc:443"],
)
def test_an_address_that_nobody_allowed_is_refused(local: Local, target: str):
    with local.api() as api:
        answer = api.get("/proxy", params={"to": target, "path": "/"})
    assert answer.status_code in (400, 403), answer.text
    assert answer.json()["code"]


def test_a_claimed_tailnet_identity_is_worth_nothing_here(local: Local):
    parts = urlsplit(local.origin)
    headers = {"Host": parts.netloc, "Tailscale-User-Login": "alice@example.com", "Accept": "application/json"}
    answer = httpx2.get(f"http://127.0.0.1:{parts.port}/api/servers", headers=headers)
    assert answer.status_code in (401, 403)


def test_a_foreign_page_cannot_stop_everything(local: Local):
    with local.api() as api:
        answer = api.post("/api/stop-all", headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403
        assert api.get("/api/servers").status_code == 200
