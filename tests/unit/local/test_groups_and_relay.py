"""Reading what the kernel says about control groups and mounts; the relay's routes; the command line itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local import cli, status
from guildnet_local.machine.cgroups import Hierarchy, parse_mounts
from guildnet_local.machine.namespaces import GIB, keeps_in_memory, memory, mount_points
from guildnet_local.machine.process import Record
from guildnet_local.machine.relay import Route

VERSION_1 = """\
25 21 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/cpu rw,relatime shared:5 - cgroup cgroup rw,cpu
27 25 0:24 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
28 25 0:25 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
29 25 0:23 / /elsewhere/cpu rw,relatime - cgroup cgroup rw,cpu
30 25 0:23 /docker/abc /inside rw,relatime - cgroup cgroup rw,cpu
"""
VERSION_2 = "26 25 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_every_hierarchy_counts_once_and_only_where_it_is_mounted_whole():
    assert parse_mounts(VERSION_1) == (
        Hierarchy(Path("/sys/fs/cgroup/cpu"), unified=False),
        Hierarchy(Path("/sys/fs/cgroup/systemd"), unified=False),
        Hierarchy(Path("/sys/fs/cgroup/unified"), unified=True),
    )


def test_version_2_is_one_hierarchy():
    assert parse_mounts(VERSION_2) == (Hierarchy(Path("/sys/fs/cgroup"), unified=True),)


def test_our_group_has_our_name():
    assert parse_mounts(VERSION_2)[0].ours == Path("/sys/fs/cgroup/guildnet")


def test_mount_points_are_the_fifth_field():
    assert mount_points(VERSION_2) == ["/sys/fs/cgroup"]


def test_a_route_is_written_as_it_is_read():
    assert str(Route.parse("16443=10.123.0.1:6443")) == "16443=10.123.0.1:6443"


@pytest.mark.parametrize("text", ["", "16443", "16443=", "16443=10.0.0.1", "x=10.0.0.1:1", "1=10.0.0.1:x"])
def test_what_is_no_route_is_refused(text: str):
    with pytest.raises(ValueError, match=r"is not PORT=ADDRESS:PORT|invalid literal"):
        Route.parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5s"), (119, "119s"), (120, "2m"), (7300, "2h01m"), (200000, "2d07h")]
)
def test_ages_are_short(seconds: float, text: str):
    assert status.age(seconds) == text


def test_an_ended_program_stands_out():
    record = Record("etcd", "digest", "/logs/etcd.log", 0.0, "boot")
    assert "ENDED" in status.process_line(record, 10.0)


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "url", "token", "kubeconfig", "tailnet", "image"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert command in capsys.readouterr().out


def test_a_wrong_cluster_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["--cluster=minikube", "status"]) == 1
    answer = capsys.readouterr()
    assert answer.out == ""
    assert answer.err.startswith("error: CLUSTER is 'minikube': it has to be `bare`, `kind` or `context:NAME`")


@pytest.mark.parametrize(
    ("choice", "total", "available", "answer"),
    [("", 24, 20, True), ("", 24, 7, False), ("", 8, 8, False), ("memory", 4, 1, True), ("disk", 64, 60, False)],
    ids=["plenty", "in use", "small machine", "asked for memory", "asked for disk"],
)
def test_images_go_into_memory_only_where_it_is_plentiful(choice: str, total: int, available: int, *, answer: bool):
    assert keeps_in_memory(choice, total * GIB, available * GIB) is answer


def test_memory_is_read_in_bytes():
    assert memory("MemTotal:  16 kB\nMemFree:  1 kB\nMemAvailable:  8 kB\n") == (16384, 8192)
