"""What asyncio lacks: a wake-up for everybody who waits, and a task group that raises the first failure itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class Signal:
    """A wake-up: `notify` ends every `wait` that began before it, and none that begins after."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        await self._event.wait()


async def wait_first(signals: Sequence[Signal], timeout: float) -> None:
    """Until one of them is notified, or `timeout` seconds have passed."""
    waiting = [asyncio.ensure_future(signal.wait()) for signal in signals]
    try:
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


class TaskGroup:
    """Tasks that end together; made by `task_group`."""

    def __init__(self, owner: asyncio.Task[Any]) -> None:
        self.failure: BaseException | None = None
        """The first of a task."""
        self._owner = owner
        self._running: set[asyncio.Task[Any]] = set()
        self._in_body = True
        self._ending = False
        self._interrupted = False

    def create_task(self, coroutine: Coroutine[Any, Any, T], *, context: Context | None = None) -> asyncio.Task[T]:
        task = asyncio.create_task(coroutine, context=context)
        self._running.add(task)
        task.add_done_callback(self._done)
        if self._ending:
            task.cancel()
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or self.failure is not None:
            return
        self.failure = error
        self._cancel()
        if self._in_body:
            self._interrupted = True
            self._owner.cancel()

    def _cancel(self) -> None:
        self._ending = True
        for task in self._running:
            task.cancel()

    async def end(self, error: BaseException | None) -> None:
        """Wait for every task, cancelled where the body has failed. Our own cancellation of the body is taken back."""
        self._in_body = False
        if error is not None:
            self._cancel()
        delivered = isinstance(error, asyncio.CancelledError)
        while self._running:
            try:
                await asyncio.wait(self._running)
            except asyncio.CancelledError:
                delivered = True
                self._cancel()
        if self._interrupted:
            if not delivered:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            self._owner.uncancel()


@asynccontextmanager
async def task_group() -> AsyncIterator[TaskGroup]:
    """Tasks whose first failure cancels the others and the body, and is raised as it is when all have ended.

    A cancellation from outside goes before any failure: whoever handles that would go on although it was told to end.
    asyncio.TaskGroup does neither, and before Python 3.13 leaves its own cancellation standing where a task fails after
    the body's end: a failure then looks like a cancellation to every group around it.
    """
    owner = asyncio.current_task()
    assert owner is not None  # noqa: S101  within a coroutine there is one
    before, error = owner.cancelling(), None
    tasks = TaskGroup(owner)
    try:
        yield tasks
    except BaseException as raised:  # noqa: BLE001  raised below, when the tasks have ended
        error = raised
    first = tasks.failure or error
    await tasks.end(error)
    if owner.cancelling() > before:
        raise asyncio.CancelledError from None
    failure = first or tasks.failure
    if failure is not None:
        raise failure
