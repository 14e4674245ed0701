"""The cluster's network namespace and mount namespace.

Both are pinned by a file, so they outlive the command that made them and need no process. The network namespace keeps
the cluster unreachable from outside the machine. The mount namespace gives the cluster's programs private versions of
the paths they have built in (/run/containerd, /var/lib/cni, /var/lib/kubelet, /var/log/containers) and of the kernel
settings that the kubelet would change for the whole machine; every mount that containers need lives and dies with it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from guildnet_local.machine.journal import Journal
from guildnet_local.settings import NODE_IP, SERVICE_NET, LocalError, Settings

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
GIB = 1 << 30
BRIDGE = "node0"

# What the kubelet writes into /proc/sys at start. It is given files that already say so: panicking on an oops is not a
# decision to make for the whole of a person's machine.
KUBELET_SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def run(*command: str, stdin: str | None = None) -> str:
    """The output of a short command. Raises LocalError with what it said when it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise LocalError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def is_pinned(path: Path) -> bool:
    """Whether a namespace is mounted on this file."""
    return str(path) in mount_points()


def mount_points(mountinfo: str | None = None) -> list[str]:
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    return [line.split(" ")[4] for line in text.splitlines()]


def make_directory(journal: Journal, path: Path) -> None:
    """A directory outside of our own trees, with the parents it lacks; each is written down, and goes if empty."""
    missing = [path, *path.parents][: next(i for i, p in enumerate([path, *path.parents]) if p.exists())]
    for directory in reversed(missing):
        journal.intend("mountpoint", path=str(directory))
        directory.mkdir(exist_ok=True)


def make_pins(journal: Journal, directory: Path) -> None:
    """The directory that namespaces are pinned in: a private mount, as pinning a mount namespace needs."""
    directory.mkdir(parents=True, exist_ok=True)
    journal.intend("pins", path=str(directory))
    if str(directory) not in mount_points():
        run("mount", "--bind", str(directory), str(directory))
        run("mount", "--make-private", str(directory))


def make_network(settings: Settings, journal: Journal) -> None:
    """The network namespace with the node's address; completes one that was left half-made."""
    make_pins(journal, settings.netns.parent)
    journal.intend("netns", path=str(settings.netns))
    if not is_pinned(settings.netns):
        settings.netns.touch()
        run("unshare", f"--net={settings.netns}", "true")
    inside = ("nsenter", f"--net={settings.netns}", "--")
    # -force goes on after a line that fails: on a second run most of them say that it is there already.
    subprocess.run(
        [*inside, "ip", "-force", "-batch", "-"], input=_NETWORK, capture_output=True, text=True, check=False
    )
    if SERVICE_NET not in run(*inside, "ip", "route", "show", "dev", BRIDGE):
        run(*inside, "ip", "-batch", "-", stdin=_NETWORK)
    run(*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward && "
        "echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables")  # fmt: skip


# The veth end gives the bridge carrier. The Service range needs a route, because a packet is routed before kube-proxy's
# rules see it. There is no default route: what leaves for the internet fails at once instead of after a timeout.
_NETWORK = f"""
link set lo up
link add {BRIDGE} type bridge
link add node0-a type veth peer name node0-b
link set node0-a master {BRIDGE} up
link set node0-b up
addr add {NODE_IP}/24 dev {BRIDGE}
link set {BRIDGE} up
route add {SERVICE_NET} dev {BRIDGE}
"""


def private_paths(settings: Settings) -> dict[Path, Path]:
    """Paths built into the programs, and the place of ours that each means inside the mount namespace."""
    return {
        Path("/run/containerd"): settings.run / "containerd-shims",
        Path("/var/lib/cni"): settings.run / "cni",
        Path("/var/lib/kubelet"): settings.state / "kubelet",
        Path("/var/log/containers"): settings.state / "container-logs",
    }


def make_mounts(settings: Settings, journal: Journal) -> None:
    """The mount namespace with the private paths in it."""
    pin = settings.mount_namespace
    for path, ours in private_paths(settings).items():
        make_directory(journal, path)
        ours.mkdir(parents=True, exist_ok=True)
    make_pins(journal, pin.parent)
    journal.intend("mountns", path=str(pin))
    if not is_pinned(pin):
        pin.touch()
        run("unshare", f"--mount={pin}", "--propagation", "slave", "true")
    inside = ("nsenter", f"--mount={pin}", "--")
    present = set(mount_points(run(*inside, "cat", "/proc/self/mountinfo")))
    wanted = private_paths(settings) | _sysctl_files(settings)
    script = [f"mount --bind {ours} {path}" for path, ours in wanted.items() if str(path) not in present]
    store = settings.state / "containerd"
    if str(store) not in present and not store.exists() and keeps_in_memory(settings.image_store, *memory()):
        store.mkdir(mode=0o711)
        script.append(f"mount -t tmpfs -o mode=711,size=50% guildnet-images {store}")
    if script:
        # rshared: the kubelet hands mounts on to containers. Nothing of it reaches the machine: to it we are a slave.
        run(*inside, "sh", "-ec", "\n".join(["mount --make-rshared /", *script]))


def keeps_in_memory(choice: str, total: int, available: int) -> bool:
    """Whether images are unpacked into memory: unless told otherwise, where it is plentiful.

    They take about 1.3 GiB and go with the cluster anyway. On a disk, unpacking them and removing them again is most of
    what `up` and `down` wait for.
    """
    return choice == "memory" or (not choice and total >= 16 * GIB and available >= 8 * GIB)


def memory(meminfo: str | None = None) -> tuple[int, int]:
    """(total, available) bytes."""
    text = Path("/proc/meminfo").read_text() if meminfo is None else meminfo
    fields = {line.split(":")[0]: line.split()[1] for line in text.splitlines() if ":" in line}
    return int(fields["MemTotal"]) * 1024, int(fields["MemAvailable"]) * 1024


def _sysctl_files(settings: Settings) -> dict[Path, Path]:
    """Files that stand in for kernel settings; only for those that this kernel has."""
    directory = settings.run / "sysctl"
    directory.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, value in KUBELET_SYSCTLS.items():
        real = Path("/proc/sys") / name
        if real.exists():
            ours = directory / name.replace("/", ".")
            ours.write_text(f"{value}\n")
            files[real] = ours
    return files


def unpin(path: Path) -> None:
    """Undo a pinned namespace: it ends with its last process. Tolerates that it was never made."""
    if is_pinned(path):
        run("umount", str(path))
    path.unlink(missing_ok=True)


def remove_pins(directory: Path) -> None:
    """Undo `make_pins`, once nothing is pinned there any more."""
    if str(directory) in mount_points():
        run("umount", str(directory))


def enter_network(path: Path) -> None:
    """Move the calling thread into a network namespace. Python 3.11 has no os.setns."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"cannot enter {path}: {os.strerror(number)}")
    finally:
        os.close(descriptor)


def within(path: Path, look: Callable[[], T]) -> T:
    """What `look` gives inside the network namespace. It gets a thread of its own: namespaces are per thread."""
    answers: list[T] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            enter_network(path)
            answers.append(look())
        except BaseException as problem:  # noqa: BLE001  handed to the caller, whatever it is
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return answers[0]
