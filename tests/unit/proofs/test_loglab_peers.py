"""A peer's run that loses anything is void: made again, and in the end named instead of counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proofs.loglab import fanout, peers
from proofs.loglab.readers import Measured
from proofs.loglab.writing import Observed

LOAD = fanout.Load(10, 50.0, 2.0)


class Played(peers.Peer):
    """A peer that takes whatever is published."""

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
        async def publish(_: int) -> None: ...

        yield publish


NO_BENCH: Any = None
PEER = Played("nchan", 1, 1)


def runs(monkeypatch: pytest.MonkeyPatch, *deliveries: int) -> list[int]:
    """The runs that are still to come."""
    left = list(deliveries)

    async def run(*_: Any) -> fanout.Cost:
        return fanout.Cost(Observed(Measured(100, 2.0, 10, left.pop(0)), 50.0, 50.0), 1.0, 2.0)

    monkeypatch.setattr(fanout, "_cost", run)
    return left


async def test_a_run_that_loses_a_line_is_made_again(monkeypatch: pytest.MonkeyPatch):
    left = runs(monkeypatch, 999, 1000, 1000)
    cost = await fanout.cost_of_peer(NO_BENCH, PEER, LOAD)
    assert cost.observed.measured.deliveries == 1000
    assert left == [1000]


async def test_a_peer_that_never_has_a_whole_run_is_named(monkeypatch: pytest.MonkeyPatch):
    left = runs(monkeypatch, *[999] * fanout.ATTEMPTS)
    with pytest.raises(fanout.VoidError, match="nchan was void 3 times, at last with 1 missing"):
        await fanout.cost_of_peer(NO_BENCH, PEER, LOAD)
    assert left == []
