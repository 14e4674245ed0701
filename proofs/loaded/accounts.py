"""Whose CPU time a page's load is: the browser's, the proxy's, the sidecar's, the visiting device's, the app's."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from guildnet_local.machine.cgroups import hierarchies
from proofs.bench.accounting import tree
from support.local import NAMESPACE, RELEASE_NAMESPACE, Local
from support.process import cpu_seconds

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")


class Accounts:
    """CPU seconds so far, by who spent them; `app` is a Deployment of the workspaces' namespace."""

    def __init__(self, local: Local, app: str) -> None:
        pod = _pod(local, RELEASE_NAMESPACE, "app.kubernetes.io/component=proxy")
        told = (*pod["status"]["containerStatuses"], *pod["status"].get("initContainerStatuses", ()))
        containers = {status["name"]: status["containerID"].rpartition("/")[2] for status in told}
        workspace = _pod(local, NAMESPACE, f"guildnet.io/workspace={app}")
        self.address: str = workspace["status"]["podIP"]
        """Of the app's pod."""
        self._groups = {
            "proxy": _group(containers["proxy"]),
            "sidecar": _group(containers["tailscale"]),
            "app": _group(f"pod{workspace['metadata']['uid']}"),
        }
        self._device = _process(b"tailscaled", b"laptop")

    def now(self) -> Mapping[str, float]:
        spent = {name: _seconds(group) for name, group in self._groups.items()}
        return {"browser": _descendants(b"chromium"), **spent, "device": cpu_seconds(self._device)}


def _pod(local: Local, namespace: str, label: str) -> Any:
    """The one running pod with this label."""
    pods = json.loads(local.kubectl("-n", namespace, "get", "pods", "-l", label, "-o", "json"))["items"]
    running = [item for item in pods if "deletionTimestamp" not in item["metadata"]]
    assert len(running) == 1, f"{len(running)} pods of {label}"
    return running[0]


def _group(name: str) -> Path:
    """The control group of a pod or container, in the hierarchy that counts CPU time."""
    for hierarchy in hierarchies():
        for directory, groups, files in os.walk(hierarchy.ours):
            if name in groups and (hierarchy.controllers or "cpuacct.usage" in files):
                return Path(directory) / name
    raise AssertionError(f"no control group counts the CPU time of {name}")


def _seconds(group: Path) -> float:
    """CPU time of a control group, of whichever version."""
    if (old := group / "cpuacct.usage").exists():
        return int(old.read_text()) / 1e9
    stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(stat["usage_usec"]) / 1e6


def _process(*words: bytes) -> int:
    """The process whose command line has these words."""
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (directory / "cmdline").read_bytes()
            if all(word in line for word in words) and int(directory.name) != os.getpid():
                return int(directory.name)
    raise AssertionError(f"no process has {words} in its command line")


def _descendants(name: bytes) -> float:
    """CPU time of the processes of this name below this one, those that they waited for included (proc(5), stat)."""
    seconds = 0.0
    for pid in tree(os.getpid()):
        with suppress(OSError):
            before, _, rest = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")
            if before.partition(b"(")[2].startswith(name):
                seconds += sum(map(int, rest.split()[11:15])) * _TICK
    return seconds
