"""The first seconds of `make up`: compilers start before the Python environment and the Debian packages are installed.

    python3 -m guildnet_local.prepare MAKE PYTHON [OPTION…] | compile

MAKE installs (`MAKE setup-up`), PYTHON is the environment's and runs `up` with the options, in place of this process,
when it is there.
The compilers are a child of this process and end with it. Only the standard library is used: nothing else is there yet.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from guildnet_local.build import programs
from guildnet_local.build.pins import UpstreamError
from guildnet_local.build.runner import ending_with_this_process
from guildnet_local.machine.steps import Clock
from guildnet_local.settings import BEGAN, COMPILES_AHEAD

# All that an `up` compiles, in the order in which it wants it. A kubectl is compiled when somebody first types one.
PROGRAMS = ("etcd", "kubernetes", "coredns", "tailnet", "local-path-provisioner", "helm")
COMPILE = (sys.executable, "-m", "guildnet_local.prepare", "compile")
TERMINATION_SECONDS = 30


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Install and compile, then become `up`; the exit code when something could not be installed."""
    make, python, *options = arguments
    compiles = environ.get("CLUSTER", "") in ("", "bare") and bool(programs.missing(PROGRAMS, environ))
    compilers = subprocess.Popen([*ending_with_this_process(), *COMPILE]) if compiles else None
    try:
        code = subprocess.run([make, "--no-print-directory", "--jobs=2", "setup-up"], check=False).returncode
    except KeyboardInterrupt:
        # Who types Ctrl-C interrupts the compilers as well.
        code = 130
    if code != 0:
        if compilers is not None:
            compilers.terminate()
            compilers.wait(TERMINATION_SECONDS)
        return code
    own = {name: value for name, value in environ.items() if name != "PYTHONPATH"}
    ahead = {COMPILES_AHEAD: "1"} if compiles else {}
    command = [python, "-m", "guildnet_local", "up", *options]
    os.execve(python, command, {**own, **ahead})  # noqa: S606  no shell is wanted
    raise AssertionError("not reached")


def compile_ahead(environ: Mapping[str, str] = os.environ) -> int:
    """Compile everything. What goes wrong is left to `up`, which meets it again and says it."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    clock = Clock.since(_say, float(environ[BEGAN])) if environ.get(BEGAN) else Clock(_say)
    try:
        programs.ensure(PROGRAMS, report=clock.say, environ=environ)
    except UpstreamError:
        return 1
    return 0


def _end(number: int, _: object) -> None:
    """End this process, once: what was being made is removed meanwhile, and a second signal must not cut that short."""
    for one in (signal.SIGTERM, signal.SIGINT):
        # Not SIG_IGN, which Python complains about where the second one is there already.
        signal.signal(one, _ending)
    sys.exit(128 + number)


def _ending(_number: int, _: object) -> None:
    """A second signal."""


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(compile_ahead() if sys.argv[1:] == ["compile"] else main(sys.argv[1:]))
