"""Standard output that several processes share: whole lines, never one inside of another.

What is written to a pipe at once may be cut above 4 KiB, and another process' bytes come between: whoever sends a long
path could so put lines into the audit.
"""

from __future__ import annotations

import fcntl
import io
import logging
import os
import sys
from pathlib import Path


class SharedOutput(io.TextIOBase):
    """Holds what is written until `flush`, which writes it while nobody else who has this lock file does."""

    def __init__(self, descriptor: int, lock: Path) -> None:
        self._descriptor = descriptor
        self._lock = lock.open("w")
        self._held: list[str] = []

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        self._held.append(text)
        return len(text)

    def flush(self) -> None:
        data = "".join(self._held).encode(errors="backslashreplace")
        self._held.clear()
        if not data:
            return
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)


def share_output(lock: Path) -> None:
    """From now on this process' standard output, and its log, is written so."""
    sys.stdout = SharedOutput(1, lock)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stdout)
