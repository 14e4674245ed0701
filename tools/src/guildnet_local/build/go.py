"""The Go compiler: found, checked, and run for one group of programs, with an error that says what broke.

Knows nothing of the cache: it fills a directory it is given, or raises UpstreamError.
"""

import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guildnet_local.build import runner
from guildnet_local.build.pins import (
    GO_ENVIRONMENT,
    GO_ENVIRONMENT_DROPPED,
    GO_RELEASE,
    Group,
    UpstreamError,
    build_arguments,
    built_name,
    go_release,
)
from guildnet_local.build.runner import Command, Progress, exit_phrase

_MAX_ERROR_LINES = 25
# A package path alone on a line is `go build -v` saying that it compiles it; errors hold blanks or colons.
_PACKAGE = re.compile(r"[A-Za-z0-9_.][\w./~+@-]*")
# Where Go's own installer puts it; `sudo` often drops it from PATH.
_USUAL_GO = Path("/usr/local/go/bin/go")


# The first Go that fetches the release it is told to be.
_MIN_GO = (1, 21)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Without a garbage collector a compiler takes up to this much for each that runs, and a linker as much once more.
_UNCOLLECTED_BYTES = 3 << 29


@dataclass(frozen=True, slots=True)
class Go:
    """The Go found on this machine. What compiles is the pinned release, which it fetches."""

    path: str
    version: str


def target_platform(machine: str) -> str:
    """Go's name of the platform that programs are built for, such as `linux/amd64`. `machine` is as uname has it."""
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"


def collector(environ: Mapping[str, str], available: int, processors: int) -> str:
    """How the compilers collect garbage (GOGC): not at all where memory is plenty, for they do not run long."""
    wanted = environ.get("GOGC", "")
    return wanted or ("off" if available >= (processors + 1) * _UNCOLLECTED_BYTES else "400")


def go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of every `go` call: the caller's, without what would change the binaries."""
    kept = {name: value for name, value in environ.items() if name not in GO_ENVIRONMENT_DROPPED}
    return kept | dict(GO_ENVIRONMENT)


def find_go(environ: Mapping[str, str]) -> Go:
    """The Go on PATH. Raises UpstreamError when there is none, or one that cannot fetch the pinned release."""
    path = shutil.which("go", path=environ.get("PATH")) or (str(_USUAL_GO) if _USUAL_GO.exists() else None)
    if path is None:
        raise UpstreamError(
            "Go is missing: install Go 1.21 or newer (https://go.dev/dl/) and put its bin directory on PATH"
        )
    asked = subprocess.run(
        [path, "env", "GOVERSION"],
        env=go_environment(environ) | {"GOTOOLCHAIN": "local"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    version = asked.stdout.strip()
    if asked.returncode != 0 or not version:
        raise UpstreamError(f"Go at {path} does not work: {(asked.stderr or asked.stdout).strip()}")
    if go_release(version) < _MIN_GO:
        raise UpstreamError(
            f"Go at {path} is {version.removeprefix('go')}: 1.21 or newer is needed, which then fetches {GO_RELEASE}"
        )
    return Go(path, version)


@dataclass(slots=True)
class Output:
    """What a running `go` has said so far: counts for the progress line, the rest for the error text."""

    downloads: int = 0
    packages: int = 0
    package: str = ""
    failed_package: str = ""
    rest: deque[str] = field(default_factory=lambda: deque(maxlen=_MAX_ERROR_LINES))

    def take(self, line: str) -> None:
        """Account for one line of `go`'s output."""
        if line.startswith("go: downloading "):
            self.downloads += 1
        elif _PACKAGE.fullmatch(line):
            self.packages += 1
            self.package = line
        elif line.strip():
            if line.startswith("# ") and not self.failed_package:
                self.failed_package = line[2:].split(maxsplit=1)[0]
            self.rest.append(line)

    def progress(self, phase: str, total: int) -> str:
        """One phrase for the heartbeat, such as `compiling: 120 of up to 1,893 packages`."""
        of = f" of up to {total:,}" if total else ""
        counted = f"{self.packages:,}{of} packages" if self.packages else "starting"
        downloaded = f", {self.downloads:,} modules downloaded" if self.downloads else ""
        return f"{phase}: {counted}{downloaded}"


@dataclass(frozen=True, slots=True)
class GroupBuild:
    """The build of one group: the compiler, the caller's environment, where progress goes."""

    group: Group
    go: Go
    environ: Mapping[str, str]
    progress: Progress

    def run(self, arguments: Sequence[str], phase: str, packages: int = 0) -> Output:
        """Run `go` to its end. `packages` is how many packages the phase is expected to name, for the progress line.

        Raises UpstreamError with Go's last lines.
        """
        output = Output()
        environment = go_environment(self.environ) | {"GOGC": self._collector()}
        command = Command((self.go.path, *arguments), environment, self.group.directory)
        code = runner.run(command, output.take, self.progress, lambda: output.progress(phase, packages))
        if code != 0:
            raise UpstreamError(failure(self, arguments[0], code, output))
        return output

    def list(self) -> Output:
        """Name every package of the group's programs; brings the modules here."""
        return self.run(("list", "-deps", *self.group.flags, *self.group.packages), "reading modules")

    def _collector(self) -> str:
        return collector(self.environ, available_memory(), os.cpu_count() or 1)


def available_memory() -> int:
    """Bytes that programs can have without others having to give any up; 0 where the kernel does not say."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)


def failure(build: GroupBuild, verb: str, code: int, output: Output) -> str:
    """The text of a failed build: which programs, in which package, after how long, and Go's last lines."""
    where = f" in package {output.failed_package}" if output.failed_package else ""
    lines = "\n".join(f"    {line}" for line in output.rest) or "    (Go said nothing)"
    programs = ", ".join(blamed(build, output.failed_package))
    call = f"`go {verb}` of {build.group.name} failed{where} after {build.progress.elapsed} ({exit_phrase(code)})"
    return f"cannot build {programs}: {call}:\n{lines}"


def blamed(build: GroupBuild, package: str) -> tuple[str, ...]:
    """The programs of the group that need the package which did not compile; all of them when that is not known."""
    programs = tuple(build.group.programs)
    if not package or len(build.group.packages) == 1:
        return programs
    found: list[str] = []
    for main in build.group.packages:
        listed = subprocess.run(
            [build.go.path, "list", "-deps", *build.group.flags, main],
            cwd=build.group.directory,
            env=go_environment(build.environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if package in listed.stdout.split():
            found += build.group.made_of(main)
    return tuple(found) or programs


def build_group(build: GroupBuild, output: Path) -> int:
    """Build every program of the group into the empty directory `output`; the number of packages in them.

    Raises UpstreamError when Go fails or a program did not come out.
    """
    # Listing first brings the modules here, so that waiting for the network and compiling are told apart.
    listed = build.list()
    build.run(build_arguments(build.group, output), "compiling", listed.packages)
    for package in build.group.packages:
        built, programs = output / built_name(package), build.group.made_of(package)
        if not built.is_file():
            raise UpstreamError(f"cannot build {', '.join(programs)}: Go left no file {built.name}")
        for program in programs:
            if program != built.name:
                (output / program).hardlink_to(built)
        if built.name not in programs:
            built.unlink()
    return listed.packages
