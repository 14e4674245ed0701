"""Running a builder (buildah, docker, mmdebstrap, npm) with progress, and an error that says at which step it broke.

The whole output goes to a log file; the terminal gets a line every few seconds. A builder that is interrupted is ended
with all that it started.
"""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from guildnet_local.build.cache import Report
from guildnet_local.images.recipes import ImageError

HEARTBEAT_SECONDS = 10.0
_ERROR_LINES = 20
# buildah: `[2/3] STEP 4/7: RUN …`; docker: `#8 [base 4/7] RUN …`; mmdebstrap: `I: installing …`, its tidying
# after an error left out; npm: `> build`.
_STEP = re.compile(
    r"(?:(?:\[\d+/\d+\] )?STEP \d+/\d+: (?!COMMIT)|#\d+ \[[^\]]+\] |I: (?!removing|main\(\))|> )(?P<step>\S.*)",
)


def duration(seconds: float) -> str:
    """`9.4 s` below ten seconds, else `42 s` or `4 min 51 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


@dataclass(slots=True)
class Said:
    """What a builder has said so far."""

    step: str = "starting"
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_ERROR_LINES))

    def take(self, line: str) -> None:
        if (found := _STEP.match(line)) is not None:
            self.step = found["step"]
        if line.strip():
            self.last.append(line)


def _shortened(step: str, width: int = 90) -> str:
    step = " ".join(re.sub(r"--mount=\S+ ", "", step).split())
    return step if len(step) <= width else step[: width - 1] + "…"


@dataclass(frozen=True, slots=True)
class Job:
    """One thing being built: what to call it, where its log goes, since when."""

    what: str
    log: Path
    report: Report
    heartbeat: float = HEARTBEAT_SECONDS
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        self.report(f"  {self.what}: {text} ({duration(self.seconds)})")

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
        step: str = "starting",
    ) -> None:
        """Run one builder to its end. `step` names what it does before it says so itself.

        Raises ImageError with the step that failed and its last lines."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        said = Said(step)
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            code = self._follow(command, said, log, env=env, cwd=cwd, stdin=stdin)
        if code != 0:
            raise ImageError(self.failure(code, said))

    def _follow(
        self,
        command: Sequence[str],
        said: Said,
        log: IO[bytes],
        *,
        env: Mapping[str, str] | None,
        cwd: Path | None,
        stdin: str,
    ) -> int:
        if shutil.which(command[0]) is None:
            raise ImageError(f"cannot build {self.what}: {command[0]} is not installed")
        process = subprocess.Popen(
            [*_tied(), *command],
            env=dict(env) if env is not None else None,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        reader = threading.Thread(target=_drain, args=(process.stdout, said, log), daemon=True)
        reader.start()
        try:
            if process.stdin is not None:
                process.stdin.write(stdin.encode())
                process.stdin.close()
            while process.poll() is None:
                try:
                    process.wait(self.heartbeat)
                except subprocess.TimeoutExpired:
                    self.say(_shortened(said.step))
        finally:
            _end(process)
            reader.join(10)
            if process.stdout is not None:
                process.stdout.close()
        return process.returncode

    def failure(self, code: int, said: Said) -> str:
        """The text of a failed build: what, at which step, after how long, its last lines and where all of them are."""
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        lines = "\n".join(f"    {line}" for line in said.last) or "    (nothing was said)"
        step = _shortened(said.step, 300)
        return (
            f"cannot build {self.what}: it failed after {duration(self.seconds)} ({ended}) at the step\n"
            f"    {step}\n  which said:\n{lines}\n  the whole output is in {self.log}"
        )


def _tied() -> list[str]:
    """What makes a builder end with this process, should that be killed without a chance to tidy up."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _drain(stream: IO[bytes] | None, said: Said, log: IO[bytes]) -> None:
    if stream is not None:
        for line in stream:
            log.write(line)
            said.take(line.decode(errors="replace").rstrip())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the builder and what it started: they share its process group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
