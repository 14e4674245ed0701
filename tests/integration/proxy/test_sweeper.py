"""The clock that enforces deadlines: one connection's fault does not end it, and its own end is noticed."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest

from guildnet_proxy.http.limits import Limits
from integration.proxy.room import Room
from support.waiting import eventually

QUICK = pytest.mark.parametrize("limits", [Limits(sweep_seconds=0.02, drain_seconds=0.2)], ids=["20ms"])


def fails(*_: Any) -> NoReturn:
    raise ValueError("a bug")


@QUICK
async def test_a_fault_in_one_connections_sweep_closes_that_one_and_the_sweeper_goes_on(room: Room):
    logged: list[dict[str, Any]] = []
    room.server.loop.set_exception_handler(lambda _, context: logged.append(context))
    faulty, first = await room.connect()
    await eventually(lambda: room.server.clients)
    (client,) = room.server.clients
    client.incoming = None  # type: ignore[assignment]
    assert await asyncio.wait_for(faulty.read(-1), 5) == b""
    await eventually(lambda: not room.server.clients)
    assert [str(context["message"]) for context in logged] == ["a client's connection failed"]
    assert room.server.problem() is None
    first.close()


@QUICK
async def test_a_sweeper_that_ended_is_noticed(room: Room, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room.server.pool, "sweep", fails)
    await eventually(lambda: room.server.problem() is not None)
    assert room.server.sweeper.done()
