"""One API server for all workers of a test run, stopped when the last of them is gone, however it went.

Every worker holds a shared lock on one file. A supervisor process owns the servers and waits for the exclusive lock:
the kernel gives it when no worker holds one any more, be it that they are done or that they were killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.apiserver import CONTROLLER_PROGRAMS, PROGRAMS, ApiServer, Servers
from support.waiting import until

_START_SECONDS = 240.0
_STOP_SECONDS = 20.0


@contextmanager
def shared_apiserver(directory: Path, *, controllers: bool = False) -> Iterator[ApiServer]:
    """The API server of this directory, started by whoever comes first."""
    directory.mkdir(parents=True, exist_ok=True)
    users = directory / "users"
    users.mkdir(exist_ok=True)
    mine = users / str(os.getpid())
    with (directory / "users.lock").open("w") as users_lock:
        with (directory / "start.lock").open("w") as start_lock:
            fcntl.flock(start_lock, fcntl.LOCK_EX)
            fcntl.flock(users_lock, fcntl.LOCK_SH)
            mine.touch()
            if not (directory / "state.json").exists():
                _start_supervisor(directory, controllers=controllers)
        state = json.loads((directory / "state.json").read_text())
        try:
            yield ApiServer(state["url"], Path(state["directory"]), Path(state["kubeconfig"]))
        finally:
            mine.unlink()
            fcntl.flock(users_lock, fcntl.LOCK_UN)
            if not any(users.iterdir()):
                with suppress(AssertionError):
                    until(lambda: not (directory / "state.json").exists(), "the servers stopped", seconds=_STOP_SECONDS)


def _start_supervisor(directory: Path, *, controllers: bool) -> None:
    from guildnet_local.build import programs

    names = CONTROLLER_PROGRAMS if controllers else PROGRAMS
    built = programs.ensure(names, report=lambda line: print(line, file=sys.stderr, flush=True))
    (directory / "programs.json").write_text(json.dumps({name: str(built[name]) for name in names}))
    log = directory / "supervisor.log"
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "support.shared", str(directory), "controllers" if controllers else "plain"],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with suppress(AssertionError):
        until(
            lambda: (directory / "state.json").exists() or supervisor.poll() is not None,
            "the servers started",
            seconds=_START_SECONDS,
        )
    if not (directory / "state.json").exists():
        with suppress(ProcessLookupError):
            supervisor.terminate()
        raise RuntimeError(f"the API server of the tests did not start:\n{log.read_text()}")
    # Not ours to wait for: it outlives this worker. Popen would warn about that when it is collected.
    supervisor.returncode = 0


def _supervise(directory: Path, *, controllers: bool) -> None:
    programs = {name: Path(path) for name, path in json.loads((directory / "programs.json").read_text()).items()}
    state, work = directory / "state.json", directory / "work"
    servers = Servers(work, programs, controllers=controllers)
    try:
        server = servers.start()
        unfinished = directory / "state.json.new"
        unfinished.write_text(
            json.dumps({"url": server.url, "directory": str(work), "kubeconfig": str(server.kubeconfig)})
        )
        unfinished.rename(state)
        with (directory / "users.lock").open("w") as users_lock:
            fcntl.flock(users_lock, fcntl.LOCK_EX)
            servers.stop()
            shutil.rmtree(work, ignore_errors=True)
            state.unlink(missing_ok=True)
    finally:
        servers.stop()


if __name__ == "__main__":
    _supervise(Path(sys.argv[1]), controllers=sys.argv[2] == "controllers")
