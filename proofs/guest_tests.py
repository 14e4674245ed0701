"""`make test` on a cluster in use: its Workspaces and volumes are the same, by uid and bytes, before and after it.

The rings that touch the cluster are run as `make test` runs them (`tests/run.py e2e`: `up`, the browser ring, and what
it was refused); the others have API servers of their own. The guests are made as a person would make them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from proofs import Figure
from support.local import NAMESPACE, ROOT, Answer, Local, bring_up, workspace

IMAGE = "guildnet/jupyterlab:0.1.0"
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 86400 & wait"]
FILE_BYTES = 1 << 20
FILE = "/home/workspace/kept"
SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Guest:
    """What a person has on the cluster, as it is recognised again."""

    uids: dict[str, str]
    """By kind/name: every Workspace and every claim and pod of the namespace."""
    restarts: int
    bytes: str
    """SHA-256 of the file in the volume; the cluster's words where it cannot be read."""


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
        made = _in_the_volume(local, prefix, f"head -c {FILE_BYTES} /dev/urandom > {FILE} && wc -c < {FILE}")
        assert made.out == str(FILE_BYTES), made
        yield prefix
    finally:
        for one in own:
            local.delete_workspace(one["metadata"]["name"])


def _in_the_volume(local: Local, prefix: str, command: str) -> Answer:
    return local.try_kubectl("-n", NAMESPACE, "exec", f"deploy/{prefix}-keeps", "--", "sh", "-c", command)


def _seen(local: Local, prefix: str) -> Guest:
    listed = json.loads(local.kubectl("-n", NAMESPACE, "get", "workspaces,pvc,pods", "-o", "json"))["items"]
    restarts = [
        status["restartCount"] for one in listed for status in one.get("status", {}).get("containerStatuses", ())
    ]
    file = _in_the_volume(local, prefix, f"sha256sum < {FILE}")
    uids = {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in listed}
    return Guest(uids, sum(restarts), file.out.split()[0] if file.status == 0 else file.err)


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
        assert len(before.bytes) == SHA256_DIGITS, before.bytes
        print(f"  before: {', '.join(sorted(before.uids))}; a file of {FILE_BYTES} bytes", flush=True)
        ring = subprocess.run([sys.executable, str(ROOT / "tests" / "run.py"), "e2e"], cwd=ROOT, check=False)
        changed = compared(before, _seen(local, prefix))
    for line in changed:
        print(f"  {line}")
    kept = sum(name.startswith("Workspace/") for name in before.uids)
    text = (
        f"{kept} Workspaces, {len(before.uids) - kept} claims and pods, {FILE_BYTES} bytes in a volume: {len(changed)} "
        f"changed by the rings that use the cluster ({'all passed' if ring.returncode == 0 else 'some FAILED'})"
    )
    return Figure(text, not changed and ring.returncode == 0)
