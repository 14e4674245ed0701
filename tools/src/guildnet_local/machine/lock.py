"""One command at a time and one cluster per machine.

The lock file is held (flock) while a command changes something and says which; the cluster's own file says whose
cluster runs, since when, and what made it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from guildnet_local.settings import LocalError


@dataclass(frozen=True, slots=True)
class Holder:
    """The command that holds the lock."""

    pid: int
    command: str
    checkout: str
    since: float


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose cluster this is and what made it. `complete` after the first `up` that reached its end."""

    checkout: str
    since: float
    version: str
    boot: str
    complete: bool = False

    @staticmethod
    def read(path: Path) -> Owner | None:
        try:
            return Owner(**json.loads(path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(asdict(self)) + "\n")
        aside.replace(path)

    def completed(self) -> Owner:
        return replace(self, complete=True)


def when(since: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))


def other_checkout(owner: Owner) -> str:
    """What a second checkout is told."""
    return (
        f"the local cluster of another checkout runs: {owner.checkout}, since {when(owner.since)}. "
        f"There is one per machine. Take it down there (make -C {owner.checkout} down), "
        "or from here with `python -m guildnet_local down --other`."
    )


def other_version(owner: Owner, version: str) -> str:
    return (
        f"a local cluster made by another version runs ({owner.version}; this checkout makes {version}), "
        f"since {when(owner.since)}. Run `make down` first, then `make up`."
    )


def busy(holder: Holder) -> str:
    return (
        f"`{holder.command}` of {holder.checkout} is at work (process {holder.pid}, since {when(holder.since)}): "
        "waiting for it …"
    )


@contextmanager
def held(path: Path, holder: Holder, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the machine's lock. Waits for a command of the same checkout; raises LocalError for another one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+") as file:
            _acquire(file, holder, report)
            # The command we waited for may have removed the file: then we hold a lock that nobody else sees.
            if not path.exists() or os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                continue
            file.seek(0)
            file.truncate()
            file.write(json.dumps(asdict(holder)) + "\n")
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _acquire(file: IO[str], holder: Holder, report: Callable[[str], None]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        current = _holder(file)
        if current is None:
            # It took the lock this moment and has not said who it is.
            time.sleep(0.2)
            current = _holder(file) or Holder(0, "another command", holder.checkout, time.time())
        if current.checkout != holder.checkout:
            raise LocalError(busy(current).removesuffix(": waiting for it …") + "; try again when it is done") from None
        report(busy(current))
        fcntl.flock(file, fcntl.LOCK_EX)


def _holder(file: IO[str]) -> Holder | None:
    file.seek(0)
    try:
        return Holder(**json.loads(file.read()))
    except (ValueError, TypeError):
        return None
