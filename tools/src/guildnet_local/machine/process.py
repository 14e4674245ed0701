"""Processes by identity: a pid together with its start time, so that a pid used again is never taken for ours.

Starts long-running programs in a session of their own, in the cluster's namespaces and control group, with their output
in a log file; ends them with SIGTERM, then SIGKILL. Never looks for a process by its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from guildnet_local.settings import LocalError


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one boot. `started` is field 22 of /proc/PID/stat: clock ticks since boot."""

    pid: int
    started: int
    boot: str


@dataclass(frozen=True, slots=True)
class Program:
    """A long-running program: what to run, and what else decides whether a running one is still the right one."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    # Text of configuration files it reads at start.
    inputs: tuple[str, ...] = ()
    inside: bool = True

    @property
    def digest(self) -> str:
        text = json.dumps([self.argv, sorted(self.env.items()), self.inputs, self.inside])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept about a started program. `identity` is None when the start was cut short before the process ran."""

    name: str
    digest: str
    log: str
    since: float
    boot: str
    identity: Identity | None = None

    @property
    def alive(self) -> bool:
        return self.identity is not None and is_alive(self.identity)


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def parse_stat(text: str) -> tuple[str, int]:
    """(state letter, start time in ticks) of a /proc/PID/stat; the command in it may hold blanks and brackets."""
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def start_time(pid: int) -> int | None:
    """When the process started; None when there is none or it is a zombie that only waits to be reaped."""
    try:
        state, started = parse_stat(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else started


def identify(pid: int) -> Identity | None:
    started = start_time(pid)
    return None if started is None else Identity(pid, started, boot_id())


def is_alive(identity: Identity) -> bool:
    return identity.boot == boot_id() and start_time(identity.pid) == identity.started


def send(identity: Identity, number: int) -> None:
    """Signal exactly this process. Through a pidfd: the pid cannot pass to another process between look and signal."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        if is_alive(identity):
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def stop(identities: Iterable[Identity], *, grace: float = 3.0) -> None:
    """End them all: SIGTERM at once, SIGKILL after `grace` seconds. Returns when none is left.

    Raises LocalError when one outlives SIGKILL by five seconds.
    """
    left = [one for one in identities if is_alive(one)]
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for one in left:
            send(one, number)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            reap()
            left = [one for one in left if is_alive(one)]
            if left:
                time.sleep(0.02)
    if left:
        raise LocalError(f"processes that do not end: {', '.join(str(one.pid) for one in left)}")


def reap() -> None:
    """Collect ended children that nobody waits for: programs started by this very command."""
    for child in list(_children):
        if child.poll() is not None:
            _children.remove(child)


# Popen objects of programs that outlive this command; kept so that Python does not warn about them.
_children: list[subprocess.Popen[bytes]] = []

# Joins the control group, writes down who it is (the stat line holds pid and start time), then becomes the program: the
# same pid all along, so there is no moment in which a process of ours runs unrecorded or outside of the group.
_LAUNCH = """
for file in $2; do echo $$ > "$file" || exit 125; done
read -r stat < /proc/$$/stat && echo "$stat" > "$1.new" && mv "$1.new" "$1" || exit 125
shift 2
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where programs run: control group files to join and namespaces to enter."""

    tasks: tuple[Path, ...]
    netns: Path
    mount_namespace: Path

    def command_line(self, program: Program, stat: Path) -> list[str]:
        """The whole command: join the group, record the identity in `stat`, enter the namespaces, become the program.

        `nsenter` and not `ip netns exec`, which would remount /sys and hide the control groups from the kubelet.
        """
        enter = ["nsenter", f"--net={self.netns}", f"--mount={self.mount_namespace}", "--"] if program.inside else []
        return ["/bin/sh", "-c", _LAUNCH, "sh", str(stat), " ".join(map(str, self.tasks)), *enter, *program.argv]


class Processes:
    """The programs of the cluster: a record and a stat file each."""

    def __init__(self, records: Path, logs: Path, place: Place) -> None:
        self._records = records
        self._logs = logs
        self._place = place

    def record(self, name: str) -> Record | None:
        try:
            record = Record(**json.loads((self._records / f"{name}.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        try:
            stat = (self._records / f"{name}.stat").read_text()
        except FileNotFoundError:
            return record
        return replace(record, identity=Identity(int(stat.split()[0]), parse_stat(stat)[1], record.boot))

    def all(self) -> list[Record]:
        """The records of everything that was started, the first started first."""
        names = [path.stem for path in self._records.glob("*.json")] if self._records.is_dir() else []
        found = [record for name in names if (record := self.record(name)) is not None]
        return sorted(found, key=lambda record: record.since)

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def ensure(self, program: Program) -> tuple[Record, bool]:
        """The running program, and whether it was started now: it is, unless the very same already runs."""
        record = self.record(program.name)
        if record is not None and record.identity is not None and record.alive:
            if record.digest == program.digest:
                return record, False
            stop([record.identity], grace=10)
        return self._start(program), True

    def _start(self, program: Program) -> Record:
        path, stat = self._records / f"{program.name}.json", self._records / f"{program.name}.stat"
        log = self.log(program.name)
        stat.unlink(missing_ok=True)
        facts = {
            "name": program.name,
            "digest": program.digest,
            "log": str(log),
            "since": time.time(),
            "boot": boot_id(),
        }
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(facts))
        aside.replace(path)
        with log.open("ab") as output:
            child = subprocess.Popen(
                self._place.command_line(program, stat),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**ENVIRONMENT, **program.env},
                cwd="/",
                start_new_session=True,
            )
        _children.append(child)
        while not stat.exists():
            if child.poll() is not None:
                raise LocalError(f"{program.name} could not be started; its log is {log}:\n{tail(log)}")
            time.sleep(0.002)
        record = self.record(program.name)
        assert record is not None  # noqa: S101  just written, under the machine's lock
        return record


# What every program gets. No proxies, tokens or certificates of the caller's shell: the cluster talks to itself.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
}


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented; what a person wants to see when a program did not come up."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return "    (no log)"
    return "\n".join(f"    {line[:400]}" for line in text.splitlines()[-lines:]) or "    (empty log)"
