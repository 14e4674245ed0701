"""Ending the operator of a plan, which a fault and a step of the scenario may both want at the same time."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from proofs.crash.processes import OperatorProcess


class Played:
    """A process that is dead once it was joined, and answers nothing once it was closed, as multiprocessing's."""

    pid = 1

    def __init__(self) -> None:
        self._exitcode: int | None = None
        self._ended = threading.Event()
        self.closed = False

    def start(self) -> None: ...

    @property
    def exitcode(self) -> int | None:
        if self.closed:
            raise ValueError("process object is closed")
        return self._exitcode

    def is_alive(self) -> bool:
        return self.exitcode is None

    def join(self, _: float) -> None:
        self._ended.wait(0.05)  # so long that who comes second finds it dying
        self._exitcode = -9

    def close(self) -> None:
        self.closed = True


class Context:
    """Makes played processes."""

    def __init__(self) -> None:
        self.made: list[Played] = []

    def Process(self, **_: Any) -> Played:  # noqa: N802  multiprocessing's name
        self.made.append(Played())
        return self.made[-1]


@pytest.mark.parametrize("first", ["fault", "scenario"])
async def test_a_fault_and_a_step_may_end_the_operator_at_once(first: str, monkeypatch, tmp_path: Path):
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    context: Any = Context()
    operator = OperatorProcess(context, {}, tmp_path / "log")
    operator.start()
    ends = [operator.kill(), operator.stop(kill=True)]
    await asyncio.gather(*(ends if first == "fault" else reversed(ends)))
    assert not operator.running
    assert all(process.closed for process in context.made)
    assert len(killed) == len(context.made), "each process is killed once"
