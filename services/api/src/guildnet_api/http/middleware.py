"""Middleware, outermost first: request id and metrics, headers of the control origin, error responses, the caller's
identity, limits of bodies.

Nobody is authenticated here: the identity is the proxy's, signed for this very request, and nothing else is believed.
Cross-site requests (Origin, Sec-Fetch-Site) are refused by the proxy.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guildnet.errors import Denied, GuildNetError, Invalid, NotFound, TooLarge
from guildnet.identity import HEADER, Identity, verify
from guildnet.web import request_id
from guildnet_api import errors
from guildnet_api.deps import IDENTITY, REQUEST_ID
from guildnet_api.metrics import Metrics

log = structlog.get_logger(__name__)

MAX_BODY_BYTES: Final = 1024 * 1024
ROUTE: Final = "guildnet.route"
"""Key of the scope that holds the route's template, for metrics."""
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
_MUTATIONS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JSON: Final = re.compile(r"application/(?:[a-z0-9.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


class RequestLog:
    """Gives every request its id and echoes it; counts, times and logs requests. Query strings are never logged."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identifier = request_id.kept_or_new(Headers(scope=scope).get(request_id.HEADER, ""))
        scope[REQUEST_ID] = identifier
        began, status = time.monotonic(), 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[request_id.HEADER] = identifier
                route = scope.get(ROUTE, "other")
                self._metrics.requests.labels(route, scope["method"], str(status)).inc()
                self._metrics.seconds.labels(route).observe(time.monotonic() - began)
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=identifier)
        try:
            await self.app(scope, receive, observed)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            level = log.debug if status < 500 else log.warning
            took = round((time.monotonic() - began) * 1000, 1)
            level("request", method=scope["method"], path=scope["path"], status=status, ms=took, request_id=identifier)


class SecurityHeaders:
    """Adds the headers of the control origin: see `guildnet.web.security_headers`."""

    def __init__(self, app: ASGIApp, headers: Callable[[Scope], list[tuple[bytes, bytes]]]) -> None:
        self.app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers(scope)]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class ErrorResponses:
    """Turns what is raised into an error response; a stack trace stays in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                raise
            refusal, headers = translated(error)
            if refusal is errors.INTERNAL:
                log.exception("request failed", method=scope["method"], path=scope["path"])
            elif isinstance(error, GuildNetError) and refusal is not error:
                log.warning("the cluster refused", method=scope["method"], path=scope["path"], error=str(error))
            response = errors.response(refusal, scope.get(REQUEST_ID, ""), headers)
            await response(scope, receive, send)


def translated(error: Exception) -> tuple[GuildNetError, dict[str, str]]:
    if isinstance(error, GuildNetError):
        return errors.told(error), {}
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        if error.status_code == 405:
            text = f"This path takes {headers.get('Allow', 'another method')}."
            return GuildNetError(text, code="method_not_allowed"), headers
        if error.status_code == 404:
            return NotFound("There is nothing at this path; /api/openapi.json lists what there is."), headers
        return Invalid(str(error.detail), code="bad_request"), headers
    return errors.INTERNAL, {}


class SignedIdentity:
    """Puts the proxy's signed identity into the scope. Health checks need none; everything else is refused without."""

    def __init__(
        self,
        app: ASGIApp,
        key: bytes,
        now: Callable[[], float],
        refused: Callable[[str, str, GuildNetError], None],
    ) -> None:
        """`refused` is told of each identity that is not believed: the request's id, its path, and why."""
        self.app = app
        self._key = key
        self._now = now
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            try:
                scope[IDENTITY] = self._verified(scope)
            except Denied as error:
                self._refused(scope.get(REQUEST_ID, ""), scope["path"], error)
                raise
        await self.app(scope, receive, send)

    def _verified(self, scope: Scope) -> Identity:
        given = Headers(scope=scope).getlist(HEADER)
        raw: Any = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        # Two headers would leave it to chance which one counts.
        return verify(
            given[0] if len(given) == 1 else "", self._key, method=scope["method"], path=path, now=self._now()
        )


class BodyLimits:
    """Refuses bodies over MAX_BODY_BYTES, however they are sent, and bodies of mutations that are not JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise _too_large()
        has_body = length not in ("", "0") or "transfer-encoding" in headers
        if scope["method"] in _MUTATIONS and has_body and not _JSON.fullmatch(headers.get("content-type", "")):
            raise Invalid(
                "The body has to be JSON, with Content-Type: application/json.", code="unsupported_media_type"
            )
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > MAX_BODY_BYTES:
                raise _too_large()
            return message

        await self.app(scope, counted, send)


def _too_large() -> TooLarge:
    return TooLarge("The body is over 1 MiB; a specification is never that long.")
