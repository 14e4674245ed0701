"""kopf dies of an outage now and then: it is started again, and the operator around it never notices."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from guildnet_operator.watch import kopf_source
from guildnet_operator.watch.kopf_source import Backoffs, KopfSource
from support.waiting import eventually


def test_the_pauses_between_attempts_grow_to_a_cap_and_never_end():
    pauses = list(itertools.islice(iter(Backoffs()), 1000))
    assert pauses[:5] == sorted(pauses[:5])
    assert set(pauses[5:]) == {kopf_source.LONGEST_PAUSE}


def test_kopf_is_told_to_list_nothing_of_the_cluster_and_to_write_nothing():
    settings = kopf_source.settings()
    assert settings.scanning.disabled
    assert settings.peering.standalone
    assert not settings.posting.enabled


async def test_it_is_started_again_when_it_dies_and_our_tasks_live_on(monkeypatch: pytest.MonkeyPatch):
    starts: list[Any] = []

    async def operator(**arguments: Any) -> None:
        starts.append(arguments)
        if len(starts) < 3:
            raise RuntimeError("410 at connect")
        await arguments["stop_flag"].wait()

    monkeypatch.setattr(kopf_source.kopf, "operator", operator)
    monkeypatch.setattr(Backoffs, "__iter__", lambda _: itertools.repeat(0.001))
    bystander = asyncio.create_task(asyncio.Event().wait())
    task = asyncio.create_task(KopfSource("ns", None, lambda _: None).run())
    await eventually(lambda: len(starts) == 3)
    assert starts[-1]["namespaces"] == ["ns"]
    assert not bystander.done()
    task.cancel()
    bystander.cancel()
    await asyncio.gather(task, bystander, return_exceptions=True)
    assert task.cancelled()
