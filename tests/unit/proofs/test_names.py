"""What a cluster leaves under its own names is seen on any machine, and a machine without one has none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.machine.names import left

STAT = f"12 (docker) d) {{}} {' '.join(['0'] * 49)}\n"
"""Of a process in a state: fifty fields after its name, as proc(5) has them."""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine on which other programs run: a container engine, a temporary file, a control group."""
    for directory in ("run/lock", "run/containerd/io.containerd", "var/lib/docker", "tmp", "sys/fs/cgroup/cpu/docker",
                      "sys/class/net/eth0", "proc/self", "proc/12"):  # fmt: skip
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "run/lock/guildnet-local.lock").touch()
    (tmp_path / "tmp/somebody-elses").touch()
    (tmp_path / "proc/12/cmdline").write_bytes(b"/usr/bin/dockerd\0")
    (tmp_path / "proc/12/cgroup").write_text("0::/docker\n")
    (tmp_path / "proc/12/stat").write_text(STAT.format("S"))
    (tmp_path / "proc/self/mountinfo").write_text("22 1 0:21 / /tmp rw - tmpfs tmpfs rw\n")
    return tmp_path


def test_what_others_have_is_not_of_the_cluster(machine: Path):
    assert left(machine) == []


@pytest.mark.parametrize(
    "directory",
    ["run/guildnet-local", "var/lib/guildnet-local", "var/lib/kubelet", "opt/cni/bin", "sys/fs/cgroup/guildnet",
     "sys/fs/cgroup/cpu/guildnet", "sys/class/net/node0", "tmp/guildnet-local-x"],
)  # fmt: skip
def test_a_directory_that_is_left_is_seen(machine: Path, directory: str):
    (machine / directory).mkdir(parents=True)
    assert any(f"/{directory}" in item or Path(directory).name in item for item in left(machine))


def test_what_ip_netns_mounted_is_not_of_the_cluster(machine: Path):
    (machine / "run/netns").mkdir()
    assert left(machine) == ["empty directory: /run/netns"]
    (machine / "proc/self/mountinfo").write_text("138 27 254:0 /run/netns /run/netns rw - ext4 /dev/vda rw\n")
    assert left(machine) == []


@pytest.mark.parametrize(
    "line",
    [
        "30 1 0:50 / /run/guildnet-local/namespaces/net rw - nsfs nsfs rw",
        "31 1 0:51 / /somewhere rw - tmpfs guildnet-images rw",
    ],
)
def test_a_mount_that_is_left_is_seen(machine: Path, line: str):
    (machine / "proc/self/mountinfo").write_text(f"{line}\n")
    assert [item.partition(":")[0] for item in left(machine)] == ["mount"]


@pytest.mark.parametrize(
    ("command", "group"),
    [(b"etcd\0--data-dir=/var/lib/guildnet-local/etcd\0", "0::/\n"), (b"sh\0", "0::/guildnet/system\n")],
)
def test_a_process_that_is_left_is_seen(machine: Path, command: bytes, group: str):
    (machine / "proc/12/cmdline").write_bytes(command)
    (machine / "proc/12/cgroup").write_text(group)
    assert [item.partition(":")[0] for item in left(machine)] == ["process"]


def test_a_process_that_ended_and_that_init_has_not_asked_about_yet_is_not_left(machine: Path):
    (machine / "proc/12/cmdline").write_bytes(b"")
    (machine / "proc/12/cgroup").write_text("0::/guildnet/system (deleted)\n")
    (machine / "proc/12/stat").write_text(STAT.format("Z"))
    assert left(machine) == []
