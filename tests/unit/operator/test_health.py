"""When the operator says that it is not well: not listed, cut off, or deaf – and not because nothing happens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from guildnet.errors import GuildNetError, Unreachable
from guildnet_operator.app import STALE_SECONDS, _health


@dataclass
class Watch:
    """Stands in for a reflector."""

    silent: float = 0.0
    last_error: GuildNetError | None = None
    newer: str | None = None
    listed: bool = True
    synced: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        if self.listed:
            self.synced.set()

    def age(self) -> float:
        return self.silent

    async def missed(self) -> str | None:
        return self.newer


@pytest.mark.parametrize(
    ("watch", "words"),
    [
        (Watch(), None),
        (Watch(silent=STALE_SECONDS + 1), None),
        (Watch(silent=STALE_SECONDS + 1, newer="11"), "the watch of pods is silent for 151 s"),
        (Watch(silent=STALE_SECONDS - 1, newer="11"), None),
        (Watch(silent=STALE_SECONDS + 1, last_error=Unreachable("refused")), "no word about pods for 151 s: refused"),
        (Watch(listed=False), "not listed yet"),
    ],
    ids=["spoken to", "quiet cluster", "deaf", "quiet for a moment", "cut off", "at the beginning"],
)
async def test_a_watch_is_well_unless_it_misses_something(watch: Watch, words: str | None):
    watches: Any = {"pods": watch}
    report = await _health(watches).report()
    problem = report.checks["pods"]
    assert (problem is None) if words is None else (problem is not None and words in problem)
