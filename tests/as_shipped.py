"""The unit ring on what the images hold: their Python, which is newer than the one the tests usually run on, and the
proxy with its data path compiled, out of its image.

It runs inside the base image that the images' build stages use; where that cannot be had (no buildah, or docker in its
place), on a `python3.13` of the PATH, with the proxy's sources; else the reason is printed and nothing runs. Only the
tests of what images hold: the local cluster's tool, the proofs and the checks of the repository run on the machine's
own Python.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from guildnet_local.images import archive
from guildnet_local.images.builder import ImageBuilder
from guildnet_local.images.engine import Buildah
from guildnet_local.images.recipes import ImageError, recipe
from guildnet_local.settings import cache_directory

ROOT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = ROOT / "requirements" / "dev.txt"
VERSION: Final = "3.13"
MAX_KEPT: Final = 3
SOURCES: Final = ("libs/guildnet", "services/api", "services/proxy", "services/operator", "tools", "cli")
SHIPPED: Final = ("guildnet", "api", "operator", "proxy")
# What mypyc makes of `await` throws into a coroutine the way that Python 3.12 deprecated.
MYPYC: Final = "ignore:the (type, exc, tb) signature of throw() is deprecated:DeprecationWarning"
PYTEST: Final = (
    "-m", "pytest", *(f"tests/unit/{package}" for package in SHIPPED), "--numprocesses=auto", "-W", MYPYC,
)  # fmt: skip
# The package and, beside it, the library with the code of its extensions.
PROXY: Final = re.compile(r"opt/guildnet/lib/python[^/]+/site-packages/(guildnet_proxy(?:/|__mypyc).*)")


def kept(target: Path, make: Callable[[Path], None]) -> Path:
    """The folder `target`, made where it is not there; the newest few of its kind stay."""
    if not target.is_dir():
        making = target.with_name(f"{target.name}.{os.getpid()}")
        make(making)
        making.rename(target)
        folders = sorted(target.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for stale in folders[:-MAX_KEPT]:
            shutil.rmtree(stale, ignore_errors=True)
    os.utime(target)
    return target


def packages(cache: Path) -> Path:
    """The locked packages for that Python; uv installs them without having it."""

    def install(target: Path) -> None:
        uv = Path(sys.executable).parent / "uv"
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python-version", VERSION, "--only-binary", ":all:", "--target", target,
             "--require-hashes", "-r", LOCK],
            check=True,
        )  # fmt: skip

    key = hashlib.sha256(VERSION.encode() + LOCK.read_bytes()).hexdigest()[:12]
    return kept(cache / "python" / f"{VERSION}-{key}", install)


def proxy(cache: Path, builder: ImageBuilder) -> Path:
    """The proxy's package as its image has it; the image is built where these sources never were."""
    image = builder.ensure(recipe("proxy"))

    def write(target: Path) -> None:
        for path, content in archive.read(image.archive, lambda path: bool(PROXY.fullmatch(path))).files.items():
            place = target / PROXY.sub(r"\1", path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    return kept(cache / "shipped-proxy" / image.key, write)


def environment(*before_sources: Path, target: Path) -> dict[str, str]:
    sources = (*before_sources, *(ROOT / source / "src" for source in SOURCES), target)
    return {
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
    }


def main() -> int:
    cache = cache_directory(os.environ)
    builder = ImageBuilder(cache, lambda line: print(line, flush=True))
    arguments = (*PYTEST, "-p", "no:cacheprovider", *sys.argv[1:])
    try:
        in_the_base = isinstance(builder.engine, Buildah)
    except ImageError:
        in_the_base = False
    if in_the_base:
        target, compiled = packages(cache), proxy(cache, builder)
        env = {**environment(compiled, target=target), "GUILDNET_TEST_COMPILED": "1"}
        return builder.run_in_base("build", ("python3", *arguments), env, ROOT, (ROOT, target, compiled))
    if (python := shutil.which(f"python{VERSION}")) and subprocess.run([python, "-c", ""], check=False).returncode == 0:
        print("the proxy's data path as sources: its extensions are those of the image's system")
        env = {**os.environ, **environment(target=packages(cache))}
        return subprocess.run([python, *arguments], cwd=ROOT, env=env, check=False).returncode
    print(f"skipped: there is no buildah to run the images' Python in, and no python{VERSION} on the PATH")
    return 0


if __name__ == "__main__":
    sys.exit(main())
