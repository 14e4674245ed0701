"""How many CPUs this container may use, as its control group says (version 2 or 1)."""

from __future__ import annotations

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpu_limit(cgroup: Path = CGROUP) -> float | None:
    """CPUs, None where there is no limit or nobody says."""
    words = _words(cgroup / "cpu.max") or [
        *_words(cgroup / "cpu/cpu.cfs_quota_us"),
        *_words(cgroup / "cpu/cpu.cfs_period_us"),
    ]
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None  # "max" or -1: no limit
    quota, period = map(int, words)
    return quota / period if period else None


def processes_of(asked: int, cgroup: Path = CGROUP) -> int:
    """How many processes serve: those asked for; for 0 one for each whole CPU of the limit, at least one."""
    return asked or max(1, int(cpu_limit(cgroup) or 1))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
