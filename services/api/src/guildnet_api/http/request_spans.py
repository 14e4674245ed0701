"""Middleware: a span for every request, in the trace of the proxy's. Only there while traces are on."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guildnet import tracing
from guildnet_api.deps import REQUEST_ID, TRACEPARENT
from guildnet_api.http.middleware import OPEN_PATHS, ROUTE

LOG_FIELD: Final = "trace_id"


class RequestSpans:
    """The span of a stream ends where its response has begun."""

    def __init__(self, app: ASGIApp, tracer: tracing.Tracer) -> None:
        self.app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        span = self._tracer.begin(Headers(scope=scope).get(tracing.HEADER, ""), kind="server")
        scope[TRACEPARENT] = span.traceparent
        method, path, request_id, status = scope["method"], scope["path"], scope.get(REQUEST_ID, ""), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(**{LOG_FIELD: tracing.trace_id(span.traceparent)}):
                await self.app(scope, receive, noted)
        finally:
            route = scope.get(ROUTE, "other")
            attributes = {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "url.path": path,
                "guildnet.request_id": request_id,
            }
            span.end(f"{method} {route}", attributes, failed=not 0 < status < 500)
