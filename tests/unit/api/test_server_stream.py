"""The stream of workspaces as one reader sees it."""

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


def put(index: WorkspaceIndex, version: int) -> None:
    meta = {"name": "ws", "namespace": "n", "uid": "0123456789ab", "resourceVersion": str(version)}
    index.put_workspace(workspace.parse({"metadata": meta, "spec": {"image": "acme/tool:1"}}))


async def test_a_reader_from_whom_every_change_is_hidden_gets_pings_all_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(servers, "WAKE_SECONDS", 0.02)
    monkeypatch.setattr(sse, "PING_SECONDS", 0.1)
    monkeypatch.setattr(servers, "_frames", lambda *_, synced: b"data: {}\n\n" if synced else b"")
    index = WorkspaceIndex()
    api: Any = SimpleNamespace(
        watches=SimpleNamespace(index=index, capabilities=lambda: ()), supervisor=SimpleNamespace(closed=False)
    )
    changes = servers._changes(api, Identity("user", "alice"), None)
    assert [type(await anext(changes)) for _ in range(2)] == [sse.Retry, sse.Frames]

    async def change() -> None:
        for version in range(10, 1000):
            put(index, version)
            await asyncio.sleep(0.01)

    changing = asyncio.create_task(change())
    try:
        async with asyncio.timeout(2):
            assert (await anext(changes)).encode() == sse.Ping().encode()
    finally:
        changing.cancel()
        await changes.aclose()
