"""What `up` needs of this machine, checked at once and before anything is made; each complaint names the next step."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from guildnet_local.machine.cgroups import parse_mounts
from guildnet_local.settings import PORT_VARIABLES, Settings

GIB = 1 << 30
MIN_DISK_BYTES = 10 * GIB
MIN_MEMORY_BYTES = 4 * GIB
PACKAGES_FILE = Path(__file__).with_name("packages.txt")
# What the cluster itself cannot do without, and the Debian package each comes with.
PROGRAMS: Mapping[str, str] = {
    "/usr/bin/containerd": "containerd",
    "/usr/bin/ctr": "containerd",
    "/usr/sbin/runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/sbin/nft": "nftables",
    "/usr/sbin/iptables": "iptables",
    "/usr/sbin/conntrack": "conntrack",
    "/usr/sbin/ip": "iproute2",
    "/usr/bin/nsenter": "util-linux",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What was seen of the machine."""

    root: bool
    missing_programs: tuple[str, ...]
    disk_free: int
    memory: int
    # Port → (pid, command) of the listener, where it can be seen.
    taken: Mapping[int, tuple[int, str] | None]
    filesystems: frozenset[str]
    cgroups: bool
    bridge_filter: bool


def complaints(machine: Machine, settings: Settings) -> list[str]:
    """Everything that stands in the way; empty when nothing does."""
    found = []
    if not machine.root:
        found.append(
            "the local cluster needs root (namespaces, mounts, control groups): run `sudo make up`, "
            "or use a cluster you have: make up CLUSTER=context:NAME"
        )
    if machine.missing_programs:
        packages = sorted({PROGRAMS[program] for program in machine.missing_programs})
        found.append(
            f"missing: {', '.join(machine.missing_programs)}. "
            f"Run: apt-get install --no-install-recommends {' '.join(packages)}"
        )
    found += [_port_complaint(settings, port, by) for port, by in machine.taken.items()]
    if machine.disk_free < MIN_DISK_BYTES:
        found.append(
            f"{machine.disk_free / GIB:.1f} GiB are free below {settings.state.parent}; the cluster needs "
            f"{MIN_DISK_BYTES // GIB}. Free some: old builds are in {settings.cache}"
        )
    if machine.memory < MIN_MEMORY_BYTES:
        found.append(
            f"this machine has {machine.memory / GIB:.1f} GiB of memory; the cluster needs {MIN_MEMORY_BYTES // GIB}. "
            "Use a larger machine, or a cluster you have: make up CLUSTER=context:NAME"
        )
    if "overlay" not in machine.filesystems:
        found.append("this kernel has no overlay file system (`modprobe overlay` did not help): containers need it")
    if not machine.cgroups:
        found.append("no control groups are mounted below /sys/fs/cgroup: the kubelet needs them")
    if not machine.bridge_filter:
        found.append(
            "this kernel does not filter bridged packets (`modprobe br_netfilter` did not help): Services need it"
        )
    return found


def _port_complaint(settings: Settings, port: int, by: tuple[int, str] | None) -> str:
    name = next(name for name in PORT_VARIABLES if getattr(settings.ports, name) == port)
    holder = f"process {by[0]} ({by[1]})" if by else "a process that cannot be seen"
    return (
        f"127.0.0.1:{port} is taken by {holder}: end it, or choose another port: "
        f"make up {PORT_VARIABLES[name]}={port + 1}"
    )


def look(settings: Settings, ports: Iterable[int]) -> Machine:
    """See what the machine has; `ports` are those that have to be free. Loads kernel modules where they are missing."""
    return Machine(
        root=os.geteuid() == 0,
        missing_programs=tuple(program for program in PROGRAMS if not os.access(program, os.X_OK)),
        disk_free=shutil.disk_usage(_existing(settings.state)).free,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        taken={port: listener(port) for port in ports if not is_free(port)},
        filesystems=_filesystems(),
        cgroups=bool(parse_mounts(Path("/proc/self/mountinfo").read_text())),
        bridge_filter=_has(Path("/proc/sys/net/bridge/bridge-nf-call-iptables"), "br_netfilter"),
    )


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _filesystems() -> frozenset[str]:
    names = Path("/proc/filesystems")
    if "overlay" not in names.read_text():
        _modprobe("overlay")
    return frozenset(line.split()[-1] for line in names.read_text().splitlines() if line.strip())


def _has(path: Path, module: str) -> bool:
    if not path.exists():
        _modprobe(module)
    return path.exists()


def _modprobe(module: str) -> None:
    if os.geteuid() == 0 and shutil.which("modprobe"):
        subprocess.run(["modprobe", module], capture_output=True, check=False)


def is_free(port: int) -> bool:
    """Whether 127.0.0.1:port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def parse_listeners(table: str) -> dict[int, str]:
    """Port → socket inode of every listening line of a /proc/net/tcp."""
    found = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            found[int(fields[1].rpartition(":")[2], 16)] = fields[9]
    return found


def listener(port: int) -> tuple[int, str] | None:
    """(pid, command) of who listens on the port, where this user may see it."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    inodes = [parse_listeners(table.read_text()).get(port) for table in tables if table.exists()]
    wanted = {f"socket:[{inode}]" for inode in inodes if inode}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in wanted for link in (directory / "fd").iterdir()):
                return int(directory.name), (directory / "comm").read_text().strip()
        except OSError:
            continue
    return None
