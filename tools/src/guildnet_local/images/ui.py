"""The built files of the browser UI, kept in the cache under a key of their sources.

npm runs in a copy, so the checkout's own node_modules and dist are neither used nor touched. Packages stay installed
for the next build as long as the lock file does.
"""

import hashlib
import os
import shutil
from pathlib import Path

from guildnet_local.build.cache import Report, locked
from guildnet_local.build.runner import Command, Progress
from guildnet_local.images.context import Entry, key, lay_out, tree
from guildnet_local.images.host import ca_bundle
from guildnet_local.images.job import Job, megabytes
from guildnet_local.images.node import environment, node_version, npm
from guildnet_local.images.recipes import ImageError

_LEFT_OUT = frozenset({"dist", "coverage", "test-results"})
_TESTS = (".test.ts", ".test.tsx")
_LOCKS = ("package.json", "package-lock.json", ".npmrc")
_MAX_KEPT_BUILDS = 2


def sources(directory: Path) -> tuple[Entry, ...]:
    """The files the built UI depends on: all but its tests."""
    if not (directory / "package-lock.json").is_file():
        raise ImageError(f"the UI cannot be built: {directory} has no package-lock.json")
    places = sorted(path.name for path in directory.iterdir() if path.name not in _LEFT_OUT | {"node_modules"})
    found = (entry for place in places for entry in tree(place, directory / place))
    return tuple(entry for entry in found if not entry.place.endswith(_TESTS))


def ensure(directory: Path, cache: Path, report: Report) -> Path:
    """The directory of the built files, built when its sources are new. Raises ImageError."""
    files = sources(directory)
    home = cache / "ui"
    target = home / key(files, {"node": node_version()})
    if not target.is_dir():
        with locked(home / ".lock", "the UI", report):
            if not target.is_dir():
                _build(files, home, target, Job(Progress("ui", report), cache / "images" / "logs" / "ui.log"))
    os.utime(target)
    return target


def _build(files: tuple[Entry, ...], home: Path, target: Path, job: Job) -> None:
    job.progress.report("building the UI …")
    job.log.unlink(missing_ok=True)
    work = home / "work"
    modules, installed = work / "node_modules", work / ".installed"
    locks = (entry.source.read_bytes() for entry in files if entry.place in _LOCKS)
    wanted = hashlib.sha256(b"\0".join((node_version().encode(), *locks))).hexdigest()
    kept = modules.is_dir() and installed.is_file() and installed.read_text() == wanted
    for left in work.iterdir() if work.is_dir() else ():
        if not (kept and left in {modules, installed}):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    lay_out(files, work)
    if not kept:
        job.run(Command(npm("ci", "--no-audit", "--no-fund"), environment(os.environ, ca_bundle()), cwd=work))
        installed.write_text(wanted)
    job.run(Command(npm("run", "build"), environment(os.environ, ca_bundle()), cwd=work))
    if not (work / "dist" / "index.html").is_file():
        raise ImageError("the UI's build left no dist/index.html")
    size = sum(path.stat().st_size for path in (work / "dist").rglob("*") if path.is_file())
    (work / "dist").rename(target)
    builds = sorted((path for path in home.iterdir() if len(path.name) == 12), key=lambda path: path.stat().st_mtime)
    for stale in builds[:-_MAX_KEPT_BUILDS]:
        shutil.rmtree(stale, ignore_errors=True)
    job.progress.report(f"built the UI: {megabytes(size)}, {job.progress.elapsed}")
