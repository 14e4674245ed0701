"""What tests that wait take for "not yet"."""

from __future__ import annotations

import pytest

from guildnet.errors import Denied, NotFound
from support.waiting import eventually


@pytest.mark.parametrize("not_yet", [AssertionError("other"), NotFound('services "x" not found')])
async def test_what_is_not_there_yet_is_waited_for(not_yet: Exception):
    problems = [not_yet]

    def check() -> str:
        if problems:
            raise problems.pop()
        return "there"

    assert await eventually(check, every=0) == "there"


async def test_what_stays_away_is_told():
    async def check() -> bool:
        raise NotFound('services "x" not found')

    with pytest.raises(AssertionError, match='services "x" not found'):
        await eventually(check, within=0)


async def test_another_fault_is_told_at_once():
    def check() -> bool:
        raise Denied("no")

    with pytest.raises(Denied):
        await eventually(check)
