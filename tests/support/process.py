"""A program of a test: in a session of its own, stopped by its own id, never outliving the one that started it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from support.waiting import eventually

# The kernel ends the program when the one that started it ends, so a killed test run leaves nothing. Set by a program
# in front rather than between fork and exec, which Python warns about once there are threads.
_LEASH = ("setpriv", "--pdeathsig", "KILL", "--")
_PORTS = (11_000, 20_000)
_CHANCE = random.SystemRandom()
_RECENT: deque[int] = deque(maxlen=256)


class Process:
    """One running program; its output goes to a file that `tail` reads when something went wrong."""

    def __init__(self, argv: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.argv = [str(part) for part in argv]
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                [*_LEASH, *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._popen.send_signal(signal.SIGCONT)

    def stop(self, *, kill: bool = False, within: float = 10.0) -> None:
        """SIGTERM, or SIGKILL at once; returns when it is gone."""
        if self.running:
            self.resume()
            self._popen.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self._popen.wait(within)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(within)

    def tail(self, lines: int = 30) -> str:
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join([f"--- {self.argv[0]} (exit {self._popen.poll()}) said last:", *text[-lines:]])


def free_port() -> int:
    """A loopback port nobody listens on, for a program that is started later: another one than the last 256 times.

    From below the range of which the kernel gives ports to connections (ip(7), ip_local_port_range): one from there
    could belong to a connection of another test before the program listens.
    """
    while True:
        port = _CHANCE.randrange(*_PORTS)
        if port in _RECENT:
            continue  # it may be of a program that is not listening yet
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _RECENT.append(port)
            return port


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process, in nanosecond steps: the clock of clock_getcpuclockid(3).

    The ticks of `/proc/PID/stat` would need measurements of many seconds. Raises OSError for a process that is gone.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Memory that a process has resident (proc(5), statm)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def listening(process: Process, port: int, *, within: float = 20) -> None:
    """Returns when the process takes connections. Raises AssertionError with what it said where it does not."""

    async def listens() -> bool:
        assert process.running, process.tail()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(listens, within=within)
