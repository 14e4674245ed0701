"""Programs that are installed on this machine already and are used in place of a build of our own."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

# What each is asked for its version. The cluster's own programs are always built, as pinned.
_QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "kubectl": ("version", "--client", "--output=json"),
    "helm": ("version", "--template={{.Version}}"),
    "kind": ("version", "--quiet"),
}
_SECONDS = 20


def find(program: str, pinned: str, environ: Mapping[str, str]) -> Path | None:
    """The program on PATH, if it is one that may be installed and its version will do for the pinned one."""
    if program not in _QUESTIONS:
        return None
    for path in _candidates(program, environ.get("PATH", "")):
        if is_enough(_version(path, program), pinned):
            return path
    return None


def _candidates(program: str, search: str) -> Iterator[Path]:
    """The executables of that name on PATH, but for scripts: our own shims are some, and they would ask us back."""
    for directory in search.split(os.pathsep):
        found = shutil.which(program, path=directory) if directory else None
        if found is not None and _is_binary(Path(found)):
            yield Path(found)


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _version(path: Path, program: str) -> str:
    """What it says its version is; empty when it does not answer."""
    try:
        asked = subprocess.run(
            [path, *_QUESTIONS[program]],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        if program == "kubectl":
            return str(json.loads(asked.stdout)["clientVersion"]["gitVersion"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return ""
    return asked.stdout.strip()


def is_enough(version: str, pinned: str) -> bool:
    """Whether it is a release of the pinned minor version, and none older than the pinned one."""
    found, wanted = _numbers(version), _numbers(pinned)
    return bool(found and wanted) and found[:2] == wanted[:2] and found >= wanted


def _numbers(version: str) -> tuple[int, ...]:
    """`v1.35.4` or `1.35.4+vendor` as numbers; empty for a pre-release or anything else."""
    matched = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:\+\S*)?", version)
    return tuple(int(part) for part in matched.groups()) if matched else ()
