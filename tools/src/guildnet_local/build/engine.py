"""The proxy with its data path compiled, in the cache: a folder that goes first on PYTHONPATH.

`make setup` installs nothing for it: mypyc comes with mypy, and a C compiler is used where there is one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from guildnet_local.build.cache import Report, locked

MAX_KEPT = 3
_PROXY, _LIBRARY = "services/proxy", "libs/guildnet/src"


class NotCompiledError(Exception):
    """The data path cannot be compiled here; the text says why."""


def missing() -> str | None:
    """What it takes to compile and is not there."""
    if shutil.which("cc") is None:
        return "there is no C compiler (cc)"
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        return "there is no Python.h of this Python"
    needed = ("mypyc", "setuptools")
    return next((f"there is no {name} in this environment" for name in needed if find_spec(name) is None), None)


def _sources(checkout: Path) -> Iterator[Path]:
    yield checkout / _PROXY / "native.py"
    for folder in (f"{_PROXY}/src", _LIBRARY):
        yield from sorted((checkout / folder).rglob("*.py"))


def key(checkout: Path) -> str:
    """Changes whenever the compiled modules, or the types they are compiled by, can."""
    facts = hashlib.sha256(f"{sys.version} {version('mypy')}".encode())
    for path in _sources(checkout):
        facts.update(f"{path.relative_to(checkout)}\0".encode() + path.read_bytes())
    return facts.hexdigest()[:12]


def ensure(checkout: Path, cache: Path, report: Report) -> Path:
    """The folder with the package and its extensions, compiled when these sources never were; raises
    NotCompiledError."""
    if reason := missing():
        raise NotCompiledError(reason)
    target = cache / "engine" / key(checkout)
    with locked(cache / "engine" / ".lock", "the proxy's data path", report):
        if not target.is_dir():
            report("compiling the proxy's data path …")
            _compile(checkout, target)
            kept = sorted(target.parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime)
            for stale in kept[:-MAX_KEPT]:
                shutil.rmtree(stale, ignore_errors=True)
        os.utime(target)
    return target


def _compile(checkout: Path, target: Path) -> None:
    making = target.with_name(f".making-{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    source = checkout / _PROXY / "src"
    shutil.copytree(source, making, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    done = subprocess.run(
        [sys.executable, checkout / _PROXY / "native.py", making, making],
        env={**os.environ, "MYPYPATH": str(checkout / _LIBRARY)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(making)
        raise NotCompiledError(f"mypyc failed:\n{done.stdout}{done.stderr}")
    making.rename(target)
