"""`make test` on a local cluster in use: whose Workspaces and volume are the same, by uid and bytes, before and after it.

The rings that touch the cluster are run as `make test` runs them (`tests/run.py e2e`: `up`, the browser ring, the search
for refusals); the others have API servers of their own. What is compared is made with kubectl, as a person would, under
names of the proof's own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import Any

from proofs import Figure
from support.local import NAMESPACE, ROOT, Local, bring_up, workspace

IMAGE = "guildnet/jupyterlab:0.1.0"
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 86400 & wait"]
FILE_BYTES = 1 << 20
FILE = "/home/workspace/kept"


@dataclass(frozen=True, slots=True)
class Guest:
    """What a person has on the cluster, as it is recognised again."""

    uids: dict[str, str]
    """By kind/name: every Workspace and every claim and pod of the namespace."""
    restarts: int
    bytes: str
    """SHA-256 of the file in the volume."""


def _own(prefix: str) -> list[dict[str, Any]]:
    """Three Workspaces: one that runs, one with a volume, one that is stopped."""
    common: dict[str, Any] = {"command": SLEEP, "probe": {"type": "none"}}
    return [
        workspace(f"{prefix}-runs", IMAGE, **common),
        workspace(f"{prefix}-keeps", IMAGE, **common, storage={"size": "1Gi"}),
        workspace(f"{prefix}-stopped", IMAGE, **common, running=False),
    ]


@contextmanager
def _guest(local: Local) -> Iterator[str]:
    prefix = f"guest-{token_hex(3)}"
    own = _own(prefix)
    try:
        local.apply(*own)
        for one in own[:2]:
            local.wait_ready(one["metadata"]["name"])
        _in_the_volume(local, prefix, f"head -c {FILE_BYTES} /dev/urandom > {FILE}")
        yield prefix
    finally:
        for one in own:
            local.delete_workspace(one["metadata"]["name"])


def _in_the_volume(local: Local, prefix: str, command: str) -> str:
    return local.kubectl("-n", NAMESPACE, "exec", f"deploy/{prefix}-keeps", "--", "sh", "-c", command)


def _seen(local: Local, prefix: str) -> Guest:
    listed = json.loads(local.kubectl("-n", NAMESPACE, "get", "workspaces,pvc,pods", "-o", "json"))["items"]
    restarts = [
        status["restartCount"] for one in listed for status in one.get("status", {}).get("containerStatuses", ())
    ]
    size, digest = _in_the_volume(local, prefix, f"wc -c < {FILE}; sha256sum < {FILE}").split()[:2]
    assert int(size) == FILE_BYTES
    assert digest != sha256(b"").hexdigest()
    uids = {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in listed}
    return Guest(uids, sum(restarts), digest)


def compared(before: Guest, after: Guest) -> list[str]:
    """What is not as it was, in words; empty when all is."""
    lost = [
        f"{name} is {'gone' if name not in after.uids else 'another one'}"
        for name, uid in before.uids.items()
        if after.uids.get(name) != uid
    ]
    left = [f"{name} was left behind" for name in after.uids if name not in before.uids]
    restarted = [f"{after.restarts - before.restarts} restarts"] if after.restarts != before.restarts else []
    return lost + left + restarted + (["the file in the volume has changed"] if before.bytes != after.bytes else [])


def prove() -> Figure:
    bring_up()
    local = Local()
    with _guest(local) as prefix:
        before = _seen(local, prefix)
        print(
            f"  before: {', '.join(sorted(before.uids))}; {FILE_BYTES} bytes with sha256 {before.bytes[:12]}…",
            flush=True,
        )
        passed = subprocess.run(
            [sys.executable, str(ROOT / "tests" / "run.py"), "e2e"], cwd=ROOT, check=False
        ).returncode
        changed = compared(before, _seen(local, prefix))
    for line in changed:
        print(f"  {line}")
    kept = sum(name.startswith("Workspace/") for name in before.uids)
    text = (
        f"{kept} Workspaces, {len(before.uids) - kept} claims and pods, {FILE_BYTES} bytes in a volume: {len(changed)} "
        f"changed by the rings that use the cluster (of which {'all passed' if passed == 0 else 'some FAILED'})"
    )
    return Figure(text, not changed and kept >= len(_own(prefix)))
