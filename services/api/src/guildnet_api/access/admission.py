"""Admission: whether a workspace finds a place among those that its owner may run at once (`maxConcurrent`).

The operator decides, in one place and one order, whichever api or kubectl wrote. The api refuses at once what has no
place in its own copy of the cluster; for what it wrote it waits until the operator has said yes or no, so that a person
gets an answer and not a workspace that waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from guildnet.access import Decision
from guildnet.errors import Conflict, FieldError
from guildnet.workspace import Workspace
from guildnet.workspace.admission import CONDITION, LIMIT_REACHED, Limit, limit_of, wants_to_run
from guildnet_api.cluster.watches import Watches

CATCH_UP_SECONDS: Final = 0.5
"""How long a launch without a place is held back before it is refused: a watch may not have told yet of a workspace
that was just stopped or deleted."""
CATCH_UP_STEPS: Final = 5
VERDICT_SECONDS: Final = 5.0
"""How long the operator's word is waited for. Where it does not come the workspace waits for it, as one made by kubectl
does; more than the limit never run."""


class Admission:
    """Counts and waits for one api process."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._pending: Counter[str] = Counter()

    def running(self, owner: str) -> int:
        """Workspaces of an owner that are to run, with those that this process is about to make or start."""
        found = (ws for ws in self._watches.index.all() if ws.owner == owner and wants_to_run(ws))
        return sum(1 for _ in found) + self._pending[owner]

    @contextmanager
    def pending(self, owner: str) -> Iterator[None]:
        """One more of this owner's, until the block ends, by when the watch is to show it."""
        self._pending[owner] += 1
        try:
            yield
        finally:
            self._pending[owner] -= 1
            if not self._pending[owner]:
                del self._pending[owner]

    async def caught_up(self, decide: Callable[[], Decision]) -> Decision:
        """What `decide` says; where that is that no place is left, what it says a moment later."""
        for _ in range(CATCH_UP_STEPS):
            decision = decide()
            if not decision.used_up:
                return decision
            await asyncio.sleep(CATCH_UP_SECONDS / CATCH_UP_STEPS)
        return decide()

    def of_start(self, ws: Workspace) -> Decision:
        """Whether there is a place for one that was stopped, by the limit of its owner and not by who starts it."""
        limit = self.limit_of(ws)
        if limit is None:
            return Decision(allowed=True, rule="unlimited")
        if self.running(ws.owner) < limit.most:
            return Decision(allowed=True, rule=limit.rule)
        return _full(limit)

    def limit_of(self, ws: Workspace) -> Limit | None:
        return limit_of(ws, self._watches.capabilities() or ())

    async def refused(self, ws: Workspace) -> Workspace | None:
        """The workspace as it is where the operator refuses this very generation of it a place; None where it may run,
        is gone, or nothing is said in time."""
        if self.limit_of(ws) is None:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(VERDICT_SECONDS):
                return await self._judged(ws)
        return None

    async def _judged(self, ws: Workspace) -> Workspace | None:
        seen = False
        while True:
            now = self._watches.index.get(ws.name)
            if now is None or now.uid != ws.uid:
                if seen or now is not None:
                    return None
            else:
                seen = True
                verdict = now.status.condition(CONDITION)
                if verdict is not None and (verdict.observed_generation or 0) >= ws.generation:
                    return now if is_refused(now) else None
            await self._watches.index.signal.wait()


def is_refused(ws: Workspace) -> bool:
    """Does the operator say that there is no place for it?"""
    verdict = ws.status.condition(CONDITION)
    return verdict is not None and verdict.status == "False" and verdict.reason == LIMIT_REACHED


def limit_reached(verb: str, name: str, limit: Limit | None) -> Conflict:
    """What a caller is told for whose workspace there was no place after all."""
    reason = limit.words if limit is not None else "as many workspaces run as may: stop or delete one"
    detail = FieldError("maxConcurrent", reason)
    return Conflict(f"You may not {verb} {name}: {reason}.", code="limit_reached", details=(detail,))


def _full(limit: Limit) -> Decision:
    problem = FieldError("maxConcurrent", limit.words)
    return Decision(allowed=False, rule=limit.rule, reason=limit.words, problems=(problem,), used_up=True)
