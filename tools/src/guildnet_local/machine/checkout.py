"""Which commit a checkout is at, for records that say what was measured."""

import subprocess
from pathlib import Path
from typing import Any


def state(checkout: Path) -> dict[str, Any]:
    """`commit`, empty where it is not known, and `dirty`: whether the checkout holds anything else than that commit."""
    commit, changes = _git(checkout, "rev-parse", "HEAD"), _git(checkout, "status", "--porcelain")
    return {"commit": (commit or "").strip(), "dirty": commit is None or changes is None or bool(changes.strip())}


def _git(checkout: Path, *arguments: str) -> str | None:
    """The output of git; None where there is none or it does not answer. The checkout may belong to another user."""
    command = ["git", "-c", f"safe.directory={checkout}", "-C", str(checkout), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
