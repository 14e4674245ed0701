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
from guildnet_api.http.params import answer
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


_FORBIDDEN: Final = {403: "The caller may not."}
_UNKNOWN: Final = {404: "There is no such workspace."}
_CHANGE: Final = {**_FORBIDDEN, **_UNKNOWN, 409: "It is not in a state for that."}
_RESUME: Final = {"lastEventId": "As the header Last-Event-ID, for a new EventSource."}
_STOP_ALL: Final = ("/api/admin/stop-all", "/api/admin/stop-all/", "/api/stop-all", "/api/stop-all/")

ROWS: Final[Sequence[Row]] = (
    Row("GET", "/healthz", install.healthz, "The process answers."),
    Row("GET", "/readyz", install.readyz, "The named checks.", answer=schemas.Readiness, errors={503: "Not ready."}),
    Row("GET", "/api/ui-config", install.ui_config, "What a UI has to know.", answer=schemas.UiConfig),
    Row("GET", "/api/me", install.me, "Who the caller is, and what may be possible.", answer=schemas.Me),
    Row(
        "GET", "/api/images", install.images, "The images on offer.",
        answer=schemas.ImagePreset, many=True, errors=_FORBIDDEN,
    ),
    Row(
        "GET", "/api/image-defaults", install.image_defaults, "What suits an image.",
        answer=schemas.ImageDefaults, query={"image": "The image reference."}, errors=_FORBIDDEN,
    ),
    Row(
        "GET", "/api/servers", servers.list_servers, "The workspaces the caller may see.",
        answer=schemas.Server, many=True,
        query={"q": "Text in id, image, owner, notes.", "status": "One or more, by comma.", "owner": "Whose."},
        headers={"If-None-Match": "An ETag; 304 when nothing changed."},
        errors={304: "Nothing changed.", 400: "A filter that does not exist.", **_FORBIDDEN, 503: "Not read yet."},
    ),
    Row(
        "GET", "/api/servers/{id}", servers.get_server, "One workspace with events and conditions.",
        answer=schemas.Server, errors=_UNKNOWN,
    ),
    Row(
        "POST", "/api/jobs", launch.launch, "Launch a workspace.",
        status=202, answer=schemas.Launched, body=spec.JobSpec,
        errors={400: "bad_body or invalid_spec, one detail per field.", **_FORBIDDEN, 409: "A limit is used up."},
    ),
    Row("DELETE", "/api/servers/{id}", lifecycle.delete, "Delete a workspace.", answer=schemas.Deleted, errors=_CHANGE),
    Row(
        "PATCH", "/api/servers/{id}", lifecycle.patch, "Change a workspace, field by field.",
        status=202, answer=schemas.Server, body=spec.JobPatch,
        headers={"If-Match": "The ETag of the detail; 409 when it has changed since."},
        errors={400: "bad_body or invalid_spec.", **_CHANGE},
    ),
    Row(
        "POST", "/api/servers/{id}/stop", lifecycle.stop, "Stop it; its volume stays.",
        status=202, answer=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/start", lifecycle.start, "Start it.",
        status=202, answer=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "POST", "/api/servers/{id}/restart", lifecycle.restart, "A new pod.",
        status=202, answer=schemas.Server, errors=_CHANGE,
    ),
    Row(
        "GET", "/api/servers/{id}/events", servers.get_events, "Events and condition changes, oldest first.",
        answer=schemas.Happening, many=True, errors=_UNKNOWN,
    ),
    Row(
        "GET", "/api/servers/{id}/logs", logs.list_lines, "Recent log lines, oldest first.",
        answer=schemas.LogLine, many=True,
        query={
            "level": "debug, info or error.", "limit": "At most so many (200).",
            "container": "Another than the first; * for all.",
            "previous": "Of the run before this one.", "since": "RFC 3339, or an age like 10m.", "until": "The same.",
            "q": "Text in the line, or an RE2 expression between slashes.",
            "format": "json, or text for a file of everything that matches.",
        },
        errors={400: "A filter that cannot be read.", **_FORBIDDEN, 404: "not_found, no_pods or no_container."},
    ),
    Row(
        "GET", "/sse/logs", logs.stream_lines, "The tail, then every new line.",
        answer=EVENT_STREAM,
        query={
            "target": "The workspace's id.", "level": "debug, info or error.", "tail": "Lines at first (200).",
            "container": "Another than the first; * for all.", "follow": "false ends after the tail.",
            "previous": "The run before this one; ends with it.", "events": "Events and condition changes as well.",
            "q": "Text in the line, or an RE2 expression between slashes.", **_RESUME,
        },
        errors={400: "missing_target, or a filter that cannot be read.", **_FORBIDDEN, 404: "not_found."},
    ),
    Row(
        "GET", "/sse/servers", servers.stream_servers, "Every workspace, then every change: server, gone, synced.",
        answer=EVENT_STREAM, query=_RESUME, errors={**_FORBIDDEN, 503: "Not read yet."},
    ),
    *(
        Row(
            "POST", path, lifecycle.stop_all, "Delete every workspace the caller may stop.",
            answer=schemas.AllDeleted, query={"dryRun": "true only lists them."}, errors=_FORBIDDEN,
        )
        for path in _STOP_ALL
    ),
)  # fmt: skip


def build(api: Services, document: Mapping[str, Any]) -> list[BaseRoute]:
    """The table as Starlette routes, one per path, so that a wrong method is told all the right ones."""

    async def openapi(_api: Services, _request: Request) -> Response:
        return answer(document)

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
