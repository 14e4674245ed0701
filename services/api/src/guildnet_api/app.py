"""The application as a value: routes from their table, middleware as a list, the UI for everything else."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Scope

from guildnet.web import security_headers
from guildnet_api import openapi, routes
from guildnet_api.deps import IDENTITY, Services
from guildnet_api.http.middleware import Bodies, Identified, Observed, OriginHeaders, Refusals
from guildnet_api.http.static import Ui


def build(api: Services, ui: Ui) -> Starlette:
    def headers(scope: Scope) -> list[tuple[bytes, bytes]]:
        who = scope.get(IDENTITY)
        return list(security_headers.headers(who.entry if who else None, ui.scripts, ui.styles))

    return Starlette(
        routes=[*routes.build(api, openapi.document(routes.ROWS, api.version)), Mount("/", app=ui)],
        middleware=[
            Middleware(Observed, metrics=api.metrics),
            Middleware(OriginHeaders, headers=headers),
            Middleware(Refusals),
            Middleware(Identified, key=api.key, now=api.now),
            Middleware(Bodies),
        ],
        exception_handlers={HTTPException: _passed_on},
    )


async def _passed_on(_request: Request, error: Exception) -> Response:
    """Starlette would answer its own refusals in plain text; they go out by the same table as ours."""
    raise error
