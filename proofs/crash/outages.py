"""What an outage of the API server costs it while it lasts, and how long the operator takes afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from guildnet_operator.workqueue import RETRY_BURST
from proofs.crash.settled import all_ready
from proofs.crash.stage import Stage
from support.faultproxy import FaultProxy, answer
from support.waiting import eventually

MOST_PER_SECOND = 5.0
MOST_IN_A_SECOND = 30
"""Requests in any second of it: a dozen watches that end at once begin again at once, but not again and again."""
CONVERGED_WITHIN = 30.0

Refusal = Callable[[web.BaseRequest], web.StreamResponse | None]
Begin = Callable[[FaultProxy], None]


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests a second while it lasted, on average and at most, and seconds from its end until all was done."""

    rate: float
    peak: int
    converged: float

    def __str__(self) -> str:
        return f"{self.rate:.1f} requests/s, at most {self.peak} in a second, done after {self.converged:.1f} s"

    @property
    def met(self) -> bool:
        calm = self.rate <= MOST_PER_SECOND and self.peak <= MOST_IN_A_SECOND
        return calm and self.converged <= CONVERGED_WITHIN


def peak(times: Sequence[float]) -> int:
    """The most requests in any second; `times` in the order in which they came."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def refused(request: web.BaseRequest) -> web.StreamResponse | None:
    """The connection is cut without an answer, as by a server that is not there."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def expired_at_connect(request: web.BaseRequest) -> web.StreamResponse | None:
    return answer(410) if "watch" in request.query else None


def expired_in_stream(request: web.BaseRequest) -> web.StreamResponse | None:
    if "watch" not in request.query:
        return None
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    return web.Response(body=json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")


def _refusing(refusal: Refusal) -> Begin:
    def begin(proxy: FaultProxy) -> None:
        proxy.refuse = refusal
        proxy.cut()

    return begin


OUTAGES: dict[str, Begin] = {
    "refused": _refusing(refused),
    "503": _refusing(lambda _: answer(503)),
    "429": _refusing(lambda _: answer(429)),
    "410 at connect": _refusing(expired_at_connect),
    "410 in the stream": _refusing(expired_in_stream),
    "silent watch": lambda proxy: proxy.streams.silence(),
    # The ones that are open, for good; new ones work. It ends when the operator gives up on them.
    "deaf watch": lambda proxy: proxy.streams.deafen(),
}


def writes_refused(request: web.BaseRequest) -> web.StreamResponse | None:
    """As where a webhook that every object has to pass is down; without its Lease the operator would do nothing."""
    return answer(503) if request.method != "GET" and "/leases" not in request.path else None


async def many_meanwhile(played: Stage, workspaces: int, seconds: float) -> Cost:
    """No write is taken while `workspaces` are launched; the rate is that while all of them wait for their turns.

    Raises AssertionError where they are not all ready in time afterwards.
    """
    world, proxy, operator = played.world, played.proxy, played.operator
    assert operator is not None
    await eventually(lambda: operator.lease.held)
    proxy.refuse = writes_refused
    for number in range(workspaces):
        await world.launch(f"ws-{number}")
    # The first are tried again, as many as may be at once, maybe before the last were seen.
    tries = workspaces + RETRY_BURST
    await eventually(lambda: operator.queue.worked >= tries and operator.queue.delayed == workspaces, within=30)
    before = proxy.seen.requests
    await asyncio.sleep(seconds)
    asked = proxy.seen.asked[before:]
    over(proxy)
    began = time.monotonic()
    # A look is a list of all: a second apart, so that it takes little of what it measures.
    await eventually(lambda: all_ready(played, workspaces), within=CONVERGED_WITHIN, every=1.0)
    return Cost(len(asked) / seconds, peak(asked), time.monotonic() - began)


def over(proxy: FaultProxy) -> None:
    proxy.refuse = lambda _: None
    proxy.streams.speak()


async def outage(played: Stage, kind: str, seconds: float) -> Cost:
    """Play one: a workspace is stopped and another launched while the operator cannot see it. Raises AssertionError."""
    world, proxy = played.world, played.proxy
    await world.launch("before")
    await world.until_condition("before", "Ready", "True")
    await eventually(played.idle)
    OUTAGES[kind](proxy)
    before = proxy.seen.requests
    await world.launch("meanwhile")
    await world.edit("before", running=False)
    await asyncio.sleep(seconds)
    asked = proxy.seen.asked[before:]
    over(proxy)
    began = time.monotonic()

    async def made_up_for() -> bool:
        ready = await world.condition("meanwhile", "Ready")
        stopped = await world.condition("before", "Stopped")
        return (ready.get("status"), stopped.get("status")) == ("True", "True")

    await eventually(made_up_for, within=CONVERGED_WITHIN, every=0.2)
    assert played.lives == 1, "the operator ended"
    return Cost(len(asked) / seconds, peak(asked), time.monotonic() - began)
