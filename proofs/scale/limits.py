"""A CPU limit for a process, as a container's `resources.limits.cpu` is one: control groups of either version."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD = 100_000
"""Microseconds of the period in which the quota is counted, the kubelet's own."""


@contextlib.contextmanager
def cpu_limit(pid: int, cores: float) -> Iterator[None]:
    """Hold a process with all its threads to so many cores. Raises OSError where control groups cannot be made."""
    quota = str(int(PERIOD * cores))
    if (ROOT / "cgroup.controllers").exists():
        group, files = ROOT / f"guildnet-scale-{os.getpid()}", {"cpu.max": f"{quota} {PERIOD}"}
        (ROOT / "cgroup.subtree_control").write_text("+cpu")
    else:
        group = ROOT / "cpu" / f"guildnet-scale-{os.getpid()}"
        files = {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": quota}
    group.mkdir()
    try:
        for name, value in files.items():
            (group / name).write_text(value)
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                (group.parent / "cgroup.procs").write_text(left)
        group.rmdir()
