"""The play: WebSockets and requests run, both proxies are restarted one after the other, and all goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guildnet_proxy.http.limits import Limits
from proofs.proxied.running import install
from proofs.rolling import upstream
from proofs.rolling.requests import QUICK_USER, SELDOM_USER, Asked, Users, slow_user
from proofs.rolling.service import Pod, Service
from proofs.rolling.sockets import Held, Sockets, handshake_of
from support.waiting import eventually

PAGES: Final = "pages"
HOUSES: Final = ("sockets-1", "sockets-2", "sockets-3", "sockets-4")
"""The workspaces with WebSockets: one may have only so many (`STREAMS_PER_WORKSPACE`)."""
BEFORE_SECONDS: Final = 3.0
BETWEEN_SECONDS: Final = 1.0
WAITS_SECONDS: Final = 60.0
"""At the end, for the rest of the requests and for WebSockets that are still to come back."""
_FAULTS: Final = ("Traceback", '"level":"error"', '"level": "error"', "never retrieved")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many, and the proxies' settings `DRAIN_DELAY_SECONDS` and `DRAIN_SECONDS`."""

    sockets: int
    requests: int
    delay: float
    grace: float
    quick_users: int
    seldom_users: int = 20
    slow_users: int = 12
    pause: float = 5.0
    """Between two messages of one WebSocket, seconds."""

    @property
    def goodbye(self) -> float:
        """The last seconds of the grace, in which the proxy tells WebSockets to leave."""
        return min(Limits().goodbye_seconds, self.grace / 2)

    @property
    def lives_on(self) -> float:
        """Seconds after SIGTERM during which no WebSocket may be closed."""
        return self.delay + self.grace - self.goodbye


@dataclass(frozen=True, slots=True)
class Restarted:
    """One proxy that was restarted, and the seconds from SIGTERM to its end."""

    pod: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Played:
    """All that happened. `there`: WebSockets open at its end. `codes`: how the workspaces saw theirs closed."""

    asked: Asked
    held: Held
    there: int
    restarts: Sequence[Restarted]
    codes: Counter[int | None]
    faults: Sequence[str]


async def play(directory: Path, plan: Plan) -> Played:
    async with (
        upstream.serving() as workspace,
        install(directory, dict.fromkeys((PAGES, *HOUSES), workspace.port)) as installed,
    ):
        site = installed.site
        pods = [Pod(name, installed, directory, plan.delay, plan.grace) for name in ("one", "two")]
        service = Service(pods)
        users = Users(service, site.host(PAGES), site.cookie(PAGES))
        sockets = Sockets(service)
        watching = asyncio.create_task(service.watch())
        try:
            await asyncio.gather(*(pod.start() for pod in pods))
            await eventually(service.sends_to_all, within=10)
            handshakes = [handshake_of(site.host(name), site.cookie(name)) for name in HOUSES]
            async with asyncio.TaskGroup() as running:
                for number in range(plan.sockets):
                    running.create_task(sockets.hold(handshakes[number % len(HOUSES)], number, plan.pause))
                await eventually(lambda: sockets.held.open == plan.sockets, within=60)
                _come(running, users, plan)
                restarts = await _restarted(pods, users, sockets, plan)
                users.over = True
                there, codes = sockets.held.open, workspace.closed.copy()
                sockets.end()
        finally:
            watching.cancel()
            await asyncio.gather(watching, *(pod.stop() for pod in pods), return_exceptions=True)
        return Played(users.asked, sockets.held, there, restarts, codes, _faults(pods))


def _come(running: asyncio.TaskGroup, users: Users, plan: Plan) -> None:
    habits = [QUICK_USER] * plan.quick_users + [SELDOM_USER] * plan.seldom_users
    habits += [slow_user(plan.grace * 0.3)] * plan.slow_users
    for seed, habit in enumerate(habits):
        running.create_task(users.run(habit, seed))


async def _restarted(pods: Sequence[Pod], users: Users, sockets: Sockets, plan: Plan) -> list[Restarted]:
    """Restarts the proxies one after the other, then waits until all was asked and every WebSocket is there again."""
    restarts = []
    await asyncio.sleep(BEFORE_SECONDS)
    for pod in pods:
        restarts.append(Restarted(pod.name, await pod.stop()))
        await pod.start()
        asked, held = users.asked, sockets.held
        print(
            f"  {pod.name} restarted, its end {restarts[-1].seconds:.1f} s after SIGTERM: {asked.requests:,} requests, "
            f"{len(asked.failures)} failed; {held.open:,} WebSockets open, {len(held.closed):,} closed, "
            f"{len(held.failures)} failures",
            flush=True,
        )
        await asyncio.sleep(BETWEEN_SECONDS)
    with contextlib.suppress(AssertionError):  # the figure says what is missing
        await eventually(
            lambda: users.asked.requests >= plan.requests and sockets.held.open == plan.sockets, within=WAITS_SECONDS
        )
    return restarts


def _faults(pods: Sequence[Pod]) -> list[str]:
    """Lines of the logs that tell of a fault."""
    lines = (line for pod in pods for line in pod.log.read_text(errors="replace").splitlines())
    return [line for line in lines if any(fault in line for fault in _FAULTS)]
