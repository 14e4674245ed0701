"""The kernel's account: how busy a core is, what a proxy and its workers use."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from support import process

_IDLE = (3, 4)
"""Columns of idle and iowait in proc(5) `/proc/stat`."""


@dataclass(frozen=True, slots=True)
class Core:
    """One core by its number."""

    number: int

    def busy_seconds(self) -> float:
        """Seconds since boot in which the core did anything for anyone, in clock ticks."""
        for line in Path("/proc/stat").read_text().splitlines():
            name, *columns = line.split()
            if name == f"cpu{self.number}":
                ticks = [int(column) for column in columns[:8]]
                return sum(t for at, t in enumerate(ticks) if at not in _IDLE) / os.sysconf("SC_CLK_TCK")
        raise OSError(f"/proc/stat has no core {self.number}")


def tree(pid: int) -> list[int]:
    """A process and all that descend from it: a proxy may have workers."""
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        for task in Path(f"/proc/{found[-1]}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                waiting += map(int, task.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and those that descend from it. Raises OSError where it is gone."""
    return sum(map(process.cpu_seconds, tree(pid)))


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and those that descend from it; what they share counts for each."""
    return sum(map(process.resident_bytes, tree(pid)))


TICKS: Final = 100
"""Steps of the clock of CPU time that a sample has to hold at least."""


@cache
def clock_step() -> float:
    """Seconds of the smallest step in which the kernel's account of a process's CPU time is seen to advance."""
    steps = []
    for _ in range(200):
        began = now = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)
        while now == began:
            now = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)
        steps.append(now - began)
    return min(steps) / 1e9


def shortest_sample() -> float:
    """Seconds of CPU time that a sample has to be; nothing is said by less."""
    return TICKS * clock_step()
