"""The installation of Debian packages, with played dpkg and apt: what it asks of them, and in which order."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "install-packages"


class Machine:
    """Programs on PATH that write down their call; `dpkg-query` knows one package."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.calls = place / "calls"
        for name in ("dpkg", "apt-get"):
            self.program(name, "")
        self.program("dpkg-query", 'case "$*" in *containerd*) printf installed;; *) exit 1;; esac')

    def program(self, name: str, then: str) -> None:
        path = self.place / "bin" / name
        path.parent.mkdir(exist_ok=True)
        noted = "" if name == "dpkg-query" else f'echo "{name} $*" >> {self.calls}\n'
        path.write_text(f"#!/bin/sh\n{noted}{then}\n")
        path.chmod(0o755)

    def install(self, *wanted: str) -> subprocess.CompletedProcess[str]:
        file = self.place / "packages.txt"
        file.write_text("# the node\n" + "\n".join(wanted) + "\n")
        path = f"{self.place / 'bin'}:/usr/bin:/bin"
        return subprocess.run(
            [SCRIPT, file], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")


@needs_root
def test_what_is_missing_is_installed_after_what_an_interrupted_installation_left(machine: Machine):
    done = machine.install("containerd", "runc", "nftables  # kube-proxy")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "installing 2 Debian packages: runc nftables …\n"
    assert machine.calls.read_text().splitlines() == [
        "dpkg --configure -a",
        "apt-get update -qq",
        "apt-get install -y -qq --no-install-recommends runc nftables",
    ]


def test_nothing_is_called_when_all_is_there(machine: Machine):
    done = machine.install("containerd")
    assert (done.returncode, done.stdout, machine.calls.exists()) == (0, "", False)


@needs_root
def test_a_failure_shows_the_last_lines_and_leaves_services_as_they_were(machine: Machine):
    machine.program("apt-get", "echo E: no network; exit 100")
    policy = Path("/usr/sbin/policy-rc.d")
    before = policy.exists()
    done = machine.install("runc")
    assert done.returncode == 1
    assert "E: no network" in done.stderr
    assert policy.exists() == before
