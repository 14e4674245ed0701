"""Names that only the local cluster has: after `down` none of them may be there, whoever left it and however long ago.

A comparison with an earlier look does not see what every `down` leaves in the same place. These are looked for as such.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from guildnet_local.machine.process import parse_stat

OWN: Final = ("run/guildnet-local", "var/lib/guildnet-local")
"""Directories of its own; its lock, an empty file in /run/lock, is meant to stay."""
SHARED: Final = (
    "run/containerd", "run/runc", "run/netns", "run/flannel", "var/lib/cni", "var/lib/kubelet", "var/lib/containerd",
    "var/log/containers", "var/log/pods", "etc/cni", "etc/cni/net.d", "etc/kubernetes", "opt/cni", "opt/cni/bin",
)  # fmt: skip
"""Places that its programs have built in, and that others of the machine may use as well: with something in them, or a
mount over them as `ip netns add` makes it of /run/netns for good, they are somebody's; else they are left over."""
TEMPORARY: Final = ("tmp", "var/tmp", "dev/shm", "run")
PREFIXES: Final = ("guildnet-local", "guildnet-image", "guildnet-build", "cni-", "kubelet", "containerd-")
LINKS: Final = ("node0", "node0-a", "node0-b")
"""Of the cluster's network namespace: none may be in that of the machine."""
CGROUP: Final = "guildnet"
SOURCE: Final = "guildnet-"
"""How the sources of its mounts without a device begin."""


def left(root: Path = Path("/")) -> list[str]:
    """Everything of those names that is there, each with what it is."""
    return [*files(root), *mounts(root), *links(root), *cgroups(root), *processes(root)]


def files(root: Path) -> Iterator[str]:
    for name in OWN:
        if os.path.lexists(root / name):
            yield f"path of the cluster: /{name}"
    mounted = {point for point, _ in _mounts(root)}
    for name in SHARED:
        directory = root / name
        if directory.is_symlink() or not directory.is_dir() or f"/{name}" in mounted:
            continue
        if not any(directory.iterdir()):
            yield f"empty directory: /{name}"
    for place in TEMPORARY:
        directory = root / place
        for found in sorted(directory.iterdir()) if directory.is_dir() else ():
            if found.name.startswith(PREFIXES) and f"{place}/{found.name}" not in OWN:
                yield f"temporary file: /{place}/{found.name}"


def _mounts(root: Path) -> Iterator[tuple[str, str]]:
    """Where something is mounted, and its source."""
    table = root / "proc/self/mountinfo"
    for line in table.read_text().splitlines() if table.exists() else ():
        yield line.split(" ")[4], line.rsplit(" - ", 1)[1].split(" ")[1]


def mounts(root: Path) -> Iterator[str]:
    for point, source in _mounts(root):
        if source.startswith(SOURCE) or any(Path(point).is_relative_to(f"/{name}") for name in OWN):
            yield f"mount: {point} of {source}"


def links(root: Path) -> Iterator[str]:
    for name in LINKS:
        if os.path.lexists(root / "sys/class/net" / name):
            yield f"link: {name}"


def cgroups(root: Path) -> Iterator[str]:
    top = root / "sys/fs/cgroup"
    for hierarchy in (top, *(sorted(top.iterdir()) if top.is_dir() else ())):
        if (hierarchy / CGROUP).is_dir():
            yield f"control group: /{hierarchy.relative_to(root)}/{CGROUP}"


def processes(root: Path) -> Iterator[str]:
    for directory in sorted((root / "proc").glob("[0-9]*")):
        try:
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (directory / "cgroup").read_text()
            state, _ = parse_stat((directory / "stat").read_text())
        except OSError:
            continue  # it ended meanwhile
        if state in "ZX":
            continue  # it ended, and waits for init to read its status: some look once a second
        if any(f"/{name}" in command for name in OWN) or f"/{CGROUP}/" in groups:
            yield f"process: {directory.name} {command[:100]}"
