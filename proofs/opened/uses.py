"""What is done with each app in a browser: something that only works by its WebSocket, its worker or its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as NotSeen

from support.local import NAMESPACE, Local
from support.waiting import until

START_MS: Final = 45_000
"""An app's first page may take so long: a kernel, an editor's extensions and a desktop begin with it."""
PRESSES: Final = 6
NOTEBOOK: Final = """import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    text = mo.ui.text(label="word")
    text
    return mo, text

@app.cell
def _(mo, text):
    mo.md(f"It has {len(text.value) * 7} letters in seven lines")
    return
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A workspace open in a page: `url` is where the app begins for this browser, with a trailing slash."""

    local: Local
    name: str
    page: Page
    url: str
    mark: str
    """What this visit writes, and no other."""

    def in_pod(self, script: str) -> str:
        return self.local.kubectl("-n", NAMESPACE, "exec", f"deploy/{self.name}", "--", "sh", "-c", script)

    def writes(self, to_shell: Callable[[str], None]) -> None:
        """A command typed into a shell of the app has its effect in the pod."""
        to_shell(f"echo $((6*7)) > /tmp/{self.mark}")
        until(
            lambda: self.in_pod(f"cat /tmp/{self.mark} 2>/dev/null || true") == "42",
            "what was typed is done in the pod", seconds=30,
        )  # fmt: skip

    def types(self, line: str) -> None:
        self.page.keyboard.type(line)
        self.page.keyboard.press("Enter")


def code_server(it: Opened) -> None:
    """A page of an extension's, which a service worker serves to its frame; a terminal."""
    it.in_pod(f"mkdir -p /tmp/show && echo '# Of {it.mark}' > /tmp/show/{it.mark}.md")
    it.page.goto(f"{it.url}?folder=/tmp/show")
    expect(it.page.locator(".monaco-workbench")).to_be_visible(timeout=START_MS)
    it.page.get_by_role("treeitem", name=f"{it.mark}.md").click(timeout=START_MS)
    expect(it.page.locator(".monaco-editor .view-lines").first).to_contain_text(it.mark, timeout=START_MS)
    it.page.locator(".monaco-editor .view-lines").first.click()
    # The key is the extension's, which may not be there yet.
    for _ in range(PRESSES):
        it.page.keyboard.press("Control+Shift+V")
        with suppress(NotSeen):
            it.page.locator("iframe.webview").first.wait_for(state="attached", timeout=10_000)
            break
    preview = it.page.frame_locator("iframe.webview").frame_locator("iframe#active-frame")
    expect(preview.locator("h1")).to_have_text(f"Of {it.mark}", timeout=START_MS)
    it.page.keyboard.press("Control+`")
    expect(it.page.locator(".terminal.xterm .xterm-helper-textarea").first).to_be_attached(timeout=START_MS)
    it.page.locator(".terminal.xterm").first.click()
    it.writes(it.types)


def jupyterlab(it: Opened) -> None:
    """A cell, computed by a kernel."""
    # A layout of its own: what an earlier visit had open does not come back.
    it.page.goto(f"{it.url}lab/workspaces/{it.mark}")
    it.page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click(timeout=START_MS)
    # JupyterLab drops what is run before the kernel's WebSocket stands.
    expect(it.page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=START_MS)
    it.page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    it.page.keyboard.type("6*7")
    it.page.keyboard.press("Shift+Enter")
    expect(it.page.locator(".jp-OutputArea-output").first).to_have_text("42", timeout=START_MS)


def marimo(it: Opened) -> None:
    """A notebook whose cell is computed again from what is typed into another."""
    it.in_pod(f"cat > {it.mark}.py <<'END'\n{NOTEBOOK}END")
    it.page.goto(f"{it.url}?file={it.mark}.py")
    it.page.locator(".cm-content").first.wait_for(timeout=START_MS)
    it.page.wait_for_timeout(2000)  # before its socket stands, marimo drops what is run
    it.page.keyboard.press("Control+Shift+R")  # runs all cells
    it.page.get_by_text("It has 0 letters").wait_for(timeout=START_MS)
    it.page.locator("marimo-text input").first.fill("kernel")
    it.page.keyboard.press("Enter")
    it.page.get_by_text("It has 42 letters").wait_for(timeout=START_MS)


def streamlit(it: Opened) -> None:
    """A product of two numbers, for which the script runs again."""
    for label, value in (("first", "6"), ("second", "7")):
        it.page.get_by_label(label).first.fill(value, timeout=START_MS)
        it.page.keyboard.press("Enter")
    it.page.get_by_role("button", name="Multiply").click()
    expect(it.page.get_by_text("The product is 42.")).to_be_visible(timeout=START_MS)


def ttyd(it: Opened) -> None:
    """A terminal."""
    it.page.locator(".xterm-screen").click(timeout=START_MS)
    it.writes(it.types)


def novnc(it: Opened) -> None:
    """A terminal on a desktop."""
    it.page.goto(f"{it.url}vnc.html?autoconnect=true")
    expect(it.page.locator("html.noVNC_connected")).to_be_attached(timeout=START_MS)
    it.page.locator("#noVNC_container canvas").click(position={"x": 200, "y": 200})
    it.writes(it.types)


def form(it: Opened) -> None:
    """A page with `Referrer-Policy: no-referrer`, whose form and script post."""
    it.page.get_by_label("text").fill(it.mark)
    it.page.get_by_role("button", name="Save").click()
    expect(it.page.locator("#saved")).to_have_text(it.mark)
    expect(it.page.locator("body[data-script='200']")).to_be_attached()


@dataclass(frozen=True, slots=True)
class App:
    """An app: what is done with it, and what its launch says beside the image; the rest is known of the image."""

    name: str
    use: Callable[[Opened], None]
    preserve: bool = False
    launch: Mapping[str, Any] = field(default_factory=dict)


APPS: Final = (
    App("code-server", code_server),
    App("jupyterlab", jupyterlab, preserve=True),
    App("marimo", marimo, preserve=True),
    App("streamlit", streamlit, preserve=True),
    App("ttyd", ttyd, preserve=True),
    App("novnc", novnc),
    App("form", form, launch={"expose": [{"port": 8080}]}),
)
