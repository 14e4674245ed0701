"""`guildnet doctor` before each planted fault: does it name it, and the way out?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from proofs import PYTHON_PATH
from proofs.doctoring.faults import FAULTS, Fault
from support.local import Local

START: Final = "import sys; from guildnet_cli.__main__ import main; sys.exit(main())"
_SETTLED_SECONDS: Final = 60.0


def findings(local: Local, variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """What `doctor` found with these variables changed."""
    environment = {
        **{name: os.environ[name] for name in ("HOME", "PATH", "XDG_CACHE_HOME") if name in os.environ},
        "PYTHONPATH": PYTHON_PATH, "GUILDNET_URL": local.origin, "GUILDNET_TOKEN": local.token,
        "KUBECONFIG": local.kubeconfig, **variables,
    }  # fmt: skip
    # The checkout's own `kubectl` asks the local cluster, whatever KUBECONFIG says.
    environment["PATH"] = f"{Path(local.kubectl_command()[0]).parent}:{environment.get('PATH', '')}"
    command = [sys.executable, "-c", START, "doctor", "-o", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def faults_of(found: list[dict[str, Any]]) -> dict[str, str]:
    """Checks that are faults, each with its way out."""
    return {one["check"]: one.get("fix", "") for one in found if one["state"] == "fault"}


def named(local: Local) -> Iterator[tuple[Fault, bool]]:
    """Each fault and whether it was named with a way out, on an install that had none before it."""
    for fault in FAULTS:
        before = settled(local)
        with fault.planted(local) as variables:
            found = faults_of(findings(local, variables))
        good = not before and bool(found.get(fault.check))
        said = f"fix: {found[fault.check]}" if good else f"NOT NAMED: {before or found}"
        print(f"  {fault.what} ({fault.check}): {said}")
        yield fault, good


def settled(local: Local) -> dict[str, str]:
    """The faults that are left when those of the last plant have had time to go; none, as it should be."""
    deadline = time.monotonic() + _SETTLED_SECONDS
    while (found := faults_of(findings(local, {}))) and time.monotonic() < deadline:
        time.sleep(1)
    return found
