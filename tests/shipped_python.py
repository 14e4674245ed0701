"""The unit ring on the Python of the images, which is newer than the one the tests usually run on.

It runs inside the base image that the images' build stages use; where that cannot be had (no buildah, or docker in its
place), on a `python3.13` of the PATH; else the reason is printed and nothing runs. Only the tests of what images hold:
the local cluster's tool, the proofs and the checks of the repository run on the machine's own Python.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from guildnet_local.images.builder import ImageBuilder
from guildnet_local.images.engine import Buildah
from guildnet_local.images.recipes import ImageError
from guildnet_local.settings import cache_directory

ROOT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = ROOT / "requirements" / "dev.txt"
VERSION: Final = "3.13"
MAX_KEPT: Final = 3
SOURCES: Final = ("libs/guildnet", "services/api", "services/proxy", "services/operator", "tools", "cli")
SHIPPED: Final = ("guildnet", "api", "operator", "proxy")
PYTEST: Final = ("-m", "pytest", *(f"tests/unit/{package}" for package in SHIPPED), "--numprocesses=auto")


def packages(cache: Path) -> Path:
    """The locked packages for that Python; uv installs them without having it."""
    key = hashlib.sha256(VERSION.encode() + LOCK.read_bytes()).hexdigest()[:12]
    target = cache / "python" / f"{VERSION}-{key}"
    if not target.is_dir():
        making = target.with_name(f"{target.name}.{os.getpid()}")
        uv = Path(sys.executable).parent / "uv"
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python-version", VERSION, "--only-binary", ":all:", "--target", making,
             "--require-hashes", "-r", LOCK],
            check=True,
        )  # fmt: skip
        making.rename(target)
        kept = sorted(target.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for stale in kept[:-MAX_KEPT]:
            shutil.rmtree(stale, ignore_errors=True)
    os.utime(target)
    return target


def environment(target: Path) -> dict[str, str]:
    sources = os.pathsep.join([*(str(ROOT / source / "src") for source in SOURCES), str(target)])
    return {"PYTHONPATH": sources, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp", "LANG": "C.UTF-8"}


def main() -> int:
    cache = cache_directory(os.environ)
    builder = ImageBuilder(cache, lambda line: print(line, flush=True))
    arguments = (*PYTEST, "-p", "no:cacheprovider", *sys.argv[1:])
    try:
        in_the_base = isinstance(builder.engine, Buildah)
    except ImageError:
        in_the_base = False
    if in_the_base:
        target = packages(cache)
        return builder.run_in_base("build", ("python3", *arguments), environment(target), ROOT, (ROOT, target))
    if (python := shutil.which(f"python{VERSION}")) and subprocess.run([python, "-c", ""], check=False).returncode == 0:
        env = {**os.environ, **environment(packages(cache))}
        return subprocess.run([python, *arguments], cwd=ROOT, env=env, check=False).returncode
    print(f"skipped: there is no buildah to run the images' Python in, and no python{VERSION} on the PATH")
    return 0


if __name__ == "__main__":
    sys.exit(main())
