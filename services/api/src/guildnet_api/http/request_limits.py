"""Middleware: each identity's requests in turn and within its limits; what is left of them in every answer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guildnet.identity import Identity
from guildnet_api.deps import IDENTITY
from guildnet_api.http.limits import Limits
from guildnet_api.http.middleware import OPEN_PATHS
from guildnet_api.http.request_queue import RequestQueue

TAKEN_A_TURN: Final = 16
"""Requests whose caller is found out in one turn of the event loop: a tenth of a millisecond or two each."""
HELD: Final = "guildnet.held"
"""Key of the scope with an ExitStack: what a handler holds until its answer is sent."""


class RequestTurns:
    """Takes requests up a few in each turn of the event loop, whoever sent them; not those of OPEN_PATHS."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._queue = RequestQueue(TAKEN_A_TURN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            await self._queue.turn("")
        await self.app(scope, receive, send)


class RequestLimits:
    """Refuses requests beyond the limits of their identity, and says in every answer what is left."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self._limits = limits
        self._queue = RequestQueue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        who: Identity | None = scope.get(IDENTITY)
        if who is None:
            await self.app(scope, receive, send)
            return
        await self._queue.turn(who.subject)
        if not who.subject:
            with ExitStack() as held:
                scope[HELD] = held
                await self.app(scope, receive, send)
            return
        left: dict[str, str] = {}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(left)
            await send(message)

        with self._limits.request(who.subject), ExitStack() as held:
            scope[HELD] = held
            left = self._limits.headers(who.subject)
            await self.app(scope, receive, with_headers)
