"""The front door on this host: login, a workspace's own origin, and what is refused."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from secrets import token_hex
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from support.local import NAMESPACE, Local, workspace


def test_the_login_url_shows_the_workspaces(lab: str, logged_in: Page):
    expect(logged_in.get_by_text(lab, exact=True).first).to_be_visible()
    assert "token" not in logged_in.url, "the token does not stay in the address bar"


def test_a_browser_without_login_is_told_how_to_get_in(host_browser: BrowserContext, local: Local):
    page = host_browser.new_page()
    answer = page.goto(local.origin)
    assert answer is not None
    assert answer.status in (401, 403)
    expect(page.get_by_text("make url")).to_be_visible()


def test_a_workspace_opens_in_its_own_origin(lab: str, logged_in: Page, local: Local):
    with local.api() as api:
        url = api.get(f"/api/servers/{lab}").json()["url"]
    assert urlsplit(url).hostname != urlsplit(local.origin).hostname
    logged_in.goto(url)
    expect(logged_in.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    assert urlsplit(logged_in.url).hostname == urlsplit(url).hostname


def test_the_path_form_leads_a_person_to_the_own_origin(lab: str, logged_in: Page, local: Local):
    logged_in.goto(f"{local.origin}/proxy/server/{lab}/lab")
    expect(logged_in.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    assert re.match(rf"{lab}-[0-9a-f]{{8}}\.guildnet\.localhost$", urlsplit(logged_in.url).hostname or "")


@pytest.fixture(scope="module")
def two_ports(local: Local) -> Iterator[str]:
    """A workspace whose two ports show two folders."""
    name = f"e2e-two-{token_hex(3)}"
    serve = "mkdir -p /tmp/$1/$2; cd /tmp/$1; exec python3 -m http.server $1"
    both = f"sh -c '{serve}' sh 9000 second & sh -c '{serve}' sh 8000 first"
    ports = [{"containerPort": 8000, "name": "one"}, {"containerPort": 9000, "name": "two"}]
    local.apply(workspace(name, "guildnet/jupyterlab:0.1.0", command=["sh", "-c", both], ports=ports))
    try:
        local.wait_ready(name)
        yield name
    finally:
        local.delete_workspace(name)


def test_another_port_opens_in_an_origin_of_its_own(two_ports: str, logged_in: Page, local: Local):
    logged_in.goto(f"{local.origin}/proxy/server/{two_ports}/~9000/")
    expect(logged_in.get_by_text("second/")).to_be_visible()
    assert (urlsplit(logged_in.url).hostname or "").startswith(f"9000-{two_ports}-")
    with local.api() as api:
        urls = {port["port"]: port["url"] for port in api.get(f"/api/servers/{two_ports}").json()["ports"]}
        assert api.get(f"/proxy/server/{two_ports}/~9000/").status_code == 200, "a program uses the path form"
    assert urls[9000] == logged_in.url
    logged_in.goto(urls[8000])
    expect(logged_in.get_by_text("first/")).to_be_visible()


def test_on_the_tailnet_another_port_gets_its_origin_when_it_is_opened(
    two_ports: str, tailnet_browser: BrowserContext, local: Local
):
    def given() -> list[dict[str, int]]:
        status = local.kubectl("-n", NAMESPACE, "get", "workspace", two_ports, "-o", "json")
        return list(json.loads(status)["status"]["origin"].get("ports", []))

    assert given() == []
    page = tailnet_browser.new_page()
    page.goto(f"{local.tailnet.url.rstrip('/')}/proxy/server/{two_ports}/~9000/")
    expect(page.get_by_text("second/")).to_be_visible(timeout=30_000)
    [port] = given()
    assert (port["containerPort"], urlsplit(page.url).port) == (9000, port["port"])
    entries = json.loads(local.kubectl("-n", "guildnet", "get", "configmap", "guildnet-entries", "-o", "json"))
    assert [key for key in entries["data"] if key.startswith("port.")] == [], "nothing is asked for any more"


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


@pytest.mark.parametrize(("port", "answers"), [(443, True), (9090, False), (80, False)])
def test_a_tailnet_device_reaches_what_is_served_and_no_other_listener_of_the_pod(
    local: Local, port: int, *, answers: bool
):
    assert _connects(local.tailnet.socks5, urlsplit(local.tailnet.url).hostname or "", port) == answers


def _connects(socks5: str, host: str, port: int) -> bool:
    """Whether a device behind this SOCKS5 proxy gets a connection (RFC 1928, no authentication)."""
    address, _, proxy_port = socks5.rpartition(":")
    with socket.create_connection((address, int(proxy_port)), timeout=20) as connection:
        connection.sendall(b"\x05\x01\x00")
        assert connection.recv(2) == b"\x05\x00"
        name = host.encode()
        connection.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
        return connection.recv(2)[1:] == b"\x00"


def test_a_foreign_page_cannot_stop_everything(local: Local):
    with local.api() as api:
        answer = api.post("/api/stop-all", params={"dryRun": "true"}, headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403
        assert api.get("/api/servers").status_code == 200
