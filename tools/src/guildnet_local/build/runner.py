"""Child processes that build something: a compiler, an image builder, npm.

The output is handed on line by line, a progress line is reported every heartbeat, and when the build is interrupted
the child is ended with everything it started. Knows nothing of what is built or of what the output means.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from guildnet_local.build.cache import Report

HEARTBEAT_SECONDS = 10.0
# How long a process group may take to end after SIGTERM, and its output to be read after that.
TERMINATION_SECONDS = 10.0
DRAIN_SECONDS = 10.0
# How long a signal may wait for its handler.
SLICE_SECONDS = 0.05

# The builders that run now.
_running: set[subprocess.Popen[bytes]] = set()


def duration(seconds: float) -> str:
    """`9.4 s` below ten seconds, else `42 s` or `4 min 51 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def exit_phrase(code: int) -> str:
    """`exit code 3`, or `signal 9` for the negative code by which subprocess says that a signal ended the child."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress lines of one build: its name, where the lines go, how often one is due, when the build began."""

    what: str
    report: Report
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the build began."""
        return time.monotonic() - self.started

    @property
    def elapsed(self) -> str:
        """Time since the build began, such as `1 min 05 s`."""
        return duration(self.seconds)

    def say(self, text: str) -> None:
        """Report `text` with the build's name and its time so far."""
        self.report(f"  {self.what}: {text} ({self.elapsed})")


@dataclass(frozen=True, slots=True)
class Command:
    """One call of a builder. Without `env` it gets the caller's environment; `stdin` is the text of its input."""

    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    stdin: str = ""


def run(command: Command, take: Callable[[str], None], progress: Progress, state: Callable[[], str]) -> int:
    """Run the command to its end; the exit code, negative for a signal as in subprocess.

    `take` is called in a thread with each line of standard output and standard error, without its line end. `state`
    is what the progress line says every heartbeat.
    """
    process = subprocess.Popen(
        [*ending_with_this_process(), *command.argv],
        env=None if command.env is None else dict(command.env),
        cwd=command.cwd,
        stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    reader = threading.Thread(target=_drain, args=(process.stdout, take), daemon=True)
    try:
        reader.start()
        _running.add(process)
        _feed(process.stdin, command.stdin)
        while not _ended(process, progress.heartbeat_seconds):
            progress.say(state())
        process.wait()
    finally:
        _running.discard(process)
        _end_group(process)
        if reader.ident is not None:
            reader.join(DRAIN_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
    return process.returncode


def end_all() -> None:
    """End every builder that runs, in whichever thread; each `run` then returns with the signal as its code."""
    for process in tuple(_running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def ending_with_this_process() -> list[str]:
    """A prefix that ends the builder when this process is killed: else the next build would meet it still at work."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Has the child ended, at the latest after so many seconds?

    `Popen.wait` with a timeout takes a lock every few milliseconds, and a signal's exception in the wrong one leaves it
    locked: nothing could wait for the child any more. Slices, because a signal that the kernel gives to another thread
    does not end a wait of the main one, whose handlers run between them.
    """
    until = time.monotonic() + seconds
    descriptor = os.pidfd_open(process.pid)
    poll = select.poll()  # `select` refuses descriptors from 1024 on
    poll.register(descriptor, select.POLLIN)
    try:
        while (rest := until - time.monotonic()) > 0:
            if poll.poll(min(SLICE_SECONDS, rest) * 1000):
                return True
        return False
    finally:
        os.close(descriptor)


def _feed(stream: IO[bytes] | None, text: str) -> None:
    """Write the child's input. A child that ended before it read all of it is judged by its exit code."""
    if stream is not None:
        with contextlib.suppress(BrokenPipeError), stream:
            stream.write(text.encode())


def _drain(stream: IO[bytes] | None, take: Callable[[str], None]) -> None:
    if stream is not None:
        for line in stream:
            take(line.decode(errors="replace").rstrip())


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a builder that still runs and what it started: they share its process group, and it may go before they do."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    until = time.monotonic() + TERMINATION_SECONDS
    while process.poll() is None or _members(process.pid):
        if time.monotonic() > until:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.01)
    process.wait()


def _members(group: int) -> list[int]:
    """The running processes of a process group; a zombie that its parent has not waited for is not one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                state, _, of = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
                if int(of) == group and state not in "ZX":
                    found.append(int(entry.name))
    return found
