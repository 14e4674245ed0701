"""Table of routes: what is served, by which handler, and its part of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from guildnet_api.deps import Services
from guildnet_api.handlers import install, launch, lifecycle, login, logs, patch, servers, stop_all
from guildnet_api.http.middleware import ROUTE
from guildnet_api.http.params import refuse_slips
from guildnet_api.openapi import parameters as p
from guildnet_api.openapi import schemas
from guildnet_api.openapi.parameters import Parameter
from guildnet_api.openapi.refusals import BAD_QUERY, CHANGE, LOGS, NOT_READY, UNKNOWN, Refusals, joined
from guildnet_api.workspaces import spec

Handler = Callable[[Services, Request], Awaitable[ASGIApp]]
Bound = Callable[[Request], Awaitable[ASGIApp]]
"""A handler with its services."""
EVENT_STREAM: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation. `response` is the model of a success, or a media type; `refusals` come besides those of every
    operation, and `failure` is the model of a response that is no `Error`, by its status.

    `handler` is None for what the proxy answers itself: it stands here for the document, which is of the whole origin.
    """

    method: str
    path: str
    operation: str
    handler: Handler | None
    summary: str
    status: int = 200
    response: type[BaseModel] | str = "text/plain"
    """Empty for an answer without a body."""
    many: bool = False
    also: str | None = None
    """Another media type of a success."""
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    returned: tuple[str, ...] = ()
    """Headers of a success, by their names in `openapi.HEADERS`."""
    refusals: Refusals = field(default_factory=dict)
    failure: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    pages: frozenset[int] = frozenset()
    """Refusals that are a page for a browser, too."""
    unchanged: bool = False
    """Whether 304 is an answer."""
    nothing: str = ""
    """When 204 is an answer, in words."""
    open: bool = False
    """Whether anybody may ask, with no identity at all."""


_STOP_ALL: Final = {
    "/api/admin/stop-all": "stopAllAsAdmin",
    "/api/admin/stop-all/": "stopAllAsAdminSlash",
    "/api/stop-all": "stopAll",
    "/api/stop-all/": "stopAllSlash",
}
_STALE: Final = "X-Guildnet-Stale"

ROWS: Final[Sequence[Row]] = (
    Row(
        "GET", "/healthz", "getHealth", install.healthz, "Whether the process is alive: `ok`.", open=True,
    ),
    Row(
        "GET", "/readyz", "getReadiness", install.readyz,
        "Whether the process is ready, with the result of each check by its name.",
        response=schemas.Readiness, failure={503: schemas.Readiness}, open=True,
    ),
    Row(
        "GET", "/login", "login", None,
        "A token becomes a session cookie; the answer leads to where the caller was going.",
        status=303, response="", parameters=(p.TOKEN, p.NEXT), returned=("Location", "Set-Cookie"), open=True,
        pages=frozenset({401, 403, 503}),
    ),
    Row(
        "POST", "/logout", "logout", None,
        "Ends the session and takes its cookie away, the answer leads to `/`; or ends a program's token.",
        status=303, response="", returned=("Location", "Set-Cookie"), open=True,
        nothing="The bearer token is good for nothing any more.",
    ),
    Row(
        "GET", "/api/openapi.json", "getOpenapi", install.openapi, "This document.", response=schemas.Document,
    ),
    Row(
        "GET", "/api/ui-config", "getUiConfig", install.ui_config,
        "Name, version and features of this install, for a UI.",
        response=schemas.UiConfig,
    ),
    Row(
        "GET", "/api/install", "getInstall", install.state,
        "The versions of the install's parts, its name on the tailnet, and how far the operator is.",
        response=schemas.InstallState,
    ),
    Row(
        "GET", "/api/me", "getMe", install.me,
        "The caller, and the actions that are allowed to it on at least some workspace.", response=schemas.Me,
    ),
    Row(
        "GET", "/api/images", "listImages", install.images,
        "The images that this install offers, with what each is launched with.", response=schemas.ImagePreset,
        many=True,
    ),
    Row(
        "GET", "/api/image-defaults", "getImageDefaults", install.image_defaults,
        "What a launch of this image is filled up with; empty for an image that is not known.",
        response=schemas.ImageDefaults, parameters=(p.IMAGE,),
    ),
    Row(
        "GET", "/api/servers", "listServers", servers.list_servers, "The workspaces that the caller may list, by name.",
        response=schemas.Server, many=True, unchanged=True, parameters=(p.SEARCH, p.STATUS, p.OWNER, p.IF_NONE_MATCH),
        returned=("ETag", _STALE), refusals=joined(BAD_QUERY, NOT_READY),
    ),
    Row(
        "GET", "/api/servers/{id}", "getServer", servers.get_server, "One workspace, with its events and conditions.",
        response=schemas.Server, parameters=(p.ID,), returned=("ETag", _STALE), refusals=joined(UNKNOWN, NOT_READY),
    ),
    Row(
        "GET", "/api/stats", "getStats", servers.get_stats,
        "Workspaces by state, and the starts of the last day that this replica has seen.",
        response=schemas.Stats, returned=(_STALE,), refusals=NOT_READY,
    ),
    Row(
        "GET", "/api/usage", "getUsage", servers.get_usage,
        "What the workspaces that the caller may list use, where the cluster has `metrics.k8s.io`; at most 15 s old.",
        response=schemas.Usage, refusals=NOT_READY,
    ),
    Row(
        "POST", "/api/jobs", "launch", launch.launch, "Launch a workspace.",
        status=202, response=schemas.Launched, body=spec.JobSpec, returned=("Location",),
        parameters=(p.IDEMPOTENCY_KEY,),
        refusals={
            400: {"invalid_query": "The `Idempotency-Key` cannot be taken."},
            409: {
                "key_reused": "The `Idempotency-Key` was used for another launch.",
                "limit_reached": "The caller runs as many workspaces as it may.",
                "name_taken": "No free name was found.",
                "conflict": "The cluster holds something else of this name.",
                "admission_denied": "A rule of the cluster, such as a quota, refuses it.",
            }
        },
    ),
    Row(
        "DELETE", "/api/servers/{id}", "deleteServer", lifecycle.delete,
        "Delete a workspace, and its volume unless that is retained.",
        response=schemas.Deleted, parameters=(p.ID,), refusals=CHANGE,
    ),
    Row(
        "PATCH", "/api/servers/{id}", "updateServer", patch.patch,
        "Change a workspace: a field that is not sent stays, null takes it away; env, labels and resources are merged "
        "key by key.",
        status=202, response=schemas.Server, body=spec.JobPatch, parameters=(p.ID, p.IF_MATCH), returned=("ETag",),
        refusals=joined(CHANGE, {409: {"stale": "The workspace has changed since `If-Match`."}}),
    ),
    Row(
        "POST", "/api/servers/{id}/stop", "stopServer", lifecycle.stop,
        "Stop a workspace; its volume and settings stay.",
        status=202, response=schemas.Server, parameters=(p.ID,), returned=("ETag",), refusals=CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/start", "startServer", lifecycle.start, "Start a stopped workspace.",
        status=202, response=schemas.Server, parameters=(p.ID,), returned=("ETag",), refusals=CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/restart", "restartServer", lifecycle.restart,
        "Replace the pod of a running workspace by a new one.",
        status=202, response=schemas.Server, parameters=(p.ID,), returned=("ETag",), refusals=CHANGE,
    ),
    Row(
        "GET", "/api/servers/{id}/events", "listEvents", servers.get_events,
        "Kubernetes events and condition changes of a workspace, oldest first.",
        response=schemas.WorkspaceEvent, many=True, parameters=(p.ID,), returned=(_STALE,),
        refusals=joined(UNKNOWN, NOT_READY),
    ),
    Row(
        "GET", "/api/servers/{id}/login", "getLogin", login.get_login,
        "The password of the workspace's own program, for who may use the workspace. The audit trail says who saw it.",
        response=schemas.Login, parameters=(p.ID,),
        refusals=joined(
            UNKNOWN, NOT_READY,
            {404: {"no_login": "The image asks for no password, or for one that is not known here: its spec's own, the "
                               "install's, or one from before the last upgrade and start (Secret `NAME-password`)."}},
        ),
    ),
    Row(
        "GET", "/api/servers/{id}/logs", "listLogLines", logs.list_lines,
        "The newest log lines that match, oldest first; or all of them as a text file.",
        response=schemas.LogLine, many=True, also="text/plain",
        parameters=(p.ID, *p.LOG_FILTERS, p.LIMIT, p.PREVIOUS, p.SINCE, p.UNTIL, p.FORMAT),
        returned=("X-Guildnet-Incomplete",),
        refusals=joined(BAD_QUERY, LOGS),
    ),
    Row(
        "GET", "/sse/logs", "streamLogs", logs.stream_lines,
        "Server-sent events: the last log lines, then every new one. Lines are unnamed events with ids. A client that "
        "asks for JSON is told what this is.",
        response=EVENT_STREAM, also="application/json",
        parameters=(
            p.TARGET, *p.LOG_FILTERS, p.TAIL, p.FOLLOW, p.PREVIOUS, p.EVENTS, p.LAST_EVENT_ID, p.LAST_EVENT_HEADER,
        ),
        refusals=joined(BAD_QUERY, {400: {"missing_target": "`target` is missing."}}, LOGS),
    ),
    Row(
        "GET", "/sse/servers", "streamServers", servers.stream_servers,
        "Server-sent events: every workspace that the caller may list, then every change.",
        response=EVENT_STREAM, parameters=(p.LAST_EVENT_ID, p.LAST_EVENT_HEADER), refusals=NOT_READY,
    ),
    Row(
        "GET", "/api/proxy-debug", "explainProxy", None,
        "What the proxy would do with a request of the caller for a workspace, a target or an address, and why.",
        response=schemas.ProxyExplanation, parameters=(
            p.DEBUG_SERVER, p.DEBUG_PATH, p.DEBUG_PORT, p.DEBUG_TO, p.DEBUG_SCHEME, p.DEBUG_URL, p.DEBUG_METHOD,
            p.DEBUG_AS, p.DEBUG_ORIGIN,
        ),
    ),
    *(
        Row(
            "POST", path, operation, stop_all.stop_all, "Delete every workspace that the caller may delete this way.",
            response=schemas.AllDeleted, parameters=(p.DRY_RUN,), failure={503: schemas.IncompleteError},
            refusals=joined(
                BAD_QUERY, NOT_READY, CHANGE, {503: {"incomplete": "Some could not be deleted; `details` names them."}}
            ),
        )
        for path, operation in _STOP_ALL.items()
    ),
)  # fmt: skip


def build(api: Services) -> list[BaseRoute]:
    """The table as Starlette routes, one per path, so that a 405 names every method of its path."""

    paths: dict[str, dict[str, Bound]] = {}
    for row in ROWS:
        if row.handler is not None:
            paths.setdefault(row.path, {})[row.method] = _checked(row, partial(row.handler, api))
    return [Route(path, _Methods(path, by)) for path, by in paths.items()]


def _checked(row: Row, handler: Bound) -> Bound:
    """The handler of a row, for a query without slips where it refuses bad ones."""
    if 400 not in row.refusals:
        return handler
    known, elsewhere = _query_names(row), frozenset[str]().union(*map(_query_names, ROWS))

    async def checked(request: Request) -> ASGIApp:
        refuse_slips(request, known, elsewhere)
        return await handler(request)

    return checked


def _query_names(row: Row) -> frozenset[str]:
    return frozenset(each.name for each in row.parameters if each.place == "query" and 400 in row.refusals)


class _Methods:
    """The handlers of one path by method; HEAD is GET without a body."""

    def __init__(self, path: str, handlers: Mapping[str, Bound]) -> None:
        self._path = path
        self._handlers = {**handlers, **({"HEAD": handlers["GET"]} if "GET" in handlers else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE] = self._path
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise HTTPException(405, headers={"Allow": ", ".join(self._handlers)})
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)
