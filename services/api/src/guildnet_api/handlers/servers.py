"""Lists and details of workspaces, and the stream of what changes in them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet.access import Action
from guildnet.errors import Unreachable
from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_api.cluster import events
from guildnet_api.cluster.index import News, Position
from guildnet_api.deps import Services, actor, identity
from guildnet_api.http import sse
from guildnet_api.http.event_stream import EventStream
from guildnet_api.http.params import answer
from guildnet_api.workspaces import view

LOOK_SECONDS: Final = 5.0


async def list_servers(api: Services, request: Request) -> Response:
    api.rights.require_known(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    who = identity(request)
    query = view.query(request.query_params)
    body, etag = api.cache.roster.listing(who.entry, query, api.rights.visible(who))
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
    if etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def get_server(api: Services, request: Request) -> Response:
    _require_synced(api)
    who = identity(request)
    ws = api.rights.find(who, request.path_params["id"])
    timeline = events.entries(ws, api.cache.events(ws.name))
    shown = view.detail(ws, api.cache.roster.pods(ws.name), who.entry, timeline)
    return answer(shown, headers={"ETag": f'"{ws.resource_version}"', "Cache-Control": "private, no-cache"})


async def get_events(api: Services, request: Request) -> Response:
    _require_synced(api)
    ws = api.rights.find(identity(request), request.path_params["id"])
    return answer(events.timeline(ws, api.cache.events(ws.name)))


async def stream_servers(api: Services, request: Request) -> EventStream:
    api.rights.require_known(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    since = request.headers.get("last-event-id") or request.query_params.get("lastEventId", "")
    blocks = _changes(api, identity(request), Position.parse(since))
    return EventStream(lambda _: blocks, api.closing, "servers")


def _require_synced(api: Services) -> None:
    if not api.cache.synced:
        raise Unreachable("The list is still being read from the cluster; try again in a moment.", code="not_ready")


async def _changes(api: Services, who: Identity, position: Position | None) -> AsyncGenerator[bytes, None]:
    """Everything (or what a returning reader missed), `synced`, and then each change. When the rules change, everything
    again: what may be seen may be another set."""
    roster = api.cache.roster
    rules = api.cache.capabilities()
    version, sent = roster.version, time.monotonic()
    yield sse.retry() + _frames(api, who, roster.resume(position), synced=True)
    while not api.closing.closed:
        block = b""
        if api.cache.capabilities() != rules:
            rules = api.cache.capabilities()
            version = roster.version
            block = _frames(api, who, roster.resume(None), synced=True)
        elif roster.version != version:
            news, version = roster.after(version), roster.version
            block = _frames(api, who, news, synced=False)
        elif time.monotonic() - sent > sse.PING_SECONDS - LOOK_SECONDS / 2:
            block = sse.PING
        if block:
            sent = time.monotonic()
            yield block
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await roster.signal.wait()
    yield sse.retry(api.closing.retry_ms)


def _frames(api: Services, who: Identity, news: News, *, synced: bool) -> bytes:
    """One block. Only its end carries the position: a reader cut in the middle asks for all of it again."""
    roster = api.cache.roster
    visible: Callable[[Workspace], bool] | None = api.rights.visible(who)
    shown = [ws for ws in news.changed if visible is None or visible(ws)]
    hidden = [ws.name for ws in news.changed if visible is not None and not visible(ws)] if not news.full else []
    frames = [sse.frame(roster.fragment(ws, who.entry), event="server") for ws in shown]
    frames += [sse.frame(sse.compact({"id": name}), event="gone") for name in (*news.gone, *hidden)]
    if synced:
        told = {"full": news.full, "ids": [ws.name for ws in shown]} if news.full else {"full": False}
        frames.append(sse.frame(sse.compact(told), event="synced"))
    if not frames:
        return b""
    frames[-1] = b"id: %s\n" % str(roster.position).encode() + frames[-1]
    return b"".join(frames)
