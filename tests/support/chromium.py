"""The browser of the tests that need one: Debian's Chromium."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Playwright

CHROMIUM = "/usr/bin/chromium"
# A closed network makes Chromium's own background requests fail by the dozen; none of them is under test.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


def launched(
    playwright: Playwright, env: Mapping[str, str | float | bool] | None = None, flags: Sequence[str] = ()
) -> Browser:
    """A Chromium that the caller closes; `env` is all of its environment where given."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags], env=dict(env) if env else None)


def trust(home: Path, *authorities: str | Path) -> None:
    """Make a Chromium whose HOME this is trust these authorities (PEM files) as a person's would: by its own store."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = f"sql:{store}"
    certutil = ["certutil", "-d", database]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True, capture_output=True)
    for number, authority in enumerate(authorities):
        named = ["-n", f"test {number}", "-t", "C,,", "-i", str(authority)]
        subprocess.run([*certutil, "-A", *named], check=True, capture_output=True)
