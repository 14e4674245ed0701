"""Looks at the machine whose differences, before and after, are what something left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from guildnet_local.machine.process import parse_stat
from support.local import ROOT

# Where programs of the cluster could leave files; the cache itself is meant to stay. Temporary files get a directory of
# their own for the run, since anything else on the machine may write to the usual one meanwhile.
PLACES: Final = ("/run", "/var/lib", "/var/log", "/etc/cni", "/opt/cni", "/etc/netns", "/root", str(ROOT))
TEMPORARY: Final = Path(tempfile.mkdtemp(prefix="guildnet-cycles-"))
LEFT_OUT: Final = frozenset(
    {".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
SETTINGS: Final = (
    "net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables", "vm/overcommit_memory", "vm/panic_on_oom",
    "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
)  # fmt: skip
"""Kernel settings that a kubelet or a network plugin changes for the whole machine."""


def _of_the_cluster(process: Path) -> bool:
    """Whether `up` or `down` started it: by the temporary directory it inherited, its control group or its namespace.

    Other programs of the machine come and go meanwhile.
    """
    return (
        str(TEMPORARY).encode() in (process / "environ").read_bytes()
        or "/guildnet" in (process / "cgroup").read_text()
        or (process / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
    )


def processes() -> set[str]:
    """The cluster's processes as `pid start-time command`: a pid used again is another process."""
    found: set[str] = set()
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if not _of_the_cluster(directory):
                continue
            _, started = parse_stat((directory / "stat").read_text())
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if command and int(directory.name) != os.getpid():
            found.add(f"{directory.name} {started} {command[:120]}")
    return found


def mounts() -> set[str]:
    return {line.split(" ")[4] + " " + line.rsplit(" - ", 1)[1] for line in _lines("/proc/self/mountinfo")}


def namespaces() -> set[str]:
    """Those that are pinned where `ip netns` looks. The cluster's own are mounts elsewhere."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return set(listed.splitlines())


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def cgroups() -> set[str]:
    return {str(path) for path in Path("/sys/fs/cgroup").rglob("*") if path.is_dir()}


def files() -> set[str]:
    """Files and directories."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found: set[str] = set()
    for place in (*PLACES, str(TEMPORARY)):
        for directory, inner, names in os.walk(place):
            inner[:] = [name for name in inner if name not in LEFT_OUT and Path(directory, name) != cache]
            if place != str(ROOT) and Path(directory).is_relative_to(ROOT):
                continue
            found.update(f"{directory}/{name}" for name in (*inner, *names))
    return found


def routes() -> set[str]:
    """Routes and, where the program is there, tables of nftables, of the machine's own network namespace."""
    commands = [["ip", "-4", "route", "show", "table", "all"], ["nft", "list", "tables"]]
    found: set[str] = set()
    for command in commands:
        if shutil.which(command[0]) is not None:
            found.update(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
    return found


def settings() -> set[str]:
    return {f"{name} = {_lines(f'/proc/sys/{name}')[0]}" for name in SETTINGS if Path("/proc/sys", name).exists()}


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


LOOKS: Final[Mapping[str, Callable[[], set[str]]]] = {
    "process": processes, "mount": mounts, "namespace": namespaces, "link": links, "control group": cgroups,
    "file": files, "route or table": routes, "kernel setting": settings,
}  # fmt: skip
