"""The log of a workspace as a list, a file and a stream. Each requires the right to read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet.access import Action
from guildnet.errors import Invalid, NotFound
from guildnet.workspace import Workspace
from guildnet_api.access.authorize import target_of
from guildnet_api.cluster import events
from guildnet_api.deps import Services, actor, identity
from guildnet_api.http.event_stream import EventStream
from guildnet_api.http.params import bad_query, count, flag, json_response
from guildnet_api.http.request_limits import HELD
from guildnet_api.logs.filtered import Filter
from guildnet_api.logs.model import NS_PER_SECOND, Run
from guildnet_api.logs.reader.cursor import StreamRequest
from guildnet_api.logs.reader.merged import ALL_CONTAINERS, MergedStream
from guildnet_api.logs.reader.snapshot import MAX_LINES, Selection, newest, runs_of, text
from guildnet_api.logs.reader.viewer import StreamContext, Viewer
from guildnet_api.logs.reader.workspace_events import WorkspaceEvents
from guildnet_api.logs.source.levels import LEVELS
from guildnet_api.logs.source.run_state import run_of

DEFAULT_LINES: Final = 200
INCOMPLETE_HEADER: Final = "X-Guildnet-Incomplete"
"""What a list of lines says that was not searched, or is left out."""
_AGE: Final = re.compile(r"([0-9]{1,6})([smhd]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_NAME: Final = re.compile(r"(?=.{1,63}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""A container's name is a DNS label."""
_FIRST_NS: Final = 1
_LAST_NS: Final = 253_402_300_799 * NS_PER_SECOND
"""The second before the year 10000, which no clock and no answer of the cluster gets past."""


async def list_lines(api: Services, request: Request) -> Response:
    """The newest lines that match, oldest first; as `format=text` all of them, to be saved."""
    ws = _readable(api, request, request.path_params["id"])
    subject = identity(request).subject
    searcher = api.worker.searcher(subject)
    await searcher.admit(request.query_params.get("q", ""))
    selection = _selection(api, request)
    container = _container(request)
    previous = flag(request, "previous")
    if container == ALL_CONTAINERS:
        _run(api, ws, None)
        runs = runs_of(api.watches.index.pod(ws.name), previous=previous)
    else:
        run = _run(api, ws, container, previous=previous)
        runs = [run] if run else []
    request.scope[HELD].enter_context(api.limits.reading(subject))
    if _format(request) == "text":
        of = "all" if container == ALL_CONTAINERS else runs[0].container if runs else container or "log"
        return text(api.source, runs, selection, searcher, f"{ws.name}-{of}.log")
    found = await newest(api.source, runs, selection, searcher)
    return json_response(list(found.lines), headers={INCOMPLETE_HEADER: found.incomplete} if found.incomplete else {})


async def stream_lines(api: Services, request: Request) -> Response | EventStream:
    """Raises Invalid `missing_target` and NotFound before the stream begins; afterwards everything is an event."""
    params = request.query_params
    name = params.get("target", "")
    if not name:
        raise Invalid("Say whose log: ?target=ID.", code="missing_target")
    ws = _readable(api, request, name)
    who = identity(request)
    searcher = api.worker.searcher(who.subject)
    await searcher.admit(params.get("q", ""))
    asked = _stream_request(api, request, ws)
    every = asked.container == ALL_CONTAINERS
    if asked.container and not every:
        _run(api, ws, asked.container)
    if _wants_json(request):
        return json_response(
            {"target": ws.name, "stream": True, "message": "Open this with EventSource for live lines."}
        )
    context = StreamContext(api.hub, api.watches.index, api.supervisor, searcher, api.supervisor.end_of_life())
    allowed = _AccessCheck(api, request, ws)

    def viewer(asked: StreamRequest) -> Viewer:
        events = _workspace_events(api, ws.name) if asked.events else None
        return Viewer(asked, context, allowed, events)

    stream = MergedStream(asked, context.index, viewer, api.settings.log_lines) if every else viewer(asked)
    places = partial(api.limits.stream, who.subject, searches=bool(asked.filter.q))
    return EventStream(stream.events, api.supervisor, "logs", places)


def _stream_request(api: Services, request: Request, ws: Workspace) -> StreamRequest:
    """Raises Invalid for a filter that cannot be read."""
    params = request.query_params
    return StreamRequest(
        target=ws.name,
        filter=_filter(request),
        tail=count(request, "tail", DEFAULT_LINES, api.settings.log_lines),
        container=_container(request),
        follow="follow" not in params or flag(request, "follow"),
        previous=flag(request, "previous"),
        events=flag(request, "events"),
        resume=request.headers.get("last-event-id") or params.get("lastEventId", ""),
    )


def _workspace_events(api: Services, name: str) -> WorkspaceEvents:
    """The timeline of whatever workspace has this name; empty once there is none."""
    watches = api.watches

    def entries() -> list[dict[str, Any]]:
        ws = watches.index.get(name)
        return events.timeline(ws, watches.events(name)) if ws else []

    def version() -> tuple[int, str]:
        ws = watches.index.get(name)
        return watches.events_version, ws.resource_version if ws else ""

    return WorkspaceEvents(entries, version, (watches.events_changed, watches.index.signal))


class _AccessCheck:
    """Whether a reader may still read: the rules may have changed, the name may be another workspace's by now."""

    __slots__ = ("_api", "_name", "_uid", "_who")

    def __init__(self, api: Services, request: Request, ws: Workspace) -> None:
        self._api, self._who, self._name, self._uid = api, identity(request), ws.name, ws.uid

    def __call__(self) -> bool:
        ws = self._api.watches.index.get(self._name)
        if ws is None:
            return True  # the stream itself reports that it is gone
        return ws.uid == self._uid and self._api.authorizer.decide(self._who, Action.READ_LOGS, target_of(ws)).allowed


def _readable(api: Services, request: Request, name: str) -> Workspace:
    ws = api.authorizer.get_visible(actor(request), name, Action.READ_LOGS)
    api.authorizer.require(actor(request), Action.READ_LOGS, ws.name, target_of(ws))
    return ws


def _run(api: Services, ws: Workspace, container: str | None, *, previous: bool = False) -> Run | None:
    """A run of a container, None while there is none to read. Raises NotFound `no_pods` or `no_container`."""
    pod = api.watches.index.pod(ws.name)
    if pod is None:
        if container:
            return None
        raise NotFound(f"{ws.name} has no pod: it is stopped or has not been scheduled yet.", code="no_pods")
    found = pod.container(container)
    if found is None:
        names = ", ".join(c.name for c in pod.containers)
        raise NotFound(f"{ws.name} has no container {container!r}; it has {names}.", code="no_container")
    return run_of(pod, found, previous=previous)


def _selection(api: Services, request: Request) -> Selection:
    whole = _format(request) == "text"
    return Selection(
        filter=_filter(request),
        limit=None
        if whole and not request.query_params.get("limit")
        else count(request, "limit", DEFAULT_LINES, MAX_LINES),
        since_ns=_time(api, request, "since"),
        until_ns=_time(api, request, "until"),
        max_line_bytes=api.settings.log_line_bytes,
    )


def _format(request: Request) -> str:
    form = request.query_params.get("format", "json").lower()
    if form not in ("json", "text"):
        raise bad_query("format", f"{form!r} is neither json nor text")
    return form


def _container(request: Request) -> str | None:
    """The container asked for, `*` for all, None for the first. Raises Invalid for what cannot be the name of one."""
    name = request.query_params.get("container") or None
    if name not in (None, ALL_CONTAINERS) and not _NAME.fullmatch(name):
        raise bad_query("container", f"{name!r} cannot be the name of a container")
    return name


def _filter(request: Request) -> Filter:
    """Raises Invalid for a level that does not exist or a `q` that cannot be matched."""
    return Filter(_level(request), request.query_params.get("q", ""))


def _level(request: Request) -> str:
    level = request.query_params.get("level", "").lower()
    if level in ("", "all"):
        return ""
    level = {"warn": "info", "warning": "info"}.get(level, level)
    if level not in LEVELS:
        raise bad_query("level", f"{level!r} is none of {', '.join(LEVELS)}")
    return level


def _time(api: Services, request: Request, name: str) -> int:
    """Unix nanoseconds of an RFC 3339 time or of a while ago (`90`, `10m`, `2h`); 0 when not given.

    What is before 1970 or after 9999 is moved there: no line is older, and none will be newer.
    """
    text = request.query_params.get(name, "")
    if not text:
        return 0
    if age := _AGE.fullmatch(text):
        return _bounded(api.now() - int(age[1]) * _SECONDS[age[2]])
    try:
        # A plus sign of a zone offset arrives as a space when the client did not encode it.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise bad_query(name, f"{text!r} is neither an RFC 3339 time nor an age like 10m") from None
    return _bounded(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())


def _bounded(seconds: float) -> int:
    return min(max(int(seconds * NS_PER_SECOND), _FIRST_NS), _LAST_NS)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/event-stream" not in accept
