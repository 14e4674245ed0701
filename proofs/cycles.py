"""`down` and `up` five times in a row; nothing of the cluster outlives `down` outside the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from proofs import Figure
from support.local import ROOT

CYCLES = 5
# Where programs of the cluster could leave files; the cache itself is meant to stay. Temporary files get a directory of
# their own for the run, since anything else on the machine may write to the usual one meanwhile.
PLACES = ("/run", "/var/lib", "/var/log", "/etc/cni", "/opt/cni", "/etc/netns", "/var/run/netns", "/root")


TEMPORARY = Path(tempfile.mkdtemp(prefix="guildnet-cycles-"))


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
            stat = (directory / "stat").read_text()
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        start = stat.rsplit(")", 1)[1].split()[19]
        if command and int(directory.name) != os.getpid():
            found.add(f"{directory.name} {start} {command[:120]}")
    return found


def mounts() -> set[str]:
    return {line.split(" ")[4] + " " + line.rsplit(" - ", 1)[1] for line in _lines("/proc/self/mountinfo")}


def namespaces() -> set[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return set(listed.splitlines())


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def cgroups() -> set[str]:
    return {str(path) for path in Path("/sys/fs/cgroup").rglob("*") if path.is_dir()}


def files() -> set[str]:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found: set[str] = set()
    for place in (*PLACES, str(TEMPORARY)):
        for directory, _, names in os.walk(place):
            if Path(directory).is_relative_to(cache) or Path(directory).is_relative_to(ROOT):
                continue
            found.update(f"{directory}/{name}" for name in names)
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


LOOKS = {
    "process": processes, "mount": mounts, "namespace": namespaces, "link": links, "cgroup": cgroups, "file": files,
}  # fmt: skip


def local(command: str) -> float:
    started = time.monotonic()
    environment = os.environ | {"TMPDIR": str(TEMPORARY)}
    subprocess.run([sys.executable, "-m", "guildnet_local", command], check=True, cwd=ROOT, env=environment)
    return time.monotonic() - started


def prove() -> Figure:
    local("down")
    before = {what: look() for what, look in LOOKS.items()}
    times = []
    for number in range(1, CYCLES + 1):
        up, down = local("up"), local("down")
        times.append((up, down))
        print(f"  cycle {number}: up {up:.1f} s, down {down:.1f} s")
    # `make down && make up` is the promise; the extra `up` below leaves the machine as a person expects it.
    leaks = [f"{what}: {item}" for what, look in LOOKS.items() for item in sorted(look() - before[what])]
    for leak in leaks:
        print(f"  left behind: {leak}")
    subprocess.run([sys.executable, "-m", "guildnet_local", "up"], check=True, cwd=ROOT)
    shutil.rmtree(TEMPORARY)
    slowest = max(up for up, _ in times)
    return Figure(f"{CYCLES} cycles, slowest up {slowest:.0f} s, left behind: {len(leaks)}", not leaks)
