"""The stream of workspaces as one reader sees it, on a played clock."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet import workspace
from guildnet.identity import Identity
from guildnet_api.cluster.index import WorkspaceIndex
from guildnet_api.handlers import servers
from guildnet_api.http import sse

MAX_SILENCE_SECONDS = 20.0
"""What is promised."""


def put(index: WorkspaceIndex, version: int) -> None:
    meta = {"name": "ws", "namespace": "n", "uid": "0123456789ab", "resourceVersion": str(version)}
    index.put_workspace(workspace.parse({"metadata": meta, "spec": {"image": "acme/tool:1"}}))


async def test_a_reader_from_whom_every_change_is_hidden_gets_pings_all_the_same(monkeypatch: pytest.MonkeyPatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(servers, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(servers, "_frames", lambda *_, synced: b"data: {}\n\n" if synced else b"")
    index = WorkspaceIndex()
    api: Any = SimpleNamespace(
        watches=SimpleNamespace(index=index, capabilities=lambda: (), stale_seconds=lambda: 0),
        supervisor=SimpleNamespace(closed=False),
    )
    sent: list[tuple[float, bytes]] = []

    async def read() -> None:
        events = servers._changes(api, Identity("user", "alice"), None)
        while True:
            event = await anext(events)
            sent.append((clock.now, event.encode()))

    reading = asyncio.create_task(read())
    for second in range(1, 100):
        for _ in range(5):
            await asyncio.sleep(0)
        clock.now = float(second)
        put(index, second)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert [data for _, data in sent[:2]] == [sse.Retry().encode(), b"data: {}\n\n"]
    assert {data for _, data in sent[2:]} == {sse.Ping().encode()}
    times = [at for at, _ in sent[1:]]
    assert (
        max(after - before for before, after in zip(times, [*times[1:], clock.now], strict=True)) <= MAX_SILENCE_SECONDS
    )


async def test_a_silent_stream_is_woken_often_enough_for_its_pings():
    """A ping comes at the first waking after the silence it waits for."""
    assert sse.PING_SECONDS + servers.WAKE_SECONDS / 2 <= MAX_SILENCE_SECONDS
