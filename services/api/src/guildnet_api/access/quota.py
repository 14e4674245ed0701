"""Quota: how many workspaces a subject runs, with those just created, which the watch shows a moment later."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from guildnet_api.cluster.watches import Watches


class Quota:
    """Counts per subject. Launches of one subject queue up in `turn`, or two at once would both see room for one.

    Two replicas do not see each other's last moment: a limit can be passed by as many as there are replicas.
    """

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._created: defaultdict[str, set[str]] = defaultdict(set)

    @asynccontextmanager
    async def turn(self, subject: str) -> AsyncIterator[None]:
        lock = self._turns[subject]
        async with lock:
            yield
        if not lock.locked() and not self._created[subject]:
            self._turns.pop(subject, None)
            self._created.pop(subject, None)

    def running(self, subject: str) -> int:
        """Workspaces of a subject that are to run, watched or just created."""
        seen = {ws.name for ws in self._watches.index.all() if ws.owner == subject}
        self._created[subject] -= seen
        counted = (
            ws for ws in self._watches.index.all() if ws.owner == subject and ws.spec.running and not ws.deleting
        )
        return sum(1 for _ in counted) + len(self._created[subject])

    def created(self, subject: str, name: str) -> None:
        self._created[subject].add(name)
