"""The skeleton of every service's process: settings, logs, the loop, signals, exit status."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn, TypeVar

import structlog

from guildnet import telemetry
from guildnet.errors import GuildNetError, Invalid
from guildnet.settings import EXIT_BAD_SETTINGS, Settings, load

S = TypeVar("S", bound=Settings)
Main = Callable[[S, asyncio.Event], Awaitable[None]]
"""The service: runs until the event is set (SIGTERM, SIGINT), then ends in good order."""

EXIT_FAILED: Final = 1

log = structlog.get_logger(__name__)


def run(service: str, settings: type[S], main: Main[S]) -> NoReturn:
    """Load the settings, configure the logs and run `main` on uvloop until it ends; then exit.

    Exit status: 0 after a stop that was asked for; 2 for settings, or files they name, that cannot be used; 1 for
    anything else, which is an error even where `main` just returns: a service has no reason to end by itself.
    """
    loaded = load(settings)
    telemetry.configure_logging(service, loaded.log_level, loaded.log_format)
    # uvloop is only needed by a process that runs: importing it costs a tool that only reads settings 20 ms.
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(_until_stopped(main, loaded))
    sys.exit(status)


async def _until_stopped(main: Main[S], settings: S) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await main(settings, stop)
    except Invalid as error:
        log.error("cannot start", error=str(error))
        return EXIT_BAD_SETTINGS
    except (GuildNetError, OSError) as error:
        log.error("cannot run", error=str(error))
        return EXIT_FAILED
    except Exception:
        log.exception("broken")
        return EXIT_FAILED
    if not stop.is_set():
        log.error("ended without being asked to")
        return EXIT_FAILED
    return 0


async def first_to_end(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Wait until the stop event or the end of a task that should never end; raises what ended it."""
    stopped = asyncio.create_task(stop.wait(), name="stop signal")
    try:
        await asyncio.wait((stopped, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        stopped.cancel()


def collect_less(objects: int = 50_000) -> None:
    """The garbage collector leaves alone what is there now, and looks after so many objects that were not freed again.

    What serves leaves hardly a cycle behind and lives in plain counts of references: at Python's 700 a busy process is
    looked through some thousand times a second, and all of it again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects, 20, 50)


_MALLOC_TRIM: Final = getattr(ctypes.PyDLL(None), "malloc_trim", None)
"""malloc_trim(3) of glibc; the loop goes on only after it, which is sooner than another thread would let it."""


def give_back() -> None:
    """Memory that was freed goes back to the system: of its heap glibc only gives back the end, whatever is free below.

    Does nothing with another C library.
    """
    if _MALLOC_TRIM is not None:
        _MALLOC_TRIM(0)


async def give_back_memory(every: float = 1.0) -> None:
    """`give_back` each so many seconds, for ever: a burst of buffers is none of the process a moment later."""
    while True:
        await asyncio.sleep(every)
        give_back()
