"""One command of a test run: in a process group of its own; interrupted once, with the run, and then waited for.

Ctrl-C in a terminal reaches a whole process group at once, and `subprocess.run` kills its child a quarter of a second
later. A test that has made something on a cluster in use would then not get to take it away again.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Final

ENDING_SECONDS: Final = 120
"""For what an interrupted command has to take away; after that it is killed."""
INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def catch_interrupts() -> None:
    """Make every way of asking this program to end a KeyboardInterrupt.

    Commands run in the background of the terminal, which would stop those that set its modes.
    """
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def _interrupt(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A block that no interrupt ends, nor any command that it runs (they inherit what is ignored)."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(command: Sequence[str], cwd: Path) -> int:
    """The exit status of a command. On KeyboardInterrupt the command has ended, in its own way, before it is raised."""
    with subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, process_group=0) as child:
        return _ended(child)


@contextmanager
def beside(command: Sequence[str], cwd: Path, output: IO[bytes]) -> Iterator[Callable[[], int]]:
    """Run a command while the block runs, its output in a file; what is yielded waits for it and gives its exit status.

    A command that was not waited for is interrupted at the end of the block, in its own way.
    """
    with subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, process_group=0
    ) as child:
        try:
            yield lambda: _ended(child)
        finally:
            if child.poll() is None:
                with undisturbed():
                    _end(child)


def _ended(child: subprocess.Popen[bytes]) -> int:
    try:
        return child.wait()
    except KeyboardInterrupt:
        with undisturbed():
            _end(child)
        raise


def _end(child: subprocess.Popen[bytes]) -> None:
    """Interrupt the group as a terminal would, and wait."""
    os.killpg(child.pid, signal.SIGINT)
    try:
        child.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
