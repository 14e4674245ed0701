"""A builder that is interrupted, wherever: real processes, and what is left of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from guildnet_local.build import runner
from guildnet_local.build.runner import Command, Progress

PLACES = 40
"""Lines of `run` and of what it waits with, from where the child runs; it waits for good long before the last."""
MARK = f"300.{os.getpid()}"
WAITING = frozenset({"run", "_ended", "wait", "_wait", "poll", "_internal_poll"})


class Interrupted(BaseException):
    """What a signal's handler raises, between any two lines."""


def interrupting(at: int, reached: Callable[[int], None]) -> Callable[[FrameType, str, Any], Any]:
    """A trace function that raises Interrupted at the line with this number (from 0)."""
    lines = -1  # the line `try:` itself, where nothing is guarded yet, and no signal is looked at either

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_name not in WAITING:
            return None
        ours = frame.f_code.co_filename == runner.__file__ and frame.f_code.co_name == "run"
        if event != "line" or (ours and "reader" not in frame.f_locals) or (not ours and not runner._running):
            return trace
        if lines == at:
            sys.settrace(None)
            reached(lines)
            raise Interrupted
        lines += 1
        return trace

    return trace


@pytest.mark.timeout(60)
@pytest.mark.skipif(sys.gettrace() is not None, reason="a debugger or a coverage tool traces already")
def test_an_interruption_at_any_line_ends_the_builder_and_what_it_started() -> None:
    progress = Progress("test", lambda _: None, heartbeat_seconds=0.01)
    reached: list[int] = []
    for place in range(PLACES):
        sys.settrace(interrupting(place, reached.append))
        try:
            with pytest.raises(Interrupted):
                runner.run(Command(["sh", "-c", f"sleep {MARK} & wait"]), lambda _: None, progress, lambda: "")
        finally:
            sys.settrace(None)
        assert not runner._running
    assert reached == list(range(PLACES))
    assert running(MARK) == []


def running(argument: str) -> list[str]:
    """Processes that were given this argument; one that nobody has waited for yet has none."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and argument.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(entry.name)
    return found
