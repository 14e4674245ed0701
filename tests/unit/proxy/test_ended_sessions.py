"""A logout is known to every process, is written down although that fails at first, and is forgotten when it may be."""

from __future__ import annotations

import pytest

from guildnet.errors import Unreachable
from guildnet_proxy.auth import ended_sessions
from guildnet_proxy.auth.ended_sessions import EndedSessions


class Shared:
    """A store that can be out of reach."""

    def __init__(self) -> None:
        self.held: dict[str, float] = {}
        self.away = False

    async def read(self) -> dict[str, float]:
        if self.away:
            raise Unreachable("away")
        return dict(self.held)

    async def write(self, changes: dict[str, float | None]) -> None:
        if self.away:
            raise Unreachable("away")
        for id_, until in changes.items():
            if until is None:
                self.held.pop(id_, None)
            else:
                self.held[id_] = until


async def test_what_ends_in_one_process_has_ended_in_all() -> None:
    store, now = Shared(), [1000.0]
    here, there = (EndedSessions(store, lambda: now[0]) for _ in range(2))
    here.end("a", 2000.0)
    assert "a" in here
    assert here.changed.is_set()
    await here.sync()
    assert ("a" in there, there.version) == (False, 0)
    await there.sync()
    assert ("a" in there, there.version, there.changed.is_set()) == (True, 1, True)
    await there.sync()
    assert there.version == 1


async def test_it_is_told_when_the_store_is_there_again() -> None:
    store = Shared()
    here, there = (EndedSessions(store, lambda: 0.0) for _ in range(2))
    store.away = True
    here.end("a", 10.0)
    await here.sync()
    assert "a" in here
    store.away = False
    await here.sync()
    await there.sync()
    assert "a" in there


async def test_a_session_that_has_expired_by_itself_is_forgotten_everywhere() -> None:
    store, now = Shared(), [0.0]
    here = EndedSessions(store, lambda: now[0])
    here.end("a", 10.0)
    await here.sync()
    assert store.held
    now[0] = 11.0
    await here.sync()
    await here.sync()
    assert ("a" in here, store.held) == (False, {})


async def test_there_is_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended_sessions, "MAX_ENDED", 3)
    store = Shared()
    here = EndedSessions(store, lambda: 0.0)
    for number in range(5):
        here.end(str(number), 10.0 + number)
        await here.sync()
    await here.sync()
    assert sorted(store.held) == ["2", "3", "4"]


async def test_without_a_store_a_process_knows_its_own() -> None:
    here = EndedSessions(None, lambda: 0.0)
    here.end("a", 10.0)
    await here.sync()
    assert "a" in here
