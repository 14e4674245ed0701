"""code-server, launched through the API and used in its own origin on this host."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from support.local import NAMESPACE, Local, guildnet_local
from support.waiting import until


@pytest.fixture(scope="module")
def image() -> str:
    """Built (some minutes, once) and imported: `up` does not need it."""
    guildnet_local("image", "code-server", timeout=900)
    return "guildnet/code-server:0.1.0"


@pytest.mark.timeout(1200)
def test_a_terminal_in_code_server_runs_a_command(local: Local, logged_in: Page, image: str):
    with local.api() as api:
        answer = api.post("/api/jobs", json={"image": image, "name": "editor"})
        assert answer.status_code == 202, answer.text
        name = answer.json()["id"]
        assert answer.headers["Location"].endswith(name)
        try:
            local.wait_ready(name)
            _use(local, logged_in, name, api.get(f"/api/servers/{name}").json()["url"])
            password = api.get(f"/api/servers/{name}/login").json()["password"]
            assert _past_the_proxy(local, name, password) == ("302", "302", "200")
        finally:
            local.delete_workspace(name)


def _use(local: Local, page: Page, name: str, url: str) -> None:
    """The proxy logs in: there is no page that asks for a password."""
    page.goto(url)
    expect(page.locator(".monaco-workbench")).to_be_visible(timeout=60_000)
    page.keyboard.press("Control+`")
    expect(page.locator(".terminal.xterm .xterm-helper-textarea").first).to_be_attached(timeout=60_000)
    page.locator(".terminal.xterm").first.click()
    page.keyboard.type("echo $((6*7)) > /tmp/answer\n")
    until(
        lambda: local.try_kubectl("-n", NAMESPACE, "exec", f"deploy/{name}", "--", "cat", "/tmp/answer").out == "42",
        "the terminal's file in the pod",
        seconds=60,
    )


def _past_the_proxy(local: Local, name: str, password: str) -> tuple[str, ...]:
    """Statuses, from within the pod as from any other: without a login, with the password, with the session that it
    gives."""
    script = (
        "ask() { curl -s -o /dev/null -w '%{http_code} ' \"$@\"; }; cd /tmp; ask localhost:8080/;"
        f"ask -c jar -d password={password} localhost:8080/login; ask -b jar localhost:8080/"
    )
    return tuple(local.kubectl("-n", NAMESPACE, "exec", f"deploy/{name}", "--", "sh", "-c", script).split())
