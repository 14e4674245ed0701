"""Upstream programs (Kubernetes, etcd, Helm, Tailscale …) as executables, built from pinned Go modules.

A build happens when a program is first needed and is kept outside the checkout, in
`$XDG_CACHE_HOME/guildnet/programs/GROUP-KEY/`, where it appears in one rename: either whole or not at all. The key
covers everything that decides the build, so a second clone finds the same programs and a changed pin builds anew.
It refuses to download executables: everything is compiled from Go modules.

    python -m guildnet_local.build.programs build [GROUP…] | path PROGRAM | list
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from guildnet_local import settings
from guildnet_local.build import cache, installed
from guildnet_local.build.cache import Report
from guildnet_local.build.go import Go, GroupBuild, build_group, find_go, target_platform
from guildnet_local.build.pins import (
    GO_RELEASE,
    GROUPS,
    PROGRAMS,
    Group,
    UpstreamError,
    groups_of,
    key,
    programs_of,
)
from guildnet_local.build.runner import Progress

__all__ = ["UpstreamError", "cache_directory", "ensure", "main", "missing"]

# The newest builds of a group that stay: the current one and the one another checkout or branch may be on.
_MAX_KEPT_BUILDS = 2
_FACTS_FILE = "build.json"


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the programs are kept; made when missing. A relative XDG_CACHE_HOME is ignored, as XDG says."""
    directory = settings.cache_directory(environ) / "programs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def ensure(names: Iterable[str], *, report: Report = print, environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """The executables of the named programs or groups; those not there yet are built, one group after the other.

    A program of this machine that will do is used instead of building one. `report` is given a line at the start and at
    the end of a build and one every ten seconds in between; nothing when all is there. Raises UpstreamError: an unknown
    name, Go missing or too old, a build that fails.
    """
    programs = programs_of(names)
    found = _present(programs, environ)
    groups = groups_of(program for program in programs if program not in found)
    if groups:
        go = find_go(environ)
        if len(groups) > 1:
            _fetch_ahead(groups, go, environ)
        for group in groups:
            directory = ensure_group(group, go, report=report, environ=environ)
            found |= {program: directory / program for program in group.programs}
    return {program: found[program] for program in programs}


def missing(names: Iterable[str], environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Those of the named programs or groups that `ensure` would have to build."""
    programs = programs_of(names)
    found = _present(programs, environ)
    return tuple(program for program in programs if program not in found)


def _present(programs: Iterable[str], environ: Mapping[str, str]) -> dict[str, Path]:
    """The programs that are there: built before, or installed on this machine."""
    found = {}
    for program in programs:
        group = PROGRAMS[program]
        built = target(group, environ)
        if built.is_dir():
            # The time of last use decides which builds are stale.
            os.utime(built)
            found[program] = built / program
        elif (path := installed.find(program, group.version, environ)) is not None:
            found[program] = path
    return found


def target(group: Group, environ: Mapping[str, str]) -> Path:
    """The directory of the group's build, whether it is there or not."""
    return cache_directory(environ) / f"{group.name}-{key(group, target_platform(platform.machine()))}"


def ensure_group(group: Group, go: Go, *, report: Report = print, environ: Mapping[str, str] = os.environ) -> Path:
    """The directory that holds the group's programs, built when it is not there."""
    place = target(group, environ)
    if not place.is_dir():
        with cache.locked(place.parent / f".lock-{group.name}", group.name, report):
            if not place.is_dir():
                _build_into(GroupBuild(group, go, environ, Progress(group.name, report)), place)
                _forget_stale(place.parent, group)
    return place


def _fetch_ahead(groups: Iterable[Group], go: Go, environ: Mapping[str, str]) -> None:
    """Fetch the modules of all groups while the first is being compiled. What fails here is told by its build."""

    def fetch() -> None:
        for group in groups:
            with contextlib.suppress(UpstreamError, OSError):
                GroupBuild(group, go, environ, Progress(group.name, lambda _: None)).list()

    threading.Thread(target=fetch, name="modules", daemon=True).start()


def _build_into(build: GroupBuild, place: Path) -> None:
    group, progress = build.group, build.progress
    version = group.version
    progress.report(f"building {group.name} {version} ({', '.join(group.programs)}) with {GO_RELEASE} …")
    for left in place.parent.glob(f".build-{group.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".build-{group.name}-", dir=place.parent))
    try:
        packages = build_group(build, work)
        if place != target(group, build.environ):
            raise UpstreamError(f"the sources of {group.name} changed while it was being built: run this again")
        size = sum({path.stat().st_ino: path.stat().st_size for path in work.iterdir()}.values())
        facts = {
            "group": group.name,
            "version": version,
            "go": GO_RELEASE,
            "packages": packages,
            "took": progress.elapsed,
        }
        (work / _FACTS_FILE).write_text(json.dumps(facts) + "\n")
        work.chmod(0o755)
        work.rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress.report(f"built {group.name} {version}: {packages:,} packages, {size / 1e6:,.0f} MB, {progress.elapsed}")


def _forget_stale(directory: Path, group: Group) -> None:
    """Remove all but the newest builds of the group (the key's length tells another group's longer name apart)."""
    builds = [
        path for path in directory.glob(f"{group.name}-*") if len(path.name) == len(group.name) + 13 and path.is_dir()
    ]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for stale in builds[_MAX_KEPT_BUILDS:]:
        shutil.rmtree(stale, ignore_errors=True)


def _list(environ: Mapping[str, str]) -> Iterator[str]:
    for group in GROUPS.values():
        facts = target(group, environ) / _FACTS_FILE
        state = f"built in {json.loads(facts.read_text())['took']}" if facts.exists() else "not built"
        yield f"{group.name:<24}{group.version:<10}{state:<22}{' '.join(group.programs)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; a build that fails is one error text and exit code 1."""
    parser = argparse.ArgumentParser(
        prog="guildnet_local.build.programs", description="Programs built from pinned Go modules"
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="build what is not there yet").add_argument(
        "name", nargs="*", help="group or program"
    )
    verbs.add_parser("path", help="print the path of a program, building it if need be").add_argument("program")
    verbs.add_parser("list", help="every group with its version and whether it is built")
    asked = parser.parse_args(arguments)
    try:
        if asked.verb == "build":
            for program, path in ensure(asked.name or GROUPS).items():
                print(f"{program:<24} {path}")
        elif asked.verb == "path":
            print(ensure([asked.program], report=lambda line: print(line, file=sys.stderr))[asked.program])
        else:
            print("\n".join(_list(os.environ)))
    except UpstreamError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
