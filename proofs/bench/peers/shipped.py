"""The proxy as it ships: the files of its image, unpacked, with the Python and the compiled modules that are in it.

A container is a process with another root: what it costs beyond that is the kubelet's. The programs share this
machine's network, and see the folder of the run as `/mnt`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import Final

from guildnet_local import images
from guildnet_local.build.cache import locked
from guildnet_local.images import archive
from guildnet_local.settings import cache_directory

PYTHON: Final = "/opt/guildnet/bin/python"
FOLDER: Final = Path("/mnt")
"""Where a program finds the folder of the run."""
_PLAIN: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_FACTS: Final = """
import importlib.util, platform
compiled = importlib.util.find_spec("guildnet_proxy__mypyc")
print("Python", platform.python_version() + (", compiled" if compiled else ", not compiled"))
"""
# The mounts are in a namespace of the program's own: they end with it.
_ENTER: Final = 'for one in proc dev; do mount --rbind "/$one" "$0/$one"; done; mount --bind "$1" "$0/mnt"; '


@cache
def root() -> Path:
    """The image's files, of this checkout; built and unpacked where they are not there. Raises ImageError."""
    say = partial(print, file=sys.stderr)
    image = images.ensure(["proxy"], report=say)["proxy"]
    kept = cache_directory(os.environ) / "bench" / "proxy"
    kept.mkdir(parents=True, exist_ok=True)
    with locked(kept / ".lock", "the proxy's image, unpacked", say):
        made = kept / image.key
        if not made.is_dir():
            for old in kept.glob("[!.]*"):
                shutil.rmtree(old)
            part = kept / f"{image.key}.part"
            archive.unpack(image.archive, part)
            part.rename(made)
    return made


def command(directory: Path, *argv: str | Path) -> list[str]:
    """What to start so that it becomes `argv` in the image's files; `directory` is there as `FOLDER`."""
    enter = f'{_ENTER}exec chroot "$0" {shlex.join(map(str, argv))}'
    return ["unshare", "--mount", "--", "sh", "-ec", enter, str(root()), str(directory)]


def version() -> str:
    """Of the Python in it, and whether the data path is compiled."""
    asked = ["chroot", str(root()), PYTHON, "-c", _FACTS]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30, env=_PLAIN)
    return said.stdout.strip()
