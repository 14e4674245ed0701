"""Which services a change of the sources concerns: by the times of files, which need nothing of the file system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from guildnet_local.develop.values import LIBRARY, SERVICES, source

Times = Mapping[Path, int]


def times(checkout: Path) -> dict[Path, int]:
    """When each Python file of the services and the library was changed, in nanoseconds since 1970."""
    found: dict[Path, int] = {}
    for folder in (LIBRARY, *map(source, SERVICES)):
        for path in (checkout / folder).rglob("*.py"):
            try:
                found[path.relative_to(checkout)] = path.stat().st_mtime_ns
            except FileNotFoundError:
                # An editor exchanges a file for another: the next look sees it.
                continue
    return found


def changed(before: Times, after: Times) -> list[Path]:
    """Files that are another, new or gone."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def concerned(paths: list[Path]) -> tuple[str, ...]:
    """The services that run any of these files: the library is in all of them."""
    if any(path.is_relative_to(LIBRARY) for path in paths):
        return SERVICES
    return tuple(one for one in SERVICES if any(path.is_relative_to(source(one)) for path in paths))
