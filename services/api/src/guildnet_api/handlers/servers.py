"""Lists and details of workspaces, and the stream of their changes."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet.access import Action
from guildnet.errors import Unreachable
from guildnet_api.cluster import events
from guildnet_api.deps import Services, actor, identity
from guildnet_api.handlers.server_stream import ServerStream
from guildnet_api.http.event_stream import EventStream
from guildnet_api.http.params import json_response
from guildnet_api.workspaces import stats, view

STALE_HEADER: Final = "X-Guildnet-Stale"


async def list_servers(api: Services, request: Request) -> Response:
    api.authorizer.require_identified(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    who = identity(request)
    query = view.query(request.query_params)
    await api.watches.index.warm(who.entry)
    body, etag = api.watches.index.listing(who.entry, query, api.visibility.rights(who))
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization", **_age(api)}
    if etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def get_server(api: Services, request: Request) -> Response:
    _require_synced(api)
    who = identity(request)
    ws = api.authorizer.get_visible(actor(request), request.path_params["id"])
    timeline = events.entries(ws, api.watches.events(ws.name))
    shown = view.detail(ws, api.watches.index.pods(ws.name), who.entry, timeline, api.authorizer.rights(who, ws))
    headers = {"ETag": f'"{ws.resource_version}"', "Cache-Control": "private, no-cache", **_age(api)}
    return json_response(shown, headers=headers)


async def get_events(api: Services, request: Request) -> Response:
    _require_synced(api)
    ws = api.authorizer.get_visible(actor(request), request.path_params["id"])
    return json_response(events.timeline(ws, api.watches.events(ws.name)), headers=_age(api))


async def get_stats(api: Services, request: Request) -> Response:
    api.authorizer.require_identified(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    allowed = api.visibility.rights(identity(request)).allowed
    watches = api.watches
    return json_response(stats.shown(watches.index.all(), watches.starts, allowed, api.now()), headers=_age(api))


async def get_usage(api: Services, request: Request) -> Response:
    api.authorizer.require_identified(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    allowed, index = api.visibility.rights(identity(request)).allowed, api.watches.index
    used = await api.usage.of_pods()
    if used is None:
        return json_response({"measured": False, "servers": {}})
    pods = {ws.name: index.pod(ws.name) for ws in index.all() if allowed is None or allowed(ws)}
    servers = {name: used[pod.name].as_json() for name, pod in pods.items() if pod is not None and pod.name in used}
    return json_response({"measured": True, "servers": servers})


async def stream_servers(api: Services, request: Request) -> EventStream:
    api.authorizer.require_identified(actor(request), Action.LIST, "workspaces")
    _require_synced(api)
    who = identity(request)
    since = request.headers.get("last-event-id") or request.query_params.get("lastEventId", "")
    await api.watches.index.warm(who.entry)
    rights = partial(api.visibility.rights, who)
    stream = ServerStream(api.watches.index, api.supervisor, rights, api.watches.stale_seconds, who.entry, since)
    return EventStream(lambda _: stream.events(), api.supervisor, "servers", partial(api.limits.stream, who.subject))


def _age(api: Services) -> dict[str, str]:
    """Says how old an answer is while the cluster does not confirm it."""
    seconds = api.watches.stale_seconds()
    return {STALE_HEADER: str(seconds)} if seconds else {}


def _require_synced(api: Services) -> None:
    if not api.watches.synced:
        raise Unreachable("The list is still being read from the cluster; try again in a moment.", code="not_ready")
