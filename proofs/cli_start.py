"""How soon the command line answers: its help, a list, the first line of a log; the median of 20 runs each."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Final

from proofs import PYTHON_PATH, Figure
from proofs.cli import START
from support.local import Local, bring_up

RUNS: Final = 20
LIMITS_MS: Final = {"--help": 150, "list": 300, "logs": 500}
"""Milliseconds from the start of the process to its end; of `logs` to its first line."""


def milliseconds(words: list[str], environment: Mapping[str, str], *, first_line: bool) -> float:
    """Raises AssertionError for a command that fails or says nothing."""
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", START, *words], env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        at = time.monotonic()
        process.stdout.read()
        status = process.wait(60)
    assert status == 0, f"guildnet {' '.join(words)} ended with {status}"
    assert line, f"guildnet {' '.join(words)} said nothing"
    return 1000 * ((at if first_line else time.monotonic()) - began)


def prove() -> Figure:
    """Met when each median is within its limit."""
    bring_up()
    local = Local()
    with tempfile.TemporaryDirectory() as directory:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": PYTHON_PATH, "GUILDNET_CONFIG": directory,
            "GUILDNET_URL": local.origin, "GUILDNET_TOKEN": local.token,
        }  # fmt: skip
        with local.api() as api:
            running = [one["id"] for one in api.get("/api/servers").json() if one["status"] == "running"]
        commands = {"--help": ["--help"], "list": ["list"], "logs": ["logs", running[0]]}
        medians = {}
        for name, words in commands.items():
            first_line = name == "logs"
            milliseconds(words, environment, first_line=first_line)  # compiles modules, as an installation does
            found = [milliseconds(words, environment, first_line=first_line) for _ in range(RUNS)]
            medians[name] = statistics.median(found)
            print(f"  guildnet {name}: median {medians[name]:.0f} ms, {min(found):.0f}–{max(found):.0f} ms, of {RUNS}")
    text = ", ".join(f"{name} {value:.0f} ms (≤ {LIMITS_MS[name]})" for name, value in medians.items())
    return Figure(f"median of {RUNS}: {text}", all(value <= LIMITS_MS[name] for name, value in medians.items()))
