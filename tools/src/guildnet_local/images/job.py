"""One build by a program of this machine: buildah, docker, mmdebstrap, npm.

The whole output goes to a log file, the step to the progress lines; an error says at which step it broke.
"""

import re
import shutil
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from guildnet_local.build import runner
from guildnet_local.build.runner import Command, Progress, exit_phrase
from guildnet_local.images.recipes import ImageError

_MAX_ERROR_LINES = 20
# buildah: `[2/3] STEP 4/7: RUN …`; docker: `#8 [base 4/7] RUN …`; mmdebstrap: `I: installing …`, its tidying
# after an error left out; npm: `> build`.
_STEP = re.compile(
    r"(?:(?:\[\d+/\d+\] )?STEP \d+/\d+: (?!COMMIT)|#\d+ \[[^\]]+\] |I: (?!removing|main\(\))|> )(?P<step>\S.*)",
)


def megabytes(size: int) -> str:
    """A number of bytes as `208 MB`."""
    return f"{size / 1e6:,.0f} MB"


@dataclass(slots=True)
class Output:
    """What a builder has said so far."""

    step: str = "starting"
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_MAX_ERROR_LINES))

    def take(self, line: str) -> None:
        """Account for one line of the builder's output."""
        if (found := _STEP.match(line)) is not None:
            self.step = found["step"]
        if line.strip():
            self.last.append(line)


def shortened(step: str, width: int = 90) -> str:
    """The step on one line of at most `width` characters, without the mounts of secrets and caches."""
    step = " ".join(re.sub(r"--mount=\S+ ", "", step).split())
    return step if len(step) <= width else step[: width - 1] + "…"


@dataclass(frozen=True, slots=True)
class Job:
    """One thing being built: its progress, and the file that gets the whole output."""

    progress: Progress
    log: Path

    @property
    def what(self) -> str:
        """The name of what is built."""
        return self.progress.what

    def run(self, command: Command, *, step: str = "starting") -> None:
        """Run one builder to its end. `step` names what it does before it says so itself.

        Raises ImageError with the step that failed and its last lines."""
        if shutil.which(command.argv[0]) is None:
            raise ImageError(f"cannot build {self.what}: {command.argv[0]} is not installed")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        output = Output(step)
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(command.argv)}\n".encode())
            code = runner.run(command, partial(_keep, output, log), self.progress, lambda: shortened(output.step))
        if code != 0:
            raise ImageError(self.failure(code, output))

    def failure(self, code: int, output: Output) -> str:
        """The text of a failed build: what, at which step, after how long, its last lines and where all of them are."""
        lines = "\n".join(f"    {line}" for line in output.last) or "    (nothing was said)"
        return (
            f"cannot build {self.what}: it failed after {self.progress.elapsed} ({exit_phrase(code)}) at the step\n"
            f"    {shortened(output.step, 300)}\n  which said:\n{lines}\n  the whole output is in {self.log}"
        )


def _keep(output: Output, log: IO[bytes], line: str) -> None:
    log.write(f"{line}\n".encode())
    output.take(line)
