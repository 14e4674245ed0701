"""Who a process is, and ending exactly that one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from guildnet_local.machine import process
from guildnet_local.machine.process import Identity, Place, Processes, Program, parse_stat
from guildnet_local.settings import LocalError

STAT = "42 (a (strange) name) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 1 1"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as child:
        yield child
        child.kill()


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[bytes]]:
    code = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Processes]:
    records, logs = tmp_path / "records", tmp_path / "logs"
    records.mkdir()
    logs.mkdir()
    made = Processes(records, logs, Place((), Path("/none"), Path("/none")))
    yield made
    process.stop([record.identity for record in made.all() if record.identity], grace=1)
    process.reap()


def became(pid: int, command: bytes) -> bool:
    """Whether the process has become the program: it is recorded a moment before."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if Path(f"/proc/{pid}/cmdline").read_bytes() == command:
            return True
        os.sched_yield()
    return False


def test_a_command_with_blanks_and_brackets_does_not_shift_the_fields():
    assert parse_stat(STAT) == ("S", 98765)


def test_this_process_is_alive():
    identity = process.identify(os.getpid())
    assert identity is not None
    assert process.is_alive(identity)


@pytest.mark.parametrize(
    "other",
    [
        lambda identity: replace(identity, started=identity.started - 1),
        lambda identity: replace(identity, boot="another-boot"),
        lambda identity: replace(identity, pid=2**22 + 7),
    ],
    ids=["pid used again", "machine restarted", "no such pid"],
)
def test_another_process_is_not_taken_for_it(other):
    identity = process.identify(os.getpid())
    assert not process.is_alive(other(identity))


def test_a_pid_used_again_is_never_signalled(sleeper: subprocess.Popen[bytes]):
    identity = process.identify(sleeper.pid)
    assert identity is not None
    process.stop([replace(identity, started=identity.started - 1)])
    assert sleeper.poll() is None


def test_stop_ends_it_with_sigterm(sleeper: subprocess.Popen[bytes]):
    identity = process.identify(sleeper.pid)
    assert identity is not None
    process.stop([identity])
    assert sleeper.wait(5) == -signal.SIGTERM


def test_what_ignores_sigterm_is_killed(stubborn: subprocess.Popen[bytes]):
    identity = process.identify(stubborn.pid)
    assert identity is not None
    process.stop([identity], grace=0.1)
    assert stubborn.wait(5) == -signal.SIGKILL


def test_a_zombie_counts_as_ended():
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.identify(child.pid) is None
    child.wait()


def test_a_started_program_is_recorded_as_the_process_it_became(programs: Processes):
    record, started = programs.ensure(Program("sleeper", ("sleep", "600"), inside=False))
    assert started
    assert record.alive
    assert record.identity is not None
    assert became(record.identity.pid, b"sleep\x00600\x00")
    assert programs.record("sleeper") == record


def test_the_same_program_is_not_started_twice(programs: Processes):
    program = Program("sleeper", ("sleep", "600"), inside=False)
    first, _ = programs.ensure(program)
    assert programs.ensure(program) == (first, False)


@pytest.mark.parametrize(
    "changed",
    [
        Program("sleeper", ("sleep", "601"), inside=False),
        Program("sleeper", ("sleep", "600"), env={"A": "1"}, inside=False),
        Program("sleeper", ("sleep", "600"), inputs=("new configuration",), inside=False),
    ],
    ids=["arguments", "environment", "configuration"],
)
def test_a_changed_program_takes_the_place_of_the_running_one(programs: Processes, changed: Program):
    first, _ = programs.ensure(Program("sleeper", ("sleep", "600"), inside=False))
    second, started = programs.ensure(changed)
    assert started
    assert not first.alive
    assert second.alive


def test_a_program_gets_nothing_of_the_callers_environment(programs: Processes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://somewhere:3128")
    record, _ = programs.ensure(Program("sleeper", ("sleep", "600"), env={"MINE": "1"}, inside=False))
    assert record.identity is not None
    assert became(record.identity.pid, b"sleep\x00600\x00")
    environment = Path(f"/proc/{record.identity.pid}/environ").read_bytes().split(b"\0")
    assert b"MINE=1" in environment
    assert not any(item.startswith(b"HTTPS_PROXY") for item in environment)


def test_a_program_that_cannot_join_its_group_is_not_run(tmp_path: Path):
    place = Place((tmp_path / "no" / "cgroup.procs",), Path("/none"), Path("/none"))
    programs = Processes(tmp_path, tmp_path, place)
    with pytest.raises(LocalError, match="sleeper could not be started"):
        programs.ensure(Program("sleeper", ("sleep", "600"), inside=False))
    process.reap()


def test_a_record_without_an_identity_is_a_start_that_was_cut_short(programs: Processes, tmp_path: Path):
    programs.ensure(Program("sleeper", ("sleep", "600"), inside=False))
    record = programs.record("sleeper")
    assert record is not None
    assert record.identity is not None
    (tmp_path / "records" / "sleeper.stat").unlink()
    left = programs.record("sleeper")
    assert left is not None
    assert not left.alive
    process.stop([record.identity])


def test_inside_means_both_namespaces_and_the_same_pid_all_along():
    place = Place((Path("/cg/cgroup.procs"),), Path("/run/x/net"), Path("/run/x/mnt"))
    command = place.command_line(Program("etcd", ("/bin/etcd", "--name=x")), Path("/records/etcd.stat"))
    assert command[:2] == ["/bin/sh", "-c"]
    assert command[4:] == [
        "/records/etcd.stat", "/cg/cgroup.procs",
        "nsenter", "--net=/run/x/net", "--mount=/run/x/mnt", "--", "/bin/etcd", "--name=x",
    ]  # fmt: skip
    assert command[2].rstrip().endswith('exec "$@"')


def test_an_identity_of_an_earlier_boot_is_dead():
    assert not process.is_alive(Identity(os.getpid(), 1, "earlier"))
