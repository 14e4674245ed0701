"""The ways to build a Dockerfile: docker or podman where one answers, else buildah with a store of its own.

All take the same Dockerfiles, build arguments and secrets, and give an OCI archive. buildah needs no daemon and no
container runtime: steps run in a chroot.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from guildnet_local.build.runner import Command
from guildnet_local.images.context import DOCKERFILE
from guildnet_local.images.host import CA_INSIDE
from guildnet_local.images.job import Job
from guildnet_local.images.recipes import ImageError

# Names under which tools look for more certificate authorities; a Dockerfile declares those that it needs.
_CA_ARGUMENTS = ("PIP_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
_SAVING = "writing the archive"
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Build:
    """One build: the context's directory, the image's name, build arguments, secret files."""

    directory: Path
    ref: str
    arguments: Mapping[str, str]
    secrets: Mapping[str, Path]

    def options(self) -> list[str]:
        """What both builders understand."""
        arguments = dict(self.arguments)
        if "ca" in self.secrets:
            arguments |= dict.fromkeys(_CA_ARGUMENTS, CA_INSIDE)
        built = [part for name, value in sorted(arguments.items()) for part in ("--build-arg", f"{name}={value}")]
        kept = [part for name, path in sorted(self.secrets.items()) for part in ("--secret", f"id={name},src={path}")]
        return [*built, *kept, "-t", self.ref, "-f", str(self.directory / DOCKERFILE)]


class Engine(Protocol):
    """A builder of Dockerfiles."""

    @property
    def pulls(self) -> bool:
        """Whether it has registries to pull official bases from, so that none has to be made here."""

    def build(self, build: Build, job: Job) -> None:
        """Build into the engine's store. Raises ImageError."""

    def save(self, ref: str, archive: Path, job: Job) -> None:
        """Write an image of the store as an OCI archive. Raises ImageError."""

    def has(self, ref: str) -> bool:
        """Whether the engine's store holds the image."""

    def forget(self, refs: Iterable[str]) -> None:
        """Remove images from the engine's store; those that are not there do not matter."""


@dataclass(frozen=True, slots=True)
class Docker:
    """The docker daemon, with BuildKit."""

    pulls: bool = True

    def build(self, build: Build, job: Job) -> None:
        command = ["docker", "build", "--progress", "plain", "--network", "host", *_proxies(), *build.options()]
        job.run(Command([*command, str(build.directory)], {**os.environ, "DOCKER_BUILDKIT": "1"}))

    def save(self, ref: str, archive: Path, job: Job) -> None:
        job.run(Command(["docker", "save", "--output", str(archive), ref]), step=_SAVING)

    def has(self, ref: str) -> bool:
        return _quiet(["docker", "image", "inspect", ref]) == 0

    def forget(self, refs: Iterable[str]) -> None:
        for ref in refs:
            _quiet(["docker", "image", "rm", ref])


@dataclass(frozen=True, slots=True)
class Podman:
    """podman, with the store of whoever calls it."""

    pulls: bool = True

    def build(self, build: Build, job: Job) -> None:
        # docker's own format knows no OCI annotation, and a build without layers starts afresh each time.
        command = ["podman", "build", "--layers", "--format", "oci", "--network", "host", *_proxies(), *build.options()]
        job.run(Command([*command, str(build.directory)]))

    def save(self, ref: str, archive: Path, job: Job) -> None:
        job.run(Command(["podman", "save", "--format", "oci-archive", "--output", str(archive), ref]), step=_SAVING)

    def has(self, ref: str) -> bool:
        return _quiet(["podman", "image", "exists", ref]) == 0

    def forget(self, refs: Iterable[str]) -> None:
        for ref in refs:
            _quiet(["podman", "rmi", ref])


def _proxies() -> list[str]:
    """Arguments every Dockerfile has without declaring them; they are not recorded in the image."""
    given = (f"{name}={os.environ[name]}" for name in _PROXY_VARIABLES if name in os.environ)
    return [part for argument in given for part in ("--build-arg", argument)]


# Layers of builds that no name leads to any more are dropped above this many images; the next build makes them again.
MAX_KEPT_IMAGES = 250


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah, its images and layers below `directory`."""

    directory: Path
    pulls: bool = False

    @property
    def run_directory(self) -> Path:
        """Where buildah notes what is mounted. That is wrong after a reboot, hence one for each boot."""
        return self.directory / f"run-{Path('/proc/sys/kernel/random/boot_id').read_text().strip()[:8]}"

    def command(self, *arguments: str) -> list[str]:
        """A call of buildah in a mount namespace of its own.

        So its mounts end with it, however it ends, and the notes it keeps below /var/lib/containers, a path that no
        option moves, land in our directory.
        """
        own = self.directory / "var-lib"
        own.mkdir(parents=True, exist_ok=True)
        return [
            "unshare", "--mount", "--", "sh", "-c", 'mount --bind "$0" /var/lib && exec buildah "$@"', str(own),
            "--root", str(self.directory / "root"), "--runroot", str(self.run_directory),
            "--storage-driver", "overlay", *arguments,
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        scratch = self.directory / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        return {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(scratch)}

    def build(self, build: Build, job: Job) -> None:
        command = self.command("build", "--layers", "--format", "oci", *build.options(), str(build.directory))
        job.run(Command(command, self.environment()))

    def save(self, ref: str, archive: Path, job: Job) -> None:
        # Well packed would take longer than all the rest of a small change, and the archive stays on this disk.
        quick = ("push", "--quiet", "--compression-level", "1", "--format", "oci")
        target = f"oci-archive:{archive}:{ref}"
        job.run(Command(self.command(*quick, ref, target), self.environment()), step=_SAVING)

    def has(self, ref: str) -> bool:
        return _quiet(self.command("inspect", "--type", "image", ref), self.environment()) == 0

    def forget(self, refs: Iterable[str]) -> None:
        for ref in refs:
            _quiet(self.command("rmi", ref), self.environment())

    def run(
        self, ref: str, argv: Sequence[str], env: Mapping[str, str], directory: Path, shared: Iterable[Path]
    ) -> int:
        """Run a command in a container of the image that goes afterwards; the answer is its exit code.

        `shared` paths are inside what they are outside; what is written elsewhere is lost."""
        made = subprocess.run(
            self.command("from", "--pull-never", ref),
            env=self.environment(), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        container = made.stdout.strip()
        volumes = [part for path in shared for part in ("--volume", f"{path}:{path}")]
        variables = [part for name, value in env.items() for part in ("--env", f"{name}={value}")]
        run = (
            "run",
            "--isolation",
            "chroot",
            *volumes,
            *variables,
            "--workingdir",
            str(directory),
            container,
            "--",
            *argv,
        )
        try:
            return subprocess.run(self.command(*run), env=self.environment(), check=False).returncode
        finally:
            _quiet(self.command("rm", container), self.environment())

    def clear(self) -> None:
        """Remove what no build needs, while none runs.

        What an interrupted one left: working containers with their mounts, files, other boots' notes. And layers that
        no name leads to, once there are many: another build would count on those that it has just made.
        """
        if (self.directory / "root").is_dir():
            _quiet(self.command("rm", "--all"), self.environment())
        layers = self.directory / "root" / "overlay-images"
        if layers.is_dir() and sum(1 for _ in layers.iterdir()) > MAX_KEPT_IMAGES:
            _quiet(self.command("rmi", "--prune"), self.environment())
        for left in [*self.directory.glob("run-*"), *self.directory.glob("tmp/*")]:
            if left.is_file():
                left.unlink()
            elif left != self.run_directory:
                shutil.rmtree(left, ignore_errors=True)


def _quiet(command: list[str], env: Mapping[str, str] | None = None) -> int:
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode


def find(cache: Path) -> Engine:
    """Docker when its daemon answers, else podman when it does, else buildah. Raises ImageError when there is none."""
    for name, engine in (("docker", Docker()), ("podman", Podman())):
        if shutil.which(name) and _quiet([name, "info"]) == 0:
            return engine
    if shutil.which("buildah"):
        return Buildah(cache / "buildah")
    raise ImageError("images are built by docker, podman or buildah, and none is there: apt-get install buildah")
