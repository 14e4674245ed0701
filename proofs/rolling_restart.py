"""Two proxies behind a Service are restarted one after the other, and nobody's request fails."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from proofs import Figure
from proofs.rolling.play import Plan, Played, play
from proofs.rolling.sockets import GOING_AWAY, Closed

FULL: Final = Plan(sockets=1_000, requests=10_000, delay=2.0, grace=10.0, quick_users=40)
QUICK: Final = Plan(sockets=200, requests=2_000, delay=2.0, grace=4.0, quick_users=16)
STAGGERED: Final = 0.25
"""Of the last seconds of the grace: the closes of one proxy take at least so long. It gives them half."""
AT_ONCE: Final = 0.25
"""Of one proxy's closes: at most so many within a tenth of a second."""
END_SECONDS: Final = 3.0
"""Beyond delay and grace, until a proxy has ended."""


def judged(played: Played, plan: Plan) -> Figure:
    asked, held = played.asked, played.held
    early = [one for one in held.closed if is_early(one, plan)]
    other = [one for one in held.closed if one.code != GOING_AWAY]
    by_pod = {pod: sorted(_after(held.closed, pod)) for pod in (restart.pod for restart in played.restarts)}
    spans = " and ".join(f"{len(at):,} over {span(at):.1f} s" for at in by_pod.values())
    text = (
        f"{asked.requests:,} requests (≥ {plan.requests:,}), {len(asked.failures)} failed (0); {played.there:,} "
        f"WebSockets (= {plan.sockets:,}), {held.echoes:,} echoes right, {len(held.failures)} failures (0), "
        f"{len(early)} closed before {plan.lives_on:g} s after SIGTERM (0), {len(other)} without a 1001 (0); "
        f"closed by the restarts: {spans} (each over ≥ {plan.goodbye * STAGGERED:g} s); "
        f"{len(played.faults)} faults in the logs (0)"
    )
    enough = asked.requests >= plan.requests and played.there == plan.sockets and held.echoes > 0
    restarted = sum(map(len, by_pod.values())) >= plan.sockets and all(staggered(at, plan) for at in by_pod.values())
    ended = all(restart.seconds <= plan.delay + plan.grace + END_SECONDS for restart in played.restarts)
    wrong = asked.failures or held.failures or early or other or played.faults
    return Figure(text, enough and restarted and ended and not wrong)


def is_early(one: Closed, plan: Plan) -> bool:
    return one.after is None or one.after < plan.lives_on


def _after(closed: Sequence[Closed], pod: str) -> list[float]:
    return [one.after for one in closed if one.pod == pod and one.after is not None]


def span(at: Sequence[float]) -> float:
    return at[-1] - at[0] if at else 0.0


def staggered(at: Sequence[float], plan: Plan) -> bool:
    """Were these, sorted, closed one after the other? At least two, over a while, and never many in one moment."""
    most = max((sum(begin <= each < begin + 0.1 for each in at) for begin in at), default=0)
    return span(at) >= plan.goodbye * STAGGERED and most <= AT_ONCE * len(at)


def prove(*, quick: bool = False) -> Figure:
    plan = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as directory, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        played = runner.run(play(Path(directory), plan))
    asked = played.asked
    print(
        f"  {asked.told:,} connections made again because the server said that it closes them, {asked.found:,} because "
        f"it had; the workspaces saw their WebSockets closed by {dict(played.codes)}"
    )
    wrong = [str(one) for one in played.held.closed if is_early(one, plan) or one.code != GOING_AWAY]
    for line in [*asked.failures[:20], *played.held.failures[:20], *wrong[:20], *played.faults[:20]]:
        print(f"  {line}")
    return judged(played, plan)
