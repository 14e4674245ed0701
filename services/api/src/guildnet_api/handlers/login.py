"""How to log in to a workspace's own program, for whoever may use the workspace."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet.access import Action
from guildnet.errors import NotFound
from guildnet.workspace import app_login
from guildnet_api.access.authorize import target_of
from guildnet_api.cluster.pods import current
from guildnet_api.deps import Services, actor
from guildnet_api.http.params import json_response

SHOW_LOGIN: Final = "showLogin"
"""What the audit trail calls it: to the rules it is a use of the workspace."""


async def get_login(api: Services, request: Request) -> Response:
    """The password, where the pod that runs has the one that is derived; a line in the audit trail says who saw it.

    Raises NotFound `no_login` where there is none: the image asks for no password, or has one that is not known here.
    """
    who = actor(request)
    ws = api.authorizer.get_visible(who, request.path_params["id"], Action.PROXY)
    decision = api.authorizer.require(who, Action.PROXY, ws.name, target_of(ws))
    pod = current(api.watches.index.pods(ws.name))
    known = pod is not None and pod.workspace_uid == ws.uid and app_login.secret_name(ws.name) in pod.secrets
    if api.login_key is None or not known or not app_login.asks_for_password(ws):
        raise NotFound(f"No password of {ws.name} is known here.", code="no_login")
    api.audit.allowed(who, SHOW_LOGIN, ws.name, decision)
    shown = {"password": app_login.password(api.login_key, ws.uid)}
    return json_response(shown, headers={"Cache-Control": "no-store"})
