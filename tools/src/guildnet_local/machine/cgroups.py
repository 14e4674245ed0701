"""The cluster's own control groups: /guildnet in every hierarchy.

In it are `system` for the cluster's programs (and, as their children, the container shims) and `kubepods`, made by the
kubelet, for the pods. Whatever runs in there is ours, whoever started it and whoever died since: that is how `down`
finds processes that nobody recorded. Never touches a group outside of /guildnet.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guildnet_local.machine import process
from guildnet_local.settings import NAME, LocalError

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted hierarchy of control groups. `unified` ones are version 2."""

    root: Path
    unified: bool

    @property
    def ours(self) -> Path:
        return self.root / NAME

    @property
    def controllers(self) -> list[str]:
        """The controllers of a version 2 hierarchy; none where version 1 has them all."""
        file = self.root / "cgroup.controllers"
        return file.read_text().split() if self.unified and file.exists() else []


def parse_mounts(mountinfo: str) -> tuple[Hierarchy, ...]:
    """The hierarchies in a /proc/self/mountinfo, each once however often it is mounted."""
    found: dict[str, Hierarchy] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind = right.split(" ")[0]
        if kind in ("cgroup", "cgroup2"):
            fields = left.split(" ")
            # The device number tells hierarchies apart; the root field is `/` where the whole hierarchy is mounted.
            if fields[3] == "/":
                found.setdefault(fields[2], Hierarchy(Path(fields[4]), kind == "cgroup2"))
    return tuple(found.values())


def hierarchies() -> tuple[Hierarchy, ...]:
    found = parse_mounts(Path("/proc/self/mountinfo").read_text())
    if not found:
        raise LocalError("no control groups are mounted below /sys/fs/cgroup: the kubelet needs them")
    return found


def make() -> None:
    """Make /guildnet and /guildnet/system in every hierarchy; what exists stays."""
    for hierarchy in hierarchies():
        if hierarchy.controllers:
            _delegate(hierarchy.root, hierarchy.controllers)
        for group in (hierarchy.ours, hierarchy.ours / SYSTEM):
            group.mkdir(exist_ok=True)
            _inherit_cpuset(group)
        if hierarchy.controllers:
            _delegate(hierarchy.ours, hierarchy.controllers)


def _inherit_cpuset(group: Path) -> None:
    """A version 1 cpuset is born empty, and no process may enter an empty one."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = group / name
        if (group / "tasks").exists() and file.exists() and not file.read_text().strip():
            file.write_text((group.parent / name).read_text())


def _delegate(group: Path, controllers: Sequence[str]) -> None:
    for controller in controllers:
        # Some cannot be handed down (no cpuset on odd kernels): the kubelet says what it misses.
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{controller}")


def tasks() -> tuple[Path, ...]:
    """The files a process writes its pid to, in order to be in /guildnet/system everywhere."""
    return tuple(hierarchy.ours / SYSTEM / "cgroup.procs" for hierarchy in hierarchies())


def members() -> set[int]:
    """Every process in any group of ours."""
    found: set[int] = set()
    for hierarchy in hierarchies():
        for directory, _, files in os.walk(hierarchy.ours):
            if "cgroup.procs" in files:
                # A group may go away between the walk and the read.
                with contextlib.suppress(OSError):
                    found.update(map(int, (Path(directory) / "cgroup.procs").read_text().split()))
    return found


def end_members(*, grace: float) -> None:
    """End every process in our groups, those born meanwhile too."""
    for _ in range(10):
        found = [identity for pid in members() if (identity := process.identify(pid)) is not None]
        if not found:
            return
        process.stop(found, grace=grace)
        grace = 0.0
    raise LocalError(f"processes keep appearing in the control groups of the cluster: {sorted(members())}")


def remove() -> None:
    """Remove our groups from every hierarchy. Raises LocalError when one stays busy for five seconds."""
    deadline = time.monotonic() + 5
    for hierarchy in hierarchies():
        while hierarchy.ours.is_dir():
            busy = _remove_tree(hierarchy.ours)
            if busy and time.monotonic() > deadline:
                raise LocalError(f"control group {busy} stays busy")
            if busy:
                time.sleep(0.05)


def _remove_tree(group: Path) -> Path | None:
    """Remove a group and those below it; the first that would not go, if any."""
    busy = None
    for directory, _, _ in os.walk(group, topdown=False):
        try:
            Path(directory).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            busy = busy or Path(directory)
    return busy
