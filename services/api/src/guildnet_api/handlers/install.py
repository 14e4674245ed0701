"""The install and the caller: health, UI configuration, identity, images on offer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from guildnet.access import Action
from guildnet_api.deps import Services, actor, identity
from guildnet_api.errors import RETRY_AFTER_SECONDS
from guildnet_api.http.params import json_response
from guildnet_api.workspaces import presets


async def healthz(_api: Services, _request: Request) -> Response:
    return PlainTextResponse("ok")


async def readyz(api: Services, _request: Request) -> Response:
    """The checks by name. Anybody may ask here, so what is wrong is said on the ops port alone: it names addresses."""
    report = await api.health.report()
    checks = {name: {"ok": problem is None} for name, problem in report.checks.items()}
    headers = {} if report.ok else {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return json_response({**report.as_json(), "checks": checks}, 200 if report.ok else 503, headers)


async def openapi(api: Services, _request: Request) -> Response:
    return json_response(api.document)


async def ui_config(api: Services, request: Request) -> Response:
    entry = identity(request).entry
    return json_response(
        {
            "name": api.settings.install_name,
            "version": api.version,
            "originMode": entry.mode if entry else "path",
            "features": {
                "liveLogs": True,
                "sharedLogs": api.hub.shared,
                "presets": bool(api.presets),
                "domain": bool(api.settings.domain),
                "directExposure": api.settings.direct_exposure,
            },
        }
    )


async def state(api: Services, request: Request) -> Response:
    api.authorizer.require_identified(actor(request), Action.LIST, "the install")
    return json_response(await api.install.shown())


async def me(api: Services, request: Request) -> Response:
    who = identity(request)
    return json_response(
        {
            "login": who.login,
            "displayName": who.display_name,
            "kind": who.kind,
            "roles": list(who.roles),
            "actions": [action.value for action in api.authorizer.possible_actions(who)],
        }
    )


async def images(api: Services, request: Request) -> Response:
    api.authorizer.require_identified(actor(request), Action.LIST, "images")
    return json_response([preset.wire() for preset in api.presets])


async def image_defaults(api: Services, request: Request) -> Response:
    api.authorizer.require_identified(actor(request), Action.LIST, "images")
    return json_response(presets.defaults(api.presets, request.query_params.get("image", "")))
