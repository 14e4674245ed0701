"""`make dev`: a changed file is running in seconds, the UI comes from its server, and afterwards all is as before."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from support.local import RELEASE_NAMESPACE, ROOT, Local
from support.waiting import until

WHERE = ["python", "-c", "import guildnet_api, guildnet; print(guildnet_api.__file__, guildnet.__file__)"]


@pytest.fixture
def session(local: Local, tmp_path: Path) -> Iterator[Path]:
    """What a `make dev` said; it has ended, and all is as before, when the test is over."""
    log = tmp_path / "dev.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "guildnet_local", "dev"], cwd=ROOT, stdout=output, stderr=output,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: "Ctrl-C ends" in log.read_text() or running.poll() is not None, "it runs", seconds=180)
        assert running.poll() is None, log.read_text()
        yield log
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(180) == 0, log.read_text()


def _packages(local: Local) -> list[str]:
    found = local.kubectl("-n", RELEASE_NAMESPACE, "exec", "deploy/guildnet-api", "-c", "api", "--", *WHERE)
    return found.split()


@pytest.mark.timeout(600)
def test_a_change_runs_in_seconds_and_the_ui_is_served_as_it_stands(
    local: Local, session: Path, host_browser: BrowserContext
):
    assert [path.startswith("/checkout/") for path in _packages(local)] == [True, True]
    page = host_browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(local.login_url)
    page.locator("#app h1, #app nav").first.wait_for()
    assert page.evaluate("!!document.querySelector('script[src*=\"@vite/client\"]')")
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "style sheets are shown"
    while "[vite] connected." not in said:
        page.wait_for_event("console", timeout=20_000)
    assert [text for text in said if "Content Security" in text] == []
    os.utime(ROOT / "services/api/src/guildnet_api/app.py")
    until(lambda: re.search(r"app\.py: restarting api\n.*restarted \(", session.read_text(), re.DOTALL), "it is back")


def test_afterwards_the_images_run(local: Local):
    assert not any(path.startswith("/checkout/") for path in _packages(local))
    assert local.get("deployment", "guildnet-proxy", RELEASE_NAMESPACE)["status"]["readyReplicas"] == 1
