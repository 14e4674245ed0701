"""Lists and details of workspaces, and the stream of their changes."""

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
from guildnet_api.cluster.index import Delta, Position
from guildnet_api.deps import Services, actor, identity
from guildnet_api.http import sse
from guildnet_api.http.event_stream import SHUTDOWN_RETRY_MS, EventStream
from guildnet_api.http.params import json_response
from guildnet_api.workspaces import view

STALE_HEADER: Final = "X-Guildnet-Stale"
WAKE_SECONDS: Final = 5.0
"""How soon a stream notices what nobody wakes it for: changed rules, the time for a ping."""


async def list_servers(api: Services, request: Request) -> Response:
    api.authorizer.require_identified(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    who = identity(request)
    query = view.query(request.query_params)
    body, etag = api.watches.index.listing(who.entry, query, api.authorizer.list_filter(who))
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization", **_age(api)}
    if etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def get_server(api: Services, request: Request) -> Response:
    _require_synced(api)
    who = identity(request)
    ws = api.authorizer.get_visible(actor(request), request.path_params["id"])
    timeline = events.entries(ws, api.watches.events(ws.name))
    shown = view.detail(ws, api.watches.index.pods(ws.name), who.entry, timeline)
    headers = {"ETag": f'"{ws.resource_version}"', "Cache-Control": "private, no-cache", **_age(api)}
    return json_response(shown, headers=headers)


async def get_events(api: Services, request: Request) -> Response:
    _require_synced(api)
    ws = api.authorizer.get_visible(actor(request), request.path_params["id"])
    return json_response(events.timeline(ws, api.watches.events(ws.name)), headers=_age(api))


async def stream_servers(api: Services, request: Request) -> EventStream:
    api.authorizer.require_identified(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    since = request.headers.get("last-event-id") or request.query_params.get("lastEventId", "")
    changes = _changes(api, identity(request), Position.parse(since))
    return EventStream(lambda _: changes, api.supervisor, "servers")


def _age(api: Services) -> dict[str, str]:
    """Says how old an answer is while the cluster does not confirm it."""
    seconds = api.watches.stale_seconds()
    return {STALE_HEADER: str(seconds)} if seconds else {}


def _require_synced(api: Services) -> None:
    if not api.watches.synced:
        raise Unreachable("The list is still being read from the cluster; try again in a moment.", code="not_ready")


async def _changes(api: Services, who: Identity, position: Position | None) -> AsyncGenerator[sse.Event, None]:
    """Everything (or what a returning reader missed), `synced`, and then each change. When the rules change, everything
    again: the caller may be allowed to list others."""
    index = api.watches.index
    rules = api.watches.capabilities()
    version, sent, stale = index.version, time.monotonic(), False
    yield sse.Retry()
    yield sse.Frames(_frames(api, who, index.resume(position), synced=True))
    while not api.supervisor.closed:
        block = b""
        if api.watches.capabilities() != rules:
            rules = api.watches.capabilities()
            version = index.version
            block = _frames(api, who, index.resume(None), synced=True)
        elif index.version != version:
            delta, version = index.after(version), index.version
            block = _frames(api, who, delta, synced=False)
        seconds = api.watches.stale_seconds()
        if bool(seconds) != stale:
            stale = bool(seconds)
            block += sse.frame(sse.compact({"seconds": seconds}), event="stale")
        # Changes may all be hidden from this reader: its connection has to be kept open all the same.
        if not block and time.monotonic() - sent > sse.PING_SECONDS - WAKE_SECONDS / 2:
            block = sse.Ping().encode()
        if block:
            sent = time.monotonic()
            yield sse.Frames(block)
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(WAKE_SECONDS):
                await index.signal.wait()
    yield sse.Retry(SHUTDOWN_RETRY_MS)


def _frames(api: Services, who: Identity, delta: Delta, *, synced: bool) -> bytes:
    """One block. Only its last frame has the position as id: a reader lost in the middle gets all of it again."""
    index = api.watches.index
    visible: Callable[[Workspace], bool] | None = api.authorizer.list_filter(who)
    shown = [ws for ws in delta.changed if visible is None or visible(ws)]
    hidden = [ws.name for ws in delta.changed if visible is not None and not visible(ws)] if not delta.full else []
    frames = [sse.frame(index.fragment(ws, who.entry), event="server") for ws in shown]
    frames += [sse.frame(sse.compact({"id": name}), event="gone") for name in (*delta.gone, *hidden)]
    if synced:
        synced_data = {"full": delta.full, "ids": [ws.name for ws in shown]} if delta.full else {"full": False}
        frames.append(sse.frame(sse.compact(synced_data), event="synced"))
    if not frames:
        return b""
    frames[-1] = b"id: %s\n" % str(index.position).encode() + frames[-1]
    return b"".join(frames)
