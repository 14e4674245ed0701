"""Running the Go compiler for one group of upstream programs, with progress and an error that says what broke.

Knows nothing of the cache: it fills a directory it is given, or raises UpstreamError.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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

Report = Callable[[str], None]
HEARTBEAT_SECONDS = 15.0
_ERROR_LINES = 25
_PATIENCE = 10.0
"""Seconds a compiler may take to end when asked to."""
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
    rest: deque[str] = field(default_factory=lambda: deque(maxlen=_ERROR_LINES))

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


def _drain(process: subprocess.Popen[str], output: Output) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            output.take(line.rstrip("\n"))


def _dying_with_us() -> list[str]:
    """A prefix that ends `go` when we are killed, so that the next build does not meet it at work in the same room."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _end(process: subprocess.Popen[str]) -> None:
    """End `go` and the compilers it started: they share its process group, and `go` may be gone before they are."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    until = time.monotonic() + _PATIENCE
    while process.poll() is None or _members(process.pid):
        if time.monotonic() > until:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.01)
    process.wait()


def _members(group: int) -> list[int]:
    """The processes of a process group that run; one that has ended and waits for its parent to ask is not one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                state, _, of = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
                if int(of) == group and state not in "ZX":
                    found.append(int(entry.name))
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """One group's build: the compiler, the clock it is timed by, where progress goes."""

    group: Group
    go: Go
    environ: Mapping[str, str]
    report: Report
    heartbeat: float = HEARTBEAT_SECONDS
    started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> str:
        """Time since the build began, such as `1m05s`."""
        return duration(time.monotonic() - self.started)

    def __call__(self, arguments: Sequence[str], phase: str, total: int = 0) -> Output:
        """Run `go` to its end, saying every heartbeat how far it is. Raises UpstreamError with Go's last lines."""
        output = Output()
        process = subprocess.Popen(
            [*_dying_with_us(), self.go.path, *arguments],
            cwd=self.group.directory,
            env=go_environment(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        reader = threading.Thread(target=_drain, args=(process, output), daemon=True)
        reader.start()
        try:
            while process.poll() is None:
                try:
                    process.wait(self.heartbeat)
                except subprocess.TimeoutExpired:
                    self.report(f"  {self.group.name}: {output.progress(phase, total)} ({self.elapsed()})")
        finally:
            _end(process)
            reader.join(10)
            if process.stdout is not None:
                process.stdout.close()
        if process.returncode != 0:
            raise UpstreamError(failure(self, arguments[0], process.returncode, output))
        return output


def duration(seconds: float) -> str:
    """`9.4s` below ten seconds, else `42s` or `4m51s`."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def failure(run: Run, verb: str, code: int, output: Output) -> str:
    """The text of a failed build: which programs, in which package, after how long, and Go's last lines."""
    where = f" in package {output.failed_package}" if output.failed_package else ""
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    lines = "\n".join(f"    {line}" for line in output.rest) or "    (Go said nothing)"
    programs = ", ".join(blamed(run, output.failed_package))
    call = f"`go {verb}` of {run.group.name} failed{where} after {run.elapsed()} ({ended})"
    return f"cannot build {programs}: {call}:\n{lines}"


def blamed(run: Run, package: str) -> tuple[str, ...]:
    """The programs of the group that need the package which did not compile; all of them when that is not known."""
    programs = tuple(run.group.programs)
    if not package or len(programs) == 1:
        return programs
    found = []
    for program, main in run.group.programs.items():
        listed = subprocess.run(
            [run.go.path, "list", "-deps", main],
            cwd=run.group.directory,
            env=go_environment(run.environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if package in listed.stdout.split():
            found.append(program)
    return tuple(found) or programs


def build(run: Run, output: Path) -> int:
    """Build every program of the group into the empty directory `output`; answers the number of packages in them.

    Raises UpstreamError when Go fails or a program did not come out.
    """
    go_mod = (run.group.directory / "go.mod").read_text()
    check_go(run.go, run.group, go_mod)
    # Listing first brings the modules here, so that waiting for the network and compiling are told apart.
    listed = run(("list", "-deps", *run.group.programs.values()), "reading modules")
    run(build_arguments(run.group, go_mod, output), "compiling", listed.packages)
    for program, package in run.group.programs.items():
        built = output / built_name(package)
        if not built.is_file():
            raise UpstreamError(f"cannot build {program}: Go left no file {built.name}")
        if built.name != program:
            built.rename(output / program)
    return listed.packages
