"""The main job: a workspace from a file, opened by a browser on another device of the tailnet."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from support.local import NAMESPACE, Local


def test_the_example_opened_on_the_tailnet_computes_in_a_notebook(
    lab: str, local: Local, tailnet_browser: BrowserContext
):
    workspace = local.get("workspace", lab)
    url = workspace["status"]["url"]
    assert url.startswith("https://"), "the canonical address is the tailnet's"

    page = tailnet_browser.new_page()
    page.goto(url)
    page.get_by_title("Python 3 (ipykernel)").first.click()
    # JupyterLab drops what is run before the kernel's WebSocket stands.
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
    cell = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    cell.click()
    page.keyboard.type("6*7")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").first).to_have_text("42", timeout=60_000)
    assert page.evaluate("isSecureContext")


def test_the_tailnet_page_lists_the_workspace_and_knows_the_visitor(
    lab: str, local: Local, tailnet_browser: BrowserContext
):
    page = tailnet_browser.new_page()
    page.goto(local.tailnet.url)
    expect(page.get_by_text(lab, exact=True).first).to_be_visible()
    me = page.evaluate("fetch('/api/me').then(r => r.json())")
    assert me["kind"] == "user"
    assert me["login"] == local.tailnet.login


def test_kubectl_shows_the_columns_a_person_needs(lab: str, local: Local):
    header, row = local.kubectl("-n", NAMESPACE, "get", "ws", lab).splitlines()
    assert header.split() == ["NAME", "PHASE", "READY", "IMAGE", "URL", "AGE"]
    assert row.split()[:3] == [lab, "Running", "1"]
