"""The proxy's integration ring runs on uvloop, as production does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web

from guildnet_proxy.http.limits import Limits
from integration.proxy.room import Room, api_app, echo_app, make_room, serve_app


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def limits() -> Limits:
    """The engine's limits; a test that is about one of them gives its own by `parametrize`."""
    return Limits(drain_seconds=0.2)


@pytest.fixture
async def room(tmp_path: Path, limits: Limits) -> AsyncIterator[Room]:
    """A front door with one workspace `ws1`, whose pod echoes."""
    seen: list[web.Request] = []
    upstream, upstream_port = await serve_app(echo_app())
    api, api_port = await serve_app(api_app(seen))
    room = await make_room(tmp_path, upstream_port, api_port, limits)
    room.api_seen = seen
    room.add("ws1")
    yield room
    await room.server.close()
    room.records.flush()
    await room.sources.aclose()
    await upstream.cleanup()
    await api.cleanup()
