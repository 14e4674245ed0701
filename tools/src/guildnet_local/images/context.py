"""Build contexts: which files, under which key, laid out how.

The key is a hash of the Dockerfile, every file's place, content and executable bit, and the build arguments, among
them the bases. Times and owners do not count: a second clone finds the images of the first, and a layer cache sees
equal files as equal.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from guildnet_local.images.recipes import ImageError, Recipe

# Changes when the way of building changes what comes out of the same inputs.
GENERATION = "2"
DOCKERFILE = "Dockerfile"
# One time for all files; wheels cannot hold one before 1980.
_TIME = 946_684_800
_SKIPPED = frozenset({"__pycache__", "node_modules", ".DS_Store"})
_SKIPPED_SUFFIXES = (".egg-info", ".pyc")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a context: where it is there (slashes, relative) and where it comes from."""

    place: str
    source: Path


def skipped(name: str) -> bool:
    """Whether a file or directory of that name is what tools leave behind, never an input."""
    return name in _SKIPPED or name.endswith(_SKIPPED_SUFFIXES)


def tree(place: str, source: Path) -> Iterator[Entry]:
    """The files at `source`, which is a file or a directory. Raises ImageError when there is nothing."""
    if source.is_file():
        yield Entry(place, source)
        return
    if not source.is_dir():
        raise ImageError(f"{source} is missing")
    for inner in sorted(source.iterdir()):
        if not skipped(inner.name):
            yield from tree(f"{place}/{inner.name}", inner)


def entries(recipe: Recipe, checkout: Path, made: Mapping[str, Path]) -> tuple[Entry, ...]:
    """Every file of the recipe's context, in a fixed order. `made` maps places to what was built for it before."""
    found = [Entry(DOCKERFILE, checkout / recipe.dockerfile)]
    for path in recipe.inputs:
        found += tree(path, checkout / path)
    for place, source in sorted(made.items()):
        found += tree(place, source)
    for path, place in recipe.files.items():
        found += tree(place, Path(path))
    return tuple(found)


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def key(files: tuple[Entry, ...], arguments: Mapping[str, str]) -> str:
    """Twelve hexadecimal digits that change whenever what is built could.

    `arguments` are those of the build, the bases among them.
    """
    digest = hashlib.sha256(f"{GENERATION}\0{sorted(arguments.items())!r}\0".encode())
    for entry in sorted(files, key=lambda entry: entry.place):
        with entry.source.open("rb") as content:
            inner = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(f"{entry.place}\0{_executable(entry.source):d}\0{inner}\0".encode())
    return digest.hexdigest()[:12]


def lay_out(files: tuple[Entry, ...], directory: Path) -> tuple[Entry, ...]:
    """Copy the files to their places below `directory` with times, modes and owners made equal.

    The answer names the copies: their key is that of what is really built, whatever an editor does meanwhile.
    """
    copies = []
    for entry in files:
        target = directory / entry.place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.source, target)
        target.chmod(0o755 if _executable(entry.source) else 0o644)
        os.utime(target, (_TIME, _TIME))
        copies.append(Entry(entry.place, target))
    for inner, _, _ in os.walk(directory, topdown=False):
        Path(inner).chmod(0o755)
        os.utime(inner, (_TIME, _TIME))
    return tuple(copies)
