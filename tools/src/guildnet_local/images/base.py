"""Debian file systems made by mmdebstrap, for machines without a registry to pull a base image from.

The release is Debian trixie (Python 3.13). A variant is a list of packages; what a container never reads is left out.
One that begins as another is made in the same run: mmdebstrap takes longest over what every Debian has.
"""

import hashlib
import os
import shlex
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
    """One base. `begins` is what `packages` are added to; the apt of one that has it knows its sources."""

    name: str
    packages: tuple[str, ...]
    begins: "Variant | None" = None

    @property
    def has_apt(self) -> bool:
        return "apt" in self.packages


# libstdc++6 is what compiled wheels (pyzmq) find missing.
_PYTHON = Variant("python", ("python3", "ca-certificates", "libstdc++6"))
VARIANTS: Mapping[str, Variant] = {
    variant.name: variant
    for variant in (
        _PYTHON,
        Variant("build", ("apt", "python3-venv", "python3-dev", "binutils", "gcc", "libc6-dev"), begins=_PYTHON),
        Variant(
            "workspace",
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

# Nothing is lost with the machine that could not be made again.
_UNSAFE = "force-unsafe-io"
_EXCLUDED = (
    *(f"usr/share/{name}/*" for name in ("doc", "man", "locale", "info", "bug", "lintian", "zsh")),
    "usr/lib/*/gconv/*",
)
_PATHS = (*(f"path-exclude=/{path}" for path in _EXCLUDED), "path-include=/usr/share/doc/*/copyright")
# Paths removed at the end; the second list stays where there is an apt.
_REMOVED = ("var/log/*", "var/cache/*", "etc/machine-id", "etc/hostname", "etc/resolv.conf", "usr/share/doc-base")
_REMOVED_WITHOUT_APT = ("etc/apt", "etc/dpkg/dpkg.cfg.d/99mmdebstrap", "var/lib/apt", "usr/share/keyrings")

# apt of this machine, whose dpkg runs inside: what mmdebstrap itself installs packages with.
_INSTALL = (
    'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -q --yes -o Dir::Bin::dpkg=env -o DPkg::Options::=--unset=TMPDIR '
    '-o DPkg::Options::=dpkg -o DPkg::Chroot-Directory="$1" install'
)


def key(variant: Variant, dockerfile: bytes) -> str:
    """Twelve hexadecimal digits that change whenever the variant's definition does; the mirror does not count."""
    facts = (variant, host.SUITE, _UNSAFE, _PATHS, _REMOVED, _REMOVED_WITHOUT_APT)
    return hashlib.sha256(repr(facts).encode() + dockerfile).hexdigest()[:12]


def reference(variant: Variant, dockerfile: bytes) -> str:
    return f"localhost/guildnet/base-{variant.name}:{key(variant, dockerfile)}"


def _excluding() -> str:
    """The hook that has dpkg leave out what is excluded, and takes it away where mmdebstrap has unpacked it.

    Told of it by an option, mmdebstrap sends every archive through a program of Python: most of the time it took.
    """
    gone = " ".join(f'"$1"/{path}' for path in _EXCLUDED)
    told = " ".join(map(shlex.quote, _PATHS))
    return f'rm -rf {gone} && printf "%s\\n" {told} >>"$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap'


def _removed(variant: Variant) -> tuple[str, ...]:
    return _REMOVED if variant.has_apt else _REMOVED + _REMOVED_WITHOUT_APT


def command(variant: Variant, directory: Path) -> list[str]:
    """The call of mmdebstrap that writes the file system to `directory`, as VARIANT.tar; its sources come on standard
    input. The one that the variant begins as is written there, too.
    """
    first = variant.begins or variant
    hooks = []
    if variant.begins:
        excluded = " ".join(f"--exclude=./{path}" for path in (*_removed(first), "tmp/*", "run/*"))
        target = shlex.quote(str(directory / f"{first.name}.tar"))
        hooks += [
            f'tar --create --directory="$1" --one-file-system --wildcards-match-slash {excluded} --file={target} .',
            f"{_INSTALL} {' '.join(variant.packages)}",
        ]
    hooks.append("rm -rf " + " ".join(f'"$1"/{path}' for path in _removed(variant)))
    # mmdebstrap's own tidying runs apt again, whose configuration the hook has taken away.
    untidied = () if variant.has_apt else ("--skip=cleanup/apt,cleanup/mmdebstrap",)
    return [
        "mmdebstrap",
        "--variant=essential",
        f"--include={','.join(first.packages)}",
        f"--dpkgopt={_UNSAFE}",
        f"--extract-hook={_excluding()}",
        *(f"--customize-hook={hook}" for hook in hooks),
        *untidied,
        host.SUITE,
        str(directory / f"{variant.name}.tar"),
    ]


def make(variant: Variant, dockerfile: Path, engine: Engine, job: Job, work: Path) -> None:
    """Make the base image in the engine's store, and on the way that of the variant it begins as. Raises ImageError."""
    if shutil.which("mmdebstrap") is None:
        raise ImageError("base images are made by mmdebstrap, which is not there: apt-get install mmdebstrap")
    sources = host.debian_mirrors().sources()
    proxies = host.proxy_lines(host.dumped_apt())
    # `-` reads the sources from standard input; without it mmdebstrap uses Debian's own mirror.
    told = ["-"] if sources else []
    options = [f"--aptopt={line}" for line in proxies]
    base = command(variant, work)
    argv = (base[0], *options, *base[1:], *told)
    job.run(Command(argv, {**os.environ, "TMPDIR": str(work)}, stdin=sources))
    for made in filter(None, (variant.begins, variant)):
        ref = reference(made, dockerfile.read_bytes())
        if not engine.has(ref):
            engine.build(Build(_context(made, dockerfile, work), ref, {}, {}), job)


def _context(variant: Variant, dockerfile: Path, work: Path) -> Path:
    context = work / variant.name
    context.mkdir()
    shutil.copyfile(dockerfile, context / "Dockerfile")
    (work / f"{variant.name}.tar").rename(context / "base.tar")
    return context
