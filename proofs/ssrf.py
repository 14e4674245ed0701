"""The proxy opens no connection to an address that is denied, whatever it is asked for and whatever leads it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Final

from proofs import PYTHON_PATH, Figure

TARGETS: Final = 150
_NAMESPACES: Final = ("unshare", "--net", "--mount", "--")


@dataclass(frozen=True, slots=True)
class Found:
    """What the inside says: how many targets were asked for, and each thing that was not as it had to be."""

    asked: int
    opened: int
    """Connections that arrived at an address which is denied."""
    well: int
    """Allowed targets that were asked for, the positive control."""
    wrong: list[str]
    lost: list[str]
    """Allowed targets that were not reached."""
    deaf: list[str]
    """Denied addresses whose canary does not notice a connection."""
    twice: dict[str, int]
    statuses: dict[str, int] = field(default_factory=dict)


def judged(found: Found) -> Figure:
    text = (
        f"{found.asked} targets (spellings, names that change, slices, redirects): {found.opened} sockets opened to a "
        f"denied address; {found.well - len(found.lost)} of {found.well} allowed ones reached, "
        f"{len(found.deaf)} canaries deaf"
    )
    good = not (found.wrong or found.lost or found.deaf or found.twice)
    return Figure(text, good and found.asked >= TARGETS and not found.opened)


def prove() -> Figure:
    command = [*_NAMESPACES, sys.executable, "-P", "-m", "proofs.reaching.inside"]
    said = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": PYTHON_PATH}, capture_output=True, text=True, timeout=300, check=False
    )
    assert said.returncode == 0, f"it needs root, unshare and ip\n{said.stdout}{said.stderr}"
    found = Found(**json.loads(said.stdout.splitlines()[-1]))
    print(f"  answers by status: {found.statuses}")
    for text in (*found.wrong, *(f"not reached: {path}" for path in found.lost)):
        print(f"  {text}")
    return judged(found)
