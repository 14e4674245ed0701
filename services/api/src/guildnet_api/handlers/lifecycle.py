"""Changes of workspaces that exist: delete, stop, start, restart, patch, stop-all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet import workspace
from guildnet.access import Action, Decision, Launch, Target
from guildnet.errors import Conflict, Denied, GuildNetError, NotFound, Unreachable
from guildnet.kube.client import Json
from guildnet.kube.resources import SECRETS, WORKSPACES
from guildnet.names import ANNOTATION_RESTARTED_AT, FIELD_MANAGER_API
from guildnet.workspace import Workspace, WorkspaceSpec
from guildnet.workspace.ports import served_ports
from guildnet_api.access.audit import Actor
from guildnet_api.access.authorize import target_of
from guildnet_api.deps import Services, actor
from guildnet_api.http.params import flag, json_response, read_body
from guildnet_api.workspaces import manifests, view
from guildnet_api.workspaces.spec import JobPatch

MAX_PATCH_ATTEMPTS: Final = 3
"""Attempts at a patch that somebody else's write overtook."""


async def delete(api: Services, request: Request) -> Response:
    who, ws = actor(request), _find(api, request)
    decision = api.authorizer.require(who, Action.DELETE, ws.name, target_of(ws))
    await _audited(api, who, Action.DELETE, ws, decision, _deletion(api, ws))
    return json_response({"deleted": ws.name})


async def stop(api: Services, request: Request) -> Response:
    return await _run(api, request, Action.STOP, running=False)


async def start(api: Services, request: Request) -> Response:
    return await _run(api, request, Action.START, running=True)


async def restart(api: Services, request: Request) -> Response:
    who, ws = actor(request), _find(api, request)
    api.authorizer.require(who, Action.STOP, ws.name, target_of(ws))
    decision = api.authorizer.require(who, Action.START, ws.name, target_of(ws))
    _refuse_deleting(ws)
    if not ws.spec.running:
        raise Conflict(f"{ws.name} is stopped; start it instead.", code="stopped")
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"metadata": {"uid": ws.uid, "annotations": {ANNOTATION_RESTARTED_AT: now}}}
    changed = await _audited(api, who, Action.START, ws, decision, _patching(api, ws, body))
    return await _server(api, who, changed)


async def patch(api: Services, request: Request) -> Response:
    who, ws = actor(request), _find(api, request)
    decision = api.authorizer.require(who, Action.UPDATE, ws.name, target_of(ws))
    wanted = await read_body(request, JobPatch)
    _refuse_deleting(ws)
    stated = request.headers.get("if-match", "*").strip().removeprefix("W/").strip('"')
    changed = await _audited(api, who, Action.UPDATE, ws, decision, lambda: _patched(api, who, ws, wanted, stated))
    return await _server(api, who, changed)


async def stop_all(api: Services, request: Request) -> Response:
    """Deletes every workspace the caller may stop this way; refused when there is none among those that exist."""
    who, dry = actor(request), flag(request, "dryRun")
    if not api.watches.synced:
        raise Unreachable("The list is still being read from the cluster; try again in a moment.", code="not_ready")
    everything = [ws for _, ws in sorted((ws.name, ws) for ws in api.watches.index.all()) if not ws.deleting]
    decided = [(ws, api.authorizer.decide(who.identity, Action.STOP_ALL, target_of(ws))) for ws in everything]
    allowed = [(ws, decision) for ws, decision in decided if decision.allowed]
    if not allowed and Action.STOP_ALL not in api.authorizer.possible_actions(who.identity):
        api.authorizer.require(who, Action.STOP_ALL, "everything", Target())
    if everything and not allowed:
        api.audit.denied(who, Action.STOP_ALL, "everything", decided[0][1])
        raise Denied("You may not stop any of the workspaces there are.")
    if dry:
        return json_response({"deleted": [ws.name for ws, _ in allowed], "dryRun": True})
    for ws, decision in allowed:
        await _audited(api, who, Action.STOP_ALL, ws, decision, _deletion(api, ws))
    return json_response({"deleted": [ws.name for ws, _ in allowed]})


# ---- parts -----------------------------------------------------------------------------------------------------------


def _find(api: Services, request: Request) -> Workspace:
    """The workspace of the path. Raises NotFound; a caller who may not list may still act on one it can name."""
    name = request.path_params["id"]
    ws = api.watches.index.get(name)
    if ws is None:
        raise NotFound(f"There is no workspace {name!r}; GET /api/servers lists those there are.")
    return ws


def _refuse_deleting(ws: Workspace) -> None:
    if ws.deleting:
        raise Conflict(f"{ws.name} is being deleted.", code="deleting")


async def _run(api: Services, request: Request, action: Action, *, running: bool) -> Response:
    who, ws = actor(request), _find(api, request)
    decision = api.authorizer.require(who, action, ws.name, target_of(ws))
    _refuse_deleting(ws)
    if running and not ws.spec.running:
        wanted = Launch(ws.spec.image, _port_numbers(ws.spec), api.quota.running(ws.owner))
        api.authorizer.constrain(who, action, ws.name, target_of(ws), wanted)
    body = {"metadata": {"uid": ws.uid}, "spec": {"running": running}}
    changed = await _audited(api, who, action, ws, decision, _patching(api, ws, body))
    return await _server(api, who, changed)


def _patching(api: Services, ws: Workspace, body: Mapping[str, Any]) -> Callable[[], Awaitable[Json]]:
    async def call() -> Json:
        namespace = api.settings.k8s_namespace
        return await api.client.merge_patch(WORKSPACES, namespace, ws.name, body, field_manager=FIELD_MANAGER_API)

    return call


def _deletion(api: Services, ws: Workspace) -> Callable[[], Awaitable[Json]]:
    async def call() -> Json:
        try:
            return await api.client.delete(WORKSPACES, api.settings.k8s_namespace, ws.name, uid=ws.uid)
        except NotFound:
            return {}  # somebody else deleted it first

    return call


async def _patched(api: Services, who: Actor, ws: Workspace, wanted: JobPatch, stated: str) -> Json:
    """The patch on what is there now. Without If-Match a write that overtook ours is taken in."""
    namespace = api.settings.k8s_namespace
    for attempt in range(MAX_PATCH_ATTEMPTS):
        raw = await api.client.get(WORKSPACES, namespace, ws.name)
        current = workspace.parse(raw)
        if stated not in ("*", current.resource_version):
            raise Conflict(f"{ws.name} has changed since you read it; read it again.", code="stale")
        change = manifests.change(wanted, current, f"{ws.name[:52]}-env-{token_hex(3)[:5]}")
        _constrain(api, who, ws, change.spec)
        if wanted.labels:
            # New labels can move it under other rules: the caller has to be allowed there too.
            kept = {key: value for key, value in {**ws.labels, **wanted.labels}.items() if value is not None}
            api.authorizer.require(who, Action.UPDATE, ws.name, Target(kept, ws.owner))
        if change.secret_values:
            body = manifests.secret(change.secret_name, change.secret_values, raw)
            await api.client.create(SECRETS, namespace, body, field_manager=FIELD_MANAGER_API)
        try:
            return await _patching(api, ws, change.body)()
        except Conflict:
            if stated != "*" or attempt + 1 == MAX_PATCH_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _constrain(api: Services, who: Actor, ws: Workspace, spec: WorkspaceSpec) -> None:
    """What a launch may not have, a patch may not bring in."""
    wanted = Launch(spec.image, _port_numbers(spec))
    api.authorizer.constrain(who, Action.UPDATE, ws.name, target_of(ws), wanted)


def _port_numbers(spec: WorkspaceSpec) -> tuple[int, ...]:
    return tuple(port.container_port for port in served_ports(spec))


async def _audited(
    api: Services, who: Actor, action: Action, ws: Workspace, decision: Decision, call: Callable[[], Awaitable[Json]]
) -> Json:
    api.audit.allowed(who, action, ws.name, decision)
    try:
        return await call()
    except GuildNetError as error:
        api.audit.failed(who, action, ws.name, decision, error)
        raise


async def _server(api: Services, who: Actor, raw: Json) -> Response:
    ws = workspace.parse(raw)
    await api.watches.wait_for(ws.name, ws.resource_version)
    shown = view.server(ws, api.watches.index.pods(ws.name), who.identity.entry)
    return json_response(shown, 202, {"ETag": f'"{ws.resource_version}"'})
