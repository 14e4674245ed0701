"""Table of routes: what is served, by which handler, and its part of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from guildnet_api import schemas
from guildnet_api.deps import Services
from guildnet_api.handlers import install, launch, lifecycle, logs, patch, servers, stop_all
from guildnet_api.http.middleware import ROUTE
from guildnet_api.http.params import json_response
from guildnet_api.workspaces import spec

Handler = Callable[[Services, Request], Awaitable[ASGIApp]]
EVENT_STREAM: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation. `response` is the model of a success, or a media type; `errors` are the refusals besides those of
    every operation."""

    method: str
    path: str
    handler: Handler
    summary: str
    status: int = 200
    response: type[BaseModel] | str = "text/plain"
    many: bool = False
    body: type[BaseModel] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)


_FORBIDDEN: Final = {403: "forbidden: the caller is anonymous, or may not do this."}
_UNKNOWN: Final = {404: "not_found: there is no such workspace, or the caller may not list it."}
_CHANGE: Final = {
    **_FORBIDDEN,
    **_UNKNOWN,
    409: "conflict: the workspace is not in a state in which this can be done, or has just been changed by another.",
}
_NOT_READY: Final = {503: "not_ready: the workspaces are still being read from the cluster; try again in a moment."}
_BAD_FILTER: Final = "invalid_query: a parameter that cannot be read; `details` names it."
_RESUME: Final = {
    "lastEventId": "The last id received, where the header `Last-Event-ID` cannot be set; the header goes before it."
}
_LOG_FILTERS: Final = {
    "level": "Only lines of this level: `debug`, `info` (warnings too) or `error`. Default: every level.",
    "container": (
        "Name of a container of the pod, init containers included, or `*` for all of them. "
        "Default: the first container that is not an init container."
    ),
    "q": (
        "Only lines that contain this text in any case, or match an RE2 expression between slashes (`/5\\d\\d$/`, with "
        "an `i` behind it for any case). At most 256 characters."
    ),
}
_STOP_ALL: Final = ("/api/admin/stop-all", "/api/admin/stop-all/", "/api/stop-all", "/api/stop-all/")

ROWS: Final[Sequence[Row]] = (
    Row("GET", "/healthz", install.healthz, "Whether the process is alive: `ok`."),
    Row(
        "GET", "/readyz", install.readyz, "Whether the process is ready, with the result of each check by its name.",
        response=schemas.Readiness, errors={503: "At least one check that counts has failed."},
    ),
    Row(
        "GET", "/api/ui-config", install.ui_config, "Name, version and features of this install, for a UI.",
        response=schemas.UiConfig,
    ),
    Row(
        "GET", "/api/me", install.me,
        "The caller, and the actions that are allowed to it on at least some workspace.", response=schemas.Me,
    ),
    Row(
        "GET", "/api/images", install.images, "The images that this install offers, with what each is launched with.",
        response=schemas.ImagePreset, many=True, errors=_FORBIDDEN,
    ),
    Row(
        "GET", "/api/image-defaults", install.image_defaults,
        "What a launch of this image is filled up with; empty for an image that is not offered.",
        response=schemas.ImageDefaults,
        query={"image": "The image reference, like `ghcr.io/acme/tool:1`; another tag of an offered image counts too."},
        errors=_FORBIDDEN,
    ),
    Row(
        "GET", "/api/servers", servers.list_servers, "The workspaces that the caller may list, by name.",
        response=schemas.Server, many=True,
        query={
            "q": "Only workspaces with this text in id, image, owner or notes, in any case.",
            "status": "Only workspaces of these statuses, by comma: `pending`, `running`, `failed`, `stopped`.",
            "owner": "Only workspaces of this owner: as their `owner` says it.",
        },
        headers={"If-None-Match": "The ETag of an earlier response; 304 while the list is still the same."},
        errors={304: "The list has not changed.", 400: _BAD_FILTER, **_FORBIDDEN, **_NOT_READY},
    ),
    Row(
        "GET", "/api/servers/{id}", servers.get_server, "One workspace, with its events and conditions.",
        response=schemas.Server, errors={**_UNKNOWN, **_NOT_READY},
    ),
    Row(
        "POST", "/api/jobs", launch.launch, "Launch a workspace.",
        status=202, response=schemas.Launched, body=spec.JobSpec,
        errors={
            400: "bad_body: the body is not JSON. invalid_spec: `details` names every field that cannot be accepted.",
            **_FORBIDDEN,
            409: "limit_reached: the caller runs as many workspaces as it may. name_taken: no free name was found.",
        },
    ),
    Row(
        "DELETE", "/api/servers/{id}", lifecycle.delete, "Delete a workspace, and its volume unless that is retained.",
        response=schemas.Deleted, errors=_CHANGE,
    ),
    Row(
        "PATCH", "/api/servers/{id}", patch.patch,
        "Change a workspace: a field that is not sent stays, null takes it away, env and labels are merged key by key.",
        status=202, response=schemas.Server, body=spec.JobPatch,
        headers={"If-Match": "The ETag of the workspace; 409 `stale` where it has changed since. Default: `*`, any."},
        errors={
            400: "bad_body: the body is not JSON. invalid_spec: `details` names every field that cannot be accepted.",
            **_CHANGE,
        },
    ),
    Row(
        "POST", "/api/servers/{id}/stop", lifecycle.stop, "Stop a workspace; its volume and settings stay.",
        status=202, response=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/start", lifecycle.start, "Start a stopped workspace.",
        status=202, response=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/restart", lifecycle.restart, "Replace the pod of a running workspace by a new one.",
        status=202, response=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "GET", "/api/servers/{id}/events", servers.get_events,
        "Kubernetes events and condition changes of a workspace, oldest first.",
        response=schemas.WorkspaceEvent, many=True, errors={**_UNKNOWN, **_NOT_READY},
    ),
    Row(
        "GET", "/api/servers/{id}/logs", logs.list_lines,
        "The newest log lines that match, oldest first; or all of them as a text file.",
        response=schemas.LogLine, many=True,
        query={
            **_LOG_FILTERS,
            "limit": "At most so many lines, the newest. Default: 200; at most 5000, as text 10 million.",
            "previous": "`true` reads the run before the present one, after a restart. Default: `false`.",
            "since": "Only lines from this time on: RFC 3339, or an age like `90` (seconds), `10m`, `2h`, `1d`.",
            "until": "Only lines before this time: RFC 3339, or an age like `90` (seconds), `10m`, `2h`, `1d`.",
            "format": "`json`, or `text` for a file of `time text` lines. Default: `json`.",
        },
        errors={
            400: _BAD_FILTER, **_FORBIDDEN,
            404: "not_found: no such workspace. no_pods: it has no pod now. no_container: no such container.",
        },
    ),
    Row(
        "GET", "/sse/logs", logs.stream_lines,
        "Server-sent events: the last log lines, then every new one. Lines are unnamed events with ids; the named "
        "events are source, status, gap, event, cut and end.",
        response=EVENT_STREAM,
        query={
            "target": "Id of the workspace; required.",
            **_LOG_FILTERS,
            "tail": "How many of the newest lines to begin with. Default: 200; at most as many as the install keeps.",
            "follow": "`false` ends the stream after the tail. Default: `true`.",
            "previous": (
                "`true` reads the run before the present one, after a restart of the container, and ends with it. "
                "Default: `false`."
            ),
            "events": "`true` sends Kubernetes events and condition changes as well. Default: `false`.",
            **_RESUME,
        },
        errors={
            400: f"missing_target, or {_BAD_FILTER}", **_FORBIDDEN,
            404: "not_found: no such workspace. no_container: its pod has no container of this name.",
        },
    ),
    Row(
        "GET", "/sse/servers", servers.stream_servers,
        "Server-sent events: every workspace that the caller may list, then every change. The named events are server, "
        "gone and synced.",
        response=EVENT_STREAM, query=_RESUME, errors={**_FORBIDDEN, **_NOT_READY},
    ),
    *(
        Row(
            "POST", path, stop_all.stop_all, "Delete every workspace that the caller may delete this way.",
            response=schemas.AllDeleted,
            query={"dryRun": "`true` lists the workspaces without deleting them. Default: `false`."},
            errors={**_FORBIDDEN, **_NOT_READY},
        )
        for path in _STOP_ALL
    ),
)  # fmt: skip


def build(api: Services, document: Mapping[str, Any]) -> list[BaseRoute]:
    """The table as Starlette routes, one per path, so that a 405 names every method of its path."""

    async def openapi(_api: Services, _request: Request) -> Response:
        return json_response(document)

    paths: dict[str, dict[str, Handler]] = {"/api/openapi.json": {"GET": openapi}}
    for row in ROWS:
        paths.setdefault(row.path, {})[row.method] = row.handler
    return [Route(path, _Methods(path, {m: partial(h, api) for m, h in by.items()})) for path, by in paths.items()]


class _Methods:
    """The handlers of one path by method; HEAD is GET without a body."""

    def __init__(self, path: str, handlers: Mapping[str, Callable[[Request], Awaitable[ASGIApp]]]) -> None:
        self._path = path
        self._handlers = {**handlers, **({"HEAD": handlers["GET"]} if "GET" in handlers else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE] = self._path
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise HTTPException(405, headers={"Allow": ", ".join(self._handlers)})
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)
