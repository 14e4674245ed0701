"""How busy a core is, by the kernel's account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

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
