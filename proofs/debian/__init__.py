"""Debian packages that only proofs need: a list for each need, installed when a proof asks for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from proofs import ROOT


def installed(need: str) -> bool:
    """Install what `need`.txt lists, where it is missing. False where it cannot be had; why is on standard error."""
    packages = Path(__file__).with_name(f"{need}.txt")
    return subprocess.run([ROOT / "tools" / "install-packages", packages], check=False).returncode == 0


def install(need: str) -> None:
    """As `installed`, for what a proof cannot do without. Raises RuntimeError."""
    if not installed(need):
        raise RuntimeError(f"the Debian packages for {need} are not available")
