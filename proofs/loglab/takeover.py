"""The replica that reads a container is killed, or frozen past its lease and woken, while another's readers look on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from proofs.loglab import peers
from proofs.loglab.apis import ApiProcess, Lab, pod_of
from proofs.loglab.crowd import Crowd, crowd
from proofs.loglab.fanout import Load
from proofs.loglab.node import LogNode
from proofs.loglab.readers import Task
from proofs.loglab.writing import Observed, Writing, next_window, observe, writing
from support.redis import RedisServer
from support.waiting import eventually

BOUND_SECONDS = 10.0
KILL_AFTER_SECONDS = 1.5
"""Into the measured lines."""
WAKE_AFTER_SECONDS = 1.5
"""From the other's follow on: the tail has the lines since, and more of them stand in the frozen one's socket."""
STANDSTILL_SECONDS = 0.7
"""Less than a command to Redis may take."""
_FOLLOWS = 'guildnet_api_log_follows_total{how="lease"}'
_FEW = 10
_REMOVE_LEASES = """
local removed = 0
for _, key in ipairs(redis.call('KEYS', '*:lease')) do removed = removed + redis.call('DEL', key) end
return removed
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds until the other one followed, and what its readers saw of it. Of a holder that was frozen and woken: what
    its own readers saw, and what it did that it may not."""

    seconds: float
    observed: Observed
    own: Observed | None = None
    went_on: str = ""

    @property
    def faults(self) -> str:
        own = self.own.faults if self.own else ""
        return ", ".join(filter(None, (self.observed.faults, f"of the woken one: {own}" if own else "", self.went_on)))

    def __str__(self) -> str:
        own = f"; readers of the woken one: {self.own}" if self.own else ""
        went_on = f"; {self.went_on}" if self.went_on else ""
        return f"took over after {self.seconds:.1f} s; {self.observed}{own}{went_on}"


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two replicas with their readers, and the container's lines; the holder reads the container."""

    holder: ApiProcess
    other: ApiProcess
    near: Crowd
    far: Crowd
    lines: Writing

    async def followed(self, since: float) -> float:
        """Seconds until the other one follows, BOUND_SECONDS and more where it does not."""

        async def follows() -> bool:
            return await self.other.metric(_FOLLOWS) > 0

        with suppress(AssertionError):
            await eventually(follows, within=BOUND_SECONDS + 5, every=0.05)
        return time.monotonic() - since


@asynccontextmanager
async def _pair(lab: Lab, node: LogNode, workspace: str, load: Load) -> AsyncIterator[_Pair]:
    async def write(number: int) -> None:
        node.write(pod_of(workspace), peers.text(number, time.time_ns()))

    async with lab.started(f"{workspace}-holder") as holder, lab.started(f"{workspace}-other") as other:
        target = holder.target(workspace, "&tail=0")
        async with (
            writing(load.rate, write) as lines,
            crowd(Task(holder.port, target, holder.headers(), _FEW)) as near,
        ):
            assert await eventually(lambda: holder.metric(_FOLLOWS)) == 1
            async with crowd(Task(other.port, target, other.headers(), load.readers)) as far:
                assert await other.metric(_FOLLOWS) == 0, "the wrong replica reads: nothing would be proved"
                yield _Pair(holder, other, near, far, lines)


async def killed(lab: Lab, node: LogNode, workspace: str, load: Load) -> Taken:
    """SIGKILL to the holder, in the middle of the measured lines."""
    async with _pair(lab, node, workspace, load) as pair:
        window = next_window(pair.lines, load.seconds)
        async with asyncio.TaskGroup() as tasks:
            observing = tasks.create_task(observe(pair.lines, pair.far, window))
            await pair.lines.reached(window.first + round(load.rate * KILL_AFTER_SECONDS))
            pair.holder.process.stop(kill=True)
            seconds = await pair.followed(time.monotonic())
        return Taken(seconds, observing.result())


async def frozen(lab: Lab, node: LogNode, workspace: str, load: Load, redis: RedisServer | None = None) -> Taken:
    """SIGSTOP to the holder until the other one has taken over and goes on, then SIGCONT.

    Without `redis` its lease runs out, and the first that it does when it wakes is to renew it: it learns of its loss
    in time. With it the lease is removed at once, so that nothing is overdue, and Redis stands still while the holder
    wakes: what it appends and what it asks are on their way together, and only Redis itself can refuse the one.
    """
    async with _pair(lab, node, workspace, load) as pair:
        window = next_window(pair.lines, load.seconds)
        async with asyncio.TaskGroup() as tasks:
            far = tasks.create_task(observe(pair.lines, pair.far, window))
            near = tasks.create_task(observe(pair.lines, pair.near, window))
            await pair.lines.reached(window.first + round(load.rate * KILL_AFTER_SECONDS))
            await asyncio.sleep(0.5 / load.rate)  # between two lines, so that no command of it is on its way
            pair.holder.process.pause()
            try:
                if redis:
                    assert redis.command("EVAL", _REMOVE_LEASES, "0") == b":1\r\n"
                seconds = await pair.followed(time.monotonic())
                await asyncio.sleep(0.2 if redis else WAKE_AFTER_SECONDS)
                late = pair.lines.number >= window.last
                async with _standstill(redis):
                    pair.holder.process.resume()
            finally:
                pair.holder.process.resume()
        follows = await pair.holder.metric(_FOLLOWS)
        went_on = f"the woken one took the lease again, {follows:g} times" if follows != 1 else ""
        return Taken(seconds, far.result(), near.result(), "woken only after the last line" if late else went_on)


@asynccontextmanager
async def _standstill(redis: RedisServer | None) -> AsyncIterator[None]:
    """Redis stands still while the block is run, and a while longer."""
    if redis is None:
        yield
        return
    redis.process.pause()
    try:
        yield
        await asyncio.sleep(STANDSTILL_SECONDS)
    finally:
        redis.process.resume()
