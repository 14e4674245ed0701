"""The Go compiler: found, checked, and run for one group of programs, with an error that says what broke.

Knows nothing of the cache: it fills a directory it is given, or raises UpstreamError.
"""

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
    Group,
    UpstreamError,
    build_arguments,
    built_name,
    go_release,
    required_go,
)
from guildnet_local.build.runner import Command, Progress, exit_phrase

_MAX_ERROR_LINES = 25
# A package path alone on a line is `go build -v` saying that it compiles it; errors hold blanks or colons.
_PACKAGE = re.compile(r"[A-Za-z0-9_.][\w./~+@-]*")
# Where Go's own installer puts it; `sudo` often drops it from PATH.
_USUAL_GO = Path("/usr/local/go/bin/go")


@dataclass(frozen=True, slots=True)
class Go:
    """The Go compiler found on this machine."""

    path: str
    version: str
    platform: str

    @property
    def identity(self) -> str:
        """What the key of a build says about its compiler."""
        return f"{self.version} {self.platform}"


def go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of every `go` call: the caller's, without what would change the binaries."""
    kept = {name: value for name, value in environ.items() if name not in GO_ENVIRONMENT_DROPPED}
    return kept | dict(GO_ENVIRONMENT)


def find_go(environ: Mapping[str, str]) -> Go:
    """The Go compiler on PATH. Raises UpstreamError when there is none or it does not answer."""
    path = shutil.which("go", path=environ.get("PATH")) or (str(_USUAL_GO) if _USUAL_GO.exists() else None)
    if path is None:
        raise UpstreamError(
            "Go is missing: install Go 1.26 or newer (https://go.dev/dl/) and put its bin directory on PATH"
        )
    asked = subprocess.run(
        [path, "env", "GOVERSION", "GOOS", "GOARCH"],
        env=go_environment(environ),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    answers = asked.stdout.split("\n")
    if asked.returncode != 0 or not answers[0]:
        raise UpstreamError(f"Go at {path} does not work: {(asked.stderr or asked.stdout).strip()}")
    return Go(path, answers[0], "/".join(answers[1:3]))


def check_go(go: Go, group: Group, go_mod: str) -> None:
    """Raises UpstreamError when the compiler is older than the group's go.mod asks for."""
    needed = required_go(go_mod)
    if go_release(go.version) < needed:
        asked = ".".join(str(part) for part in needed)
        raise UpstreamError(
            f"Go at {go.path} is {go.version.removeprefix('go')}, but building {group.name} needs {asked} or newer"
        )


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
        command = Command((self.go.path, *arguments), go_environment(self.environ), self.group.directory)
        code = runner.run(command, output.take, self.progress, lambda: output.progress(phase, packages))
        if code != 0:
            raise UpstreamError(failure(self, arguments[0], code, output))
        return output


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
    if not package or len(programs) == 1:
        return programs
    found = []
    for program, main in build.group.programs.items():
        listed = subprocess.run(
            [build.go.path, "list", "-deps", main],
            cwd=build.group.directory,
            env=go_environment(build.environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if package in listed.stdout.split():
            found.append(program)
    return tuple(found) or programs


def build_group(build: GroupBuild, output: Path) -> int:
    """Build every program of the group into the empty directory `output`; the number of packages in them.

    Raises UpstreamError when Go fails or a program did not come out.
    """
    go_mod = (build.group.directory / "go.mod").read_text()
    check_go(build.go, build.group, go_mod)
    # Listing first brings the modules here, so that waiting for the network and compiling are told apart.
    listed = build.run(("list", "-deps", *build.group.programs.values()), "reading modules")
    build.run(build_arguments(build.group, go_mod, output), "compiling", listed.packages)
    for program, package in build.group.programs.items():
        built = output / built_name(package)
        if not built.is_file():
            raise UpstreamError(f"cannot build {program}: Go left no file {built.name}")
        if built.name != program:
            built.rename(output / program)
    return listed.packages
