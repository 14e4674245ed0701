"""Debian file systems made by mmdebstrap, for machines without a registry to pull a base image from.

The release is Debian trixie (Python 3.13). A variant is a list of packages; what a container never reads is left out.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guildnet_local.build.runner import Command
from guildnet_local.images import host
from guildnet_local.images.engine import Build, Engine
from guildnet_local.images.job import Job
from guildnet_local.images.recipes import ImageError


@dataclass(frozen=True, slots=True)
class Variant:
    """One base. `mode` is mmdebstrap's: `essential` has no apt, `apt` has it and keeps its sources."""

    name: str
    mode: str
    packages: tuple[str, ...]


VARIANTS: Mapping[str, Variant] = {
    variant.name: variant
    for variant in (
        # libstdc++6 is what compiled wheels (pyzmq) find missing.
        Variant("python", "essential", ("python3", "ca-certificates", "libstdc++6")),
        Variant(
            "build",
            "apt",
            ("python3-venv", "python3-dev", "ca-certificates", "libstdc++6", "binutils", "gcc", "libc6-dev"),
        ),
        Variant(
            "workspace",
            "essential",
            (
                "python3",
                "python3-venv",
                "ca-certificates",
                "libstdc++6",
                "libgssapi-krb5-2",
                "git",
                "openssh-client",
                "curl",
                "less",
                "nano",
                "procps",
            ),
        ),
    )
}

_EXCLUDED = ("doc/*", "man/*", "locale/*", "info/*", "bug/*", "lintian/*", "zsh/*")
_DPKG = (
    # Nothing is lost with the machine that could not be made again.
    "force-unsafe-io",
    *(f"path-exclude=/usr/share/{path}" for path in _EXCLUDED),
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/lib/*/gconv/*",
)
# Paths removed at the end; the second list stays in the `apt` mode.
_REMOVED = ("var/log/*", "var/cache/*", "etc/machine-id", "etc/hostname", "etc/resolv.conf", "usr/share/doc-base")
_REMOVED_WITHOUT_APT = ("etc/apt", "etc/dpkg/dpkg.cfg.d/99mmdebstrap", "var/lib/apt", "usr/share/keyrings")


def key(variant: Variant, dockerfile: bytes) -> str:
    """Twelve hexadecimal digits that change whenever the variant's definition does; the mirror does not count."""
    facts = (variant, host.SUITE, _DPKG, _REMOVED, _REMOVED_WITHOUT_APT)
    return hashlib.sha256(repr(facts).encode() + dockerfile).hexdigest()[:12]


def reference(variant: Variant, dockerfile: bytes) -> str:
    return f"localhost/guildnet/base-{variant.name}:{key(variant, dockerfile)}"


def command(variant: Variant, target: Path) -> list[str]:
    """The call of mmdebstrap that writes the file system to `target`; its sources come on standard input."""
    removed = _REMOVED if variant.mode == "apt" else _REMOVED + _REMOVED_WITHOUT_APT
    paths = " ".join(f'"$1"/{path}' for path in removed)
    # mmdebstrap's own tidying runs apt again, whose configuration the hook has taken away.
    untidied = () if variant.mode == "apt" else ("--skip=cleanup/apt,cleanup/mmdebstrap",)
    return [
        "mmdebstrap",
        f"--variant={variant.mode}",
        f"--include={','.join(variant.packages)}",
        *(f"--dpkgopt={option}" for option in _DPKG),
        f"--customize-hook=rm -rf {paths}",
        *untidied,
        host.SUITE,
        str(target),
    ]


def make(variant: Variant, dockerfile: Path, engine: Engine, job: Job, work: Path) -> str:
    """Make the base image in the engine's store; the answer is its name. Raises ImageError."""
    ref = reference(variant, dockerfile.read_bytes())
    if shutil.which("mmdebstrap") is None:
        raise ImageError("base images are made by mmdebstrap, which is not there: apt-get install mmdebstrap")
    sources = host.debian_mirrors().sources()
    proxies = host.proxy_lines(host.dumped_apt())
    # `-` reads the sources from standard input; without it mmdebstrap uses Debian's own mirror.
    told = ["-"] if sources else []
    options = [f"--aptopt={line}" for line in proxies]
    base = command(variant, work / "base.tar")
    argv = (base[0], *options, *base[1:], *told)
    job.run(Command(argv, {**os.environ, "TMPDIR": str(work)}, stdin=sources))
    shutil.copyfile(dockerfile, work / "Dockerfile")
    engine.build(Build(work, ref, {}, {}), job)
    return ref
