"""The table of routes: one row says what is served, by whom, and what the OpenAPI document tells of it."""

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
from guildnet_api.handlers import install, launch, lifecycle, logs, servers
from guildnet_api.http.middleware import ROUTE
from guildnet_api.http.params import json_response
from guildnet_api.workspaces import spec

Handler = Callable[[Services, Request], Awaitable[ASGIApp]]
EVENT_STREAM: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation. `answer` is the model of a success, or a media type; `errors` the refusals it adds."""

    method: str
    path: str
    handler: Handler
    summary: str
    status: int = 200
    answer: type[BaseModel] | str = "text/plain"
    many: bool = False
    body: type[BaseModel] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)


_FORBIDDEN: Final = {403: "The caller is not allowed to do this."}
_UNKNOWN: Final = {404: "There is no workspace of this name, or the caller may not know of it."}
_CHANGE: Final = {**_FORBIDDEN, **_UNKNOWN, 409: "The workspace is not in a state for this, or changed meanwhile."}
_LEVEL: Final = "Only lines of this level: debug, info or error. Without it, lines of every level."
_CONTAINER: Final = "The name of a container, or * for every container of the pod. Without it, the first container."
_Q: Final = "Only lines that hold this text in any case, or match this RE2 expression between slashes (/5\\d\\d$/)."
_RESUME: Final = {"lastEventId": "The same as the header Last-Event-ID, for clients that cannot set it."}
_NOT_READ_YET: Final = "The list has not been read from the cluster yet; try again in a moment."
_STOP_ALL: Final = ("/api/admin/stop-all", "/api/admin/stop-all/", "/api/stop-all", "/api/stop-all/")

ROWS: Final[Sequence[Row]] = (
    Row("GET", "/healthz", install.healthz, "Tells that the process answers."),
    Row(
        "GET", "/readyz", install.readyz, "Runs the named checks of readiness.",
        answer=schemas.Readiness, errors={503: "At least one check that counts failed; the body says which."},
    ),
    Row("GET", "/api/ui-config", install.ui_config, "Returns what a UI has to know of this install.",
        answer=schemas.UiConfig),
    Row("GET", "/api/me", install.me, "Returns who the caller is, and which actions may be possible for them.",
        answer=schemas.Me),
    Row(
        "GET", "/api/images", install.images, "Lists the presets: images on offer with their settings.",
        answer=schemas.ImagePreset, many=True, errors=_FORBIDDEN,
    ),
    Row(
        "GET", "/api/image-defaults", install.image_defaults, "Returns the settings of the preset of an image.",
        answer=schemas.ImageDefaults,
        query={"image": "An image reference. For one without a preset the answer is an empty object."},
        errors=_FORBIDDEN,
    ),
    Row(
        "GET", "/api/servers", servers.list_servers, "Lists the workspaces that the caller may see.",
        answer=schemas.Server, many=True,
        query={
            "q": "Only workspaces with this text in id, image, owner or notes, in any case.",
            "status": "Only workspaces of these states, separated by commas: pending, running, failed, stopped.",
            "owner": "Only workspaces of this owner.",
        },
        headers={"If-None-Match": "The ETag of an earlier answer; the answer is 304 when nothing has changed since."},
        errors={
            304: "Nothing has changed since the ETag.", 400: "A filter has a value that does not exist.", **_FORBIDDEN,
            503: _NOT_READ_YET,
        },
    ),
    Row(
        "GET", "/api/servers/{id}", servers.get_server, "Returns one workspace with its events and conditions.",
        answer=schemas.Server, errors=_UNKNOWN,
    ),
    Row(
        "POST", "/api/jobs", launch.launch, "Launches a workspace.",
        status=202, answer=schemas.Launched, body=spec.JobSpec,
        errors={
            400: "The body cannot be read (bad_body), or fields are not valid (invalid_spec, one detail per field).",
            **_FORBIDDEN, 409: "A limit of the caller is used up.",
        },
    ),
    Row("DELETE", "/api/servers/{id}", lifecycle.delete, "Deletes a workspace.",
        answer=schemas.Deleted, errors=_CHANGE),
    Row(
        "PATCH", "/api/servers/{id}", lifecycle.patch, "Changes the fields of a workspace that the body names.",
        status=202, answer=schemas.Server, body=spec.JobPatch,
        headers={"If-Match": "The ETag of the workspace as it was read; 409 when it has changed since."},
        errors={400: "The body cannot be read (bad_body), or fields are not valid (invalid_spec).", **_CHANGE},
    ),
    Row(
        "POST", "/api/servers/{id}/stop", lifecycle.stop, "Stops a workspace. Its volume stays, its pod goes.",
        status=202, answer=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/start", lifecycle.start, "Starts a stopped workspace.",
        status=202, answer=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/restart", lifecycle.restart, "Restarts a workspace in a new pod.",
        status=202, answer=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "GET", "/api/servers/{id}/events", servers.get_events,
        "Lists the Kubernetes events and condition changes of a workspace, oldest first.",
        answer=schemas.TimelineEntry, many=True, errors=_UNKNOWN,
    ),
    Row(
        "GET", "/api/servers/{id}/logs", logs.list_lines, "Lists the newest log lines of a workspace, oldest first.",
        answer=schemas.LogLine, many=True,
        query={
            "level": _LEVEL, "limit": "At most this many lines; 200 without it, 5000 at the most.",
            "container": _CONTAINER,
            "previous": "true for the container's run before the present one.",
            "since": "Only lines from this time on: RFC 3339, or an age such as 90, 10m, 2h (seconds without a unit).",
            "until": "Only lines up to this time, in the same forms as `since`.",
            "q": _Q,
            "format": "json (the default), or text for a file of everything that matches.",
        },
        errors={
            400: "A filter cannot be read.", **_FORBIDDEN,
            404: "There is no such workspace (not_found), it has no pod (no_pods) or no such container (no_container).",
        },
    ),
    Row(
        "GET", "/sse/logs", logs.stream_lines, "Streams the last log lines of a workspace, then every new one.",
        answer=EVENT_STREAM,
        query={
            "target": "The id of the workspace.", "level": _LEVEL,
            "tail": "How many lines come first; 200 without it.",
            "container": _CONTAINER, "follow": "false ends the stream after those lines.",
            "previous": "true for the container's run before the present one; the stream ends with it.",
            "events": "true for events and condition changes between the lines.",
            "q": _Q, **_RESUME,
        },
        errors={
            400: "The target is missing (missing_target), or a filter cannot be read.", **_FORBIDDEN,
            404: "There is no such workspace (not_found).",
        },
    ),
    Row(
        "GET", "/sse/servers", servers.stream_servers,
        "Streams every workspace, then every change, as the events server, gone and synced.",
        answer=EVENT_STREAM, query=_RESUME, errors={**_FORBIDDEN, 503: _NOT_READ_YET},
    ),
    *(
        Row(
            "POST", path, lifecycle.stop_all, "Deletes every workspace that the caller may stop.",
            answer=schemas.AllDeleted, query={"dryRun": "true lists them and deletes none."}, errors=_FORBIDDEN,
        )
        for path in _STOP_ALL
    ),
)  # fmt: skip


def build(api: Services, document: Mapping[str, Any]) -> list[BaseRoute]:
    """The table as Starlette routes, one per path, so that a wrong method is told all the right ones."""

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
