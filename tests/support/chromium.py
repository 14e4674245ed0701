"""The browser of the tests that need one: Debian's Chromium."""

from __future__ import annotations

from collections.abc import Mapping

from playwright.sync_api import Browser, Playwright

CHROMIUM = "/usr/bin/chromium"
# A closed network makes Chromium's own background requests fail by the dozen; none of them is under test.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


def launched(playwright: Playwright, env: Mapping[str, str | float | bool] | None = None) -> Browser:
    """A Chromium that the caller closes; `env` is all of its environment where given."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=dict(env) if env else None)
