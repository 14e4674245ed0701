"""The cache outside the checkout: where it is, and locks that keep two checkouts from building one thing at once."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Report = Callable[[str], None]


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The program's cache; a relative XDG_CACHE_HOME is ignored, as XDG says."""
    named = environ.get("XDG_CACHE_HOME", "")
    root = Path(named) if named.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".cache"
    return root / "guildnet"


@contextmanager
def locked(path: Path, what: str, report: Report) -> Iterator[None]:
    """Hold the lock file at `path`; says who is waited for when another process or thread has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            report(f"{what} is being built by process {lock.read().strip() or '?'}: waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
