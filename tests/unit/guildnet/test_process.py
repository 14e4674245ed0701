"""The skeleton of a process: how it ends, and with which exit status."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from guildnet import process, telemetry
from guildnet.errors import Invalid, Unreachable
from guildnet.settings import Settings


async def until_told(_: Settings, stop: asyncio.Event) -> None:
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    await stop.wait()


async def just_returns(_: Settings, _stop: asyncio.Event) -> None:
    return


def raises(error: Exception) -> Callable[[Settings, asyncio.Event], Awaitable[None]]:
    async def main(_: Settings, _stop: asyncio.Event) -> None:
        raise error

    return main


@pytest.fixture(autouse=True)
def _logs_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "configure_logging", lambda *_: None)


@pytest.mark.parametrize(
    ("main", "status"),
    [
        pytest.param(until_told, 0, id="a stop that was asked for"),
        pytest.param(just_returns, 1, id="an end nobody asked for"),
        pytest.param(raises(Invalid("the key is too short")), 2, id="a file that cannot be used"),
        pytest.param(raises(Unreachable("no API server")), 1, id="the cluster cannot be reached"),
        pytest.param(raises(OSError(98, "Address already in use")), 1, id="the address is taken"),
        pytest.param(raises(ZeroDivisionError()), 1, id="a bug"),
    ],
)
def test_the_exit_status_says_how_it_ended(
    main: Callable[[Settings, asyncio.Event], Awaitable[None]], status: int
) -> None:
    with pytest.raises(SystemExit) as ended:
        process.run("test", Settings, main)
    assert ended.value.code == status


async def test_waiting_ends_with_the_stop_or_with_what_broke() -> None:
    async def breaks() -> None:
        raise Unreachable("gone")

    async def lasts() -> None:
        await asyncio.Event().wait()

    stop = asyncio.Event()
    stop.set()
    task = asyncio.create_task(lasts())
    await process.first_to_end(stop, task)
    with pytest.raises(Unreachable):
        await process.first_to_end(asyncio.Event(), task, asyncio.create_task(breaks()))
    task.cancel()


BURST = """
import os, sys
from guildnet import process
from support.process import resident_bytes
buffers, letter = [], b"x"
for _ in range(600):
    buffers.append(letter * 100_000)  # below what glibc takes from the system by itself
del buffers[::2]  # each between two that stay: as large, so that none of those fits into a hole that was there before
before = resident_bytes(os.getpid())
process.give_back()
print(before - resident_bytes(os.getpid()))
"""


def test_what_was_freed_below_the_heap_s_end_goes_back_to_the_system():
    # In a process of its own: what other tests freed would be taken first.
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    given = subprocess.run([sys.executable, "-c", BURST], env=path, capture_output=True, text=True, check=True).stdout
    assert int(given) > 10_000_000
