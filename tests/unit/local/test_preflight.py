"""What stands in the way is said all at once, each with its next step."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guildnet_local.machine import preflight
from guildnet_local.machine.preflight import GIB, PACKAGES_FILE, PROGRAMS, Machine, complaints, parse_listeners
from guildnet_local.settings import load

SETTINGS = load({"HOME": "/home/somebody"})
GOOD = Machine(
    root=True, missing_programs=(), disk_free=50 * GIB, memory=8 * GIB, taken={},
    filesystems=frozenset({"overlay", "ext4"}), cgroups=True, bridge_filter=True,
)  # fmt: skip


def test_nothing_is_said_about_a_machine_that_has_everything():
    assert complaints(GOOD, SETTINGS) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"root": False}, ("needs root", "sudo make up", "CLUSTER=context:NAME")),
        (
            {"missing_programs": ("/usr/sbin/nft", "/usr/bin/ctr")},
            ("/usr/sbin/nft", "apt-get install --no-install-recommends containerd nftables"),
        ),
        ({"disk_free": 9 * GIB}, ("9.0 GiB are free", "needs 10", "/home/somebody/.cache/guildnet")),
        ({"memory": 3 * GIB}, ("3.0 GiB of memory", "needs 4")),
        ({"taken": {8080: (77, "nginx")}}, ("127.0.0.1:8080", "process 77 (nginx)", "make up GUILDNET_PORT=8081")),
        ({"taken": {16443: None}}, ("127.0.0.1:16443", "cannot be seen", "GUILDNET_API_PORT=16444")),
        ({"taken": {1055: None}}, ("127.0.0.1:1055", "GUILDNET_SOCKS_PORT=1056")),
        ({"filesystems": frozenset({"ext4"})}, ("overlay",)),
        ({"cgroups": False}, ("control groups",)),
        ({"bridge_filter": False}, ("br_netfilter",)),
    ],
    ids=[
        "root",
        "package",
        "disk",
        "memory",
        "port",
        "port of a hidden process",
        "socks",
        "overlay",
        "cgroups",
        "bridge",
    ],
)
def test_each_complaint_says_what_and_what_to_do(change: dict[str, Any], words: tuple[str, ...]):
    (complaint,) = complaints(replace(GOOD, **change), SETTINGS)
    assert [word for word in words if word not in complaint] == []


def test_everything_is_said_at_once():
    assert len(complaints(replace(GOOD, root=False, memory=GIB, disk_free=GIB), SETTINGS)) == 3


def test_every_program_looked_for_comes_with_a_package_that_make_installs():
    lines = [line.split("#")[0].strip() for line in PACKAGES_FILE.read_text().splitlines()]
    assert set(PROGRAMS.values()) <= set(filter(None, lines))


def test_only_listening_sockets_count():
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
        "   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n"
    )
    assert parse_listeners(table) == {8080: "4711"}


def test_who_listens_is_found(tmp_path: Path):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        assert not preflight.is_free(port)
        found = preflight.listener(port)
        assert found is not None
        assert Path(f"/proc/{found[0]}").samefile("/proc/self")
    assert preflight.is_free(port)
