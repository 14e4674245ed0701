"""What is answered from a copy that the cluster does not confirm says how old it is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guildnet.errors import Denied, Unreachable
from guildnet_api.cluster.index import Rights
from guildnet_api.cluster.watches import SILENT_SECONDS
from guildnet_api.handlers import server_stream
from guildnet_api.handlers.server_stream import ServerStream
from support.played_api import PlayedApi, played_api

PATHS = ["/api/servers", "/api/servers/w", "/api/servers/w/events"]


@pytest.fixture
def api(tmp_path: Path) -> PlayedApi:
    played = played_api(tmp_path)
    played.workspace("w")
    return played


def unconfirmed(api: PlayedApi, seconds: float) -> None:
    api.services.watches._pods._seen = time.monotonic() - seconds


async def stale(api: PlayedApi, path: str = "/api/servers") -> str | None:
    answer = await api.ask("GET", path)
    assert answer.status_code == 200
    return answer.headers.get("X-Guildnet-Stale")


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_is_marked_while_a_watch_is_not_live(api: PlayedApi, path: str):
    assert await stale(api, path) is None
    unconfirmed(api, 30)
    assert await stale(api, path) is None, "a quiet cluster is no old one"
    api.services.watches._pods.last_error = Unreachable("gone")
    assert await stale(api, path) == "30"
    unchanged = {"If-None-Match": (await api.ask("GET", path)).headers.get("ETag", "x")}
    assert (await api.ask("GET", path, headers=unchanged)).headers["X-Guildnet-Stale"] == "30"
    api.services.watches._pods.last_error = None
    assert await stale(api, path) is None
    unconfirmed(api, SILENT_SECONDS + 1)
    assert await stale(api, path) == "81"


async def test_a_refused_watch_is_marked_at_once(api: PlayedApi):
    api.services.watches._pods.last_error = Denied("no")
    assert await stale(api) == "1"


async def test_the_stream_tells_when_it_begins_and_when_it_is_over(api: PlayedApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_stream, "WAKE_SECONDS", 0.001)
    watches = api.services.watches
    every = Rights("every")
    stream = ServerStream(watches.index, api.services.supervisor, lambda: every, watches.stale_seconds, None, "")
    events = stream.events()
    for _ in range(2):
        await anext(events)
    watches._pods.last_error = Unreachable("gone")
    unconfirmed(api, 7)
    assert b'event: stale\ndata: {"seconds":7}' in (await anext(events)).encode()
    watches._pods.last_error = None
    assert b'event: stale\ndata: {"seconds":0}' in (await anext(events)).encode()
    await events.aclose()
