"""Changes of workspaces that exist: delete, stop, start, restart; `patch` and `stop_all` have modules of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet import workspace
from guildnet.access import Action, Decision
from guildnet.errors import Conflict, GuildNetError, NotFound
from guildnet.kube.client import Json
from guildnet.kube.resources import WORKSPACES
from guildnet.names import ANNOTATION_RESTARTED_AT, FIELD_MANAGER_API
from guildnet.workspace import Workspace
from guildnet_api.access.admission import is_refused, limit_reached
from guildnet_api.access.audit import Actor
from guildnet_api.access.authorize import target_of
from guildnet_api.deps import Services, actor
from guildnet_api.http.params import json_response
from guildnet_api.workspaces import view

MAX_PATCH_ATTEMPTS: Final = 3
"""Attempts at a patch that somebody else's write overtook."""
RESTART: Final = "restart"
"""What the audit trail calls it: to the rules it is a stop and a start."""


async def delete(api: Services, request: Request) -> Response:
    who = actor(request)
    ws = api.authorizer.get_visible(who, request.path_params["id"], Action.DELETE)
    decision = api.authorizer.require(who, Action.DELETE, ws.name, target_of(ws))
    await audited(api, who, Action.DELETE, ws, decision, _deletion(api, ws))
    await api.watches.wait_gone(ws)
    return json_response({"deleted": ws.name})


async def stop(api: Services, request: Request) -> Response:
    who = actor(request)
    ws = api.authorizer.get_visible(who, request.path_params["id"], Action.STOP)
    decision = api.authorizer.require(who, Action.STOP, ws.name, target_of(ws))
    refuse_deleting(ws)
    call = patching(api, who, ws, {"spec": {"running": False}})
    return await shown(api, who, await audited(api, who, Action.STOP, ws, decision, call, ["running"]))


async def start(api: Services, request: Request) -> Response:
    who = actor(request)
    ws = api.authorizer.get_visible(who, request.path_params["id"], Action.START)
    decision = api.authorizer.require(who, Action.START, ws.name, target_of(ws))
    refuse_deleting(ws)
    if not ws.spec.running:
        place = await api.admission.caught_up(lambda: api.admission.of_start(ws))
        api.authorizer.enforce(who, Action.START, ws.name, place)
    with nullcontext() if ws.spec.running else api.admission.pending(ws.owner):
        call = patching(api, who, ws, {"spec": {"running": True}})
        changed = await audited(api, who, Action.START, ws, decision, call, ["running"])
        await api.watches.wait_for(ws.name, changed["metadata"]["resourceVersion"])
    await _require_place(api, who, decision, changed)
    return await shown(api, who, changed)


async def restart(api: Services, request: Request) -> Response:
    who = actor(request)
    ws = api.authorizer.get_visible(who, request.path_params["id"], Action.START)
    api.authorizer.require(who, Action.STOP, ws.name, target_of(ws))
    decision = api.authorizer.require(who, Action.START, ws.name, target_of(ws))
    refuse_deleting(ws)
    if not ws.spec.running:
        raise Conflict(f"{ws.name} is stopped; start it instead.", code="stopped")
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    call = patching(api, who, ws, {"metadata": {"annotations": {ANNOTATION_RESTARTED_AT: now}}})
    return await shown(api, who, await audited(api, who, RESTART, ws, decision, call))


# ---- parts, `patch` uses them as well --------------------------------------------------------------------------------


def refuse_deleting(ws: Workspace) -> None:
    if ws.deleting:
        raise Conflict(f"{ws.name} is being deleted.", code="deleting")


def patching(api: Services, who: Actor, ws: Workspace, body: Mapping[str, Any]) -> Callable[[], Awaitable[Json]]:
    """A call that patches this very workspace, and notes on it who did."""
    meta = body.get("metadata") or {}
    annotations = {**(meta.get("annotations") or {}), **who.marks}
    noted = {**body, "metadata": {"uid": ws.uid, **meta, "annotations": annotations}}

    async def call() -> Json:
        namespace = api.settings.k8s_namespace
        return await api.client.merge_patch(WORKSPACES, namespace, ws.name, noted, field_manager=FIELD_MANAGER_API)

    return call


async def audited(
    api: Services, who: Actor, action: str, ws: Workspace, decision: Decision,
    call: Callable[[], Awaitable[Json]], fields: Sequence[str] = (),
) -> Json:  # fmt: skip
    """What `call` answers, with a line before it and, where it fails, one behind it."""
    api.audit.allowed(who, action, ws.name, decision, fields)
    try:
        return await call()
    except GuildNetError as error:
        api.audit.failed(who, action, ws.name, decision, error)
        raise


async def shown(api: Services, who: Actor, raw: Json) -> Response:
    """202 with the workspace as it was written, once this process shows it too."""
    ws = workspace.parse(raw)
    await api.watches.wait_for(ws.name, ws.resource_version)
    server = view.server(ws, api.watches.index.pods(ws.name), who.identity.entry)
    return json_response(server, 202, {"ETag": f'"{ws.resource_version}"'})


def _deletion(api: Services, ws: Workspace) -> Callable[[], Awaitable[Json]]:
    async def call() -> Json:
        try:
            return await api.client.delete(WORKSPACES, api.settings.k8s_namespace, ws.name, uid=ws.uid)
        except NotFound:
            return {}  # somebody else deleted it first

    return call


async def _require_place(api: Services, who: Actor, decision: Decision, changed: Json) -> None:
    """Raises Conflict where the operator has no place for what was started, after stopping it again."""
    refused = await api.admission.refused(workspace.parse(changed))
    if refused is None or not await _stopped_again(api, who, refused):
        return
    error = limit_reached("start", refused.name, api.admission.limit_of(refused))
    api.audit.failed(who, Action.START, refused.name, decision, error)
    raise error


async def _stopped_again(api: Services, who: Actor, ws: Workspace) -> bool:
    """Whether it was stopped while it still waited: somebody may have made a place for it, or deleted it."""
    for _ in range(MAX_PATCH_ATTEMPTS):
        precondition = {"metadata": {"resourceVersion": ws.resource_version}, "spec": {"running": False}}
        with suppress(Conflict):
            await patching(api, who, ws, precondition)()
            return True
        ws = workspace.parse(await api.client.get(WORKSPACES, api.settings.k8s_namespace, ws.name))
        if not ws.spec.running or not is_refused(ws):
            return False
    return False
