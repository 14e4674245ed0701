"""The log of a workspace, as a list and as a stream. Both read the same lines; both ask for the right to."""

from __future__ import annotations

import re
from collections import deque
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet.access import Action
from guildnet.errors import Invalid, NotFound
from guildnet.logs import LEVELS, parse_kube_line
from guildnet.workspace import Workspace
from guildnet_api.handlers.bodies import answer, bad_query, flag, number
from guildnet_api.logs.feed import log_line
from guildnet_api.logs.records import Run, cut
from guildnet_api.logs.source import Options
from guildnet_api.logs.viewer import Viewer, Wish
from guildnet_api.rights import target_of
from guildnet_api.services import Services, actor, identity
from guildnet_api.streams import EventStream

DEFAULT_LINES: Final = 200
MOST_LINES: Final = 5000
_AGO: Final = re.compile(r"(\d{1,6})([smhd]?)")
_UNITS: Final = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


async def list_lines(api: Services, request: Request) -> Response:
    """The newest lines that match, oldest first."""
    ws = _readable(api, request, request.path_params["id"])
    wanted, container = _level(request), request.query_params.get("container") or None
    limit, previous = number(request, "limit", DEFAULT_LINES, MOST_LINES), flag(request, "previous")
    since, until = _time(api, request, "since"), _time(api, request, "until")
    needle = request.query_params.get("q", "").casefold()
    run = _run(api, ws, container)
    if run is None:
        return answer([])
    filtered = bool(wanted or needle or until)
    options = Options(since_ns=since, tail=MOST_LINES if filtered else limit, previous=previous)
    lines: deque[dict[str, str]] = deque(maxlen=limit)
    try:
        async with aclosing(api.source.open(run, options)) as raws:
            async for raw in raws:
                time_ns, data = parse_kube_line(raw)
                if time_ns < since or (until and time_ns >= until):
                    continue
                line = log_line(run, time_ns, cut(data, api.settings.log_line_bytes))
                if wanted in ("", line["lvl"]) and needle in line["msg"].casefold():
                    lines.append(line)
    except Invalid:
        # The kubelet's way to say that this container has not started, or has no run before this one.
        return answer([])
    return answer(list(lines))


async def stream_lines(api: Services, request: Request) -> Response | EventStream:
    """Raises Invalid `missing_target` and NotFound before the stream begins; afterwards everything is an event."""
    params = request.query_params
    name = params.get("target", "")
    if not name:
        raise Invalid("Say whose log: ?target=ID.", code="missing_target")
    ws = _readable(api, request, name)
    wish = Wish(
        target=ws.name,
        level=_level(request),
        tail=number(request, "tail", DEFAULT_LINES, api.settings.log_lines),
        container=params.get("container") or None,
        follow="follow" not in params or flag(request, "follow"),
        resume=request.headers.get("last-event-id") or params.get("lastEventId", ""),
    )
    if wish.container:
        _run(api, ws, wish.container)
    if _wants_json(request):
        return answer({"target": ws.name, "stream": True, "message": "Open this with EventSource for live lines."})
    viewer = Viewer(wish, api.hub, api.cache.roster, api.closing, _Still(api, request, ws))
    return EventStream(viewer.blocks(), api.closing, "logs")


class _Still:
    """Whether the reader may go on: the rules may have changed, the name may be another workspace's by now."""

    def __init__(self, api: Services, request: Request, ws: Workspace) -> None:
        self._api, self._who, self._name, self._uid = api, identity(request), ws.name, ws.uid

    def __call__(self) -> bool:
        ws = self._api.cache.roster.get(self._name)
        if ws is None:
            return True  # the stream itself says that it is gone
        return ws.uid == self._uid and self._api.rights.may(self._who, Action.READ_LOGS, target_of(ws)).allowed


def _readable(api: Services, request: Request, name: str) -> Workspace:
    ws = api.rights.find(identity(request), name)
    api.rights.require(actor(request), Action.READ_LOGS, ws.name, target_of(ws))
    return ws


def _run(api: Services, ws: Workspace, container: str | None) -> Run | None:
    """Raises NotFound when there is no pod, or no such container in it; None while it has not begun."""
    pod = api.cache.roster.pod(ws.name)
    if pod is None:
        if container:
            return None
        raise NotFound(f"{ws.name} has no pod: it is stopped or has not been scheduled yet.", code="no_pods")
    found = pod.container(container)
    if found is None:
        names = ", ".join(c.name for c in pod.containers)
        raise NotFound(f"{ws.name} has no container {container!r}; it has {names}.", code="no_container")
    return Run(pod.uid, pod.name, found.name, found.restart) if found.has_log else None


def _level(request: Request) -> str:
    level = request.query_params.get("level", "").lower()
    if level in ("", "all"):
        return ""
    level = {"warn": "info", "warning": "info"}.get(level, level)
    if level not in LEVELS:
        raise bad_query("level", f"{level!r} is none of {', '.join(LEVELS)}")
    return level


def _time(api: Services, request: Request, name: str) -> int:
    """Unix nanoseconds of an RFC 3339 time or of a while ago (`90`, `10m`, `2h`); 0 when not given."""
    text = request.query_params.get(name, "")
    if not text:
        return 0
    if ago := _AGO.fullmatch(text):
        back = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return int((api.now() - back.total_seconds()) * 1e9)
    try:
        # A plus sign of a zone offset arrives as a space when the client did not encode it.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise bad_query(name, f"{text!r} is neither an RFC 3339 time nor an age like 10m") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1e9)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/event-stream" not in accept
