"""Peers that are built into the cache: configurable-http-proxy by npm, a ReverseProxy by Go."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from guildnet_local.build.cache import locked
from guildnet_local.build.go import find_go, go_environment
from guildnet_local.build.pins import GO_RELEASE, UpstreamError
from guildnet_local.images.host import ca_bundle
from guildnet_local.images.node import directory as node_directory
from guildnet_local.images.node import environment, node_version, npm

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guildnet" / "bench"
_HERE: Final = Path(__file__).parent
_WITHIN_SECONDS: Final = 600.0


class UnavailableError(Exception):
    """A peer that cannot be had here; the text says why."""


def chp_version() -> str:
    """As pinned."""
    found = json.loads((_HERE / "chp" / "package.json").read_text())["dependencies"]["configurable-http-proxy"]
    return str(found)


def chp() -> list[str]:
    """What starts configurable-http-proxy on the Node.js of this environment; its options go behind."""
    sources = [_HERE / "chp" / name for name in ("package.json", "package-lock.json")]
    home = _kept("chp", sources, node_version(), npm("ci", "--no-audit", "--no-fund", "--ignore-scripts"), _for_npm())
    program = home / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    return [str(node_directory() / "bin" / "node"), str(program)]


def go() -> Path:
    """The program, compiled by the Go release that everything here is compiled by."""
    sources = [_HERE / "reverse_proxy" / name for name in ("go.mod", "main.go")]
    try:
        compiler = find_go(os.environ).path
    except UpstreamError as error:
        raise UnavailableError(str(error)) from None
    home = _kept("go", sources, GO_RELEASE, (compiler, "build", "-o", "proxy", "."), go_environment(os.environ))
    return home / "proxy"


def _for_npm() -> dict[str, str]:
    return environment(os.environ, ca_bundle())


def _kept(what: str, sources: Sequence[Path], tool: str, command: Sequence[str], env: Mapping[str, str]) -> Path:
    """The directory in the cache in which `command` was run beside copies of the sources; made where it is not there.

    Raises UnavailableError with the last lines of what the command said.
    """
    digest = hashlib.sha256(tool.encode())
    for path in sources:
        digest.update(path.read_bytes())
    home = CACHE / f"{what}-{digest.hexdigest()[:12]}"
    if home.is_dir():
        return home
    with locked(CACHE / f".{what}.lock", what, print):
        work = CACHE / f".{what}.work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        for path in sources:
            shutil.copy(path, work)
        done = subprocess.run(
            command, cwd=work, env=dict(env), capture_output=True, text=True, timeout=_WITHIN_SECONDS, check=False
        )
        if done.returncode:
            raise UnavailableError(
                f"{what} cannot be built: {' / '.join((done.stderr or done.stdout).split(chr(10))[-6:])}"
            )
        if not home.is_dir():
            work.rename(home)
    return home
