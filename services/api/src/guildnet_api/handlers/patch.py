"""Change of a workspace's spec and labels: decided on the object that is written, not on a copy of it."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_hex
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from guildnet import workspace
from guildnet.access import Action, Decision, Launch, Target
from guildnet.errors import Conflict, GuildNetError, Unreachable
from guildnet.kube.client import Json
from guildnet.kube.resources import SECRETS, WORKSPACES
from guildnet.names import ANNOTATION_LAUNCH_RULE, FIELD_MANAGER_API
from guildnet.workspace import Workspace, WorkspaceSpec
from guildnet.workspace.ports import served_ports
from guildnet_api.access.audit import Actor
from guildnet_api.access.authorize import target_of
from guildnet_api.cluster import env_secrets
from guildnet_api.deps import Services, actor
from guildnet_api.handlers.lifecycle import MAX_PATCH_ATTEMPTS, patching, refuse_deleting, shown
from guildnet_api.http.params import read_body
from guildnet_api.workspaces import manifests
from guildnet_api.workspaces.spec import JobPatch

_ANY: Final = "*"


async def patch(api: Services, request: Request) -> Response:
    who = actor(request)
    name = api.authorizer.get_visible(who, request.path_params["id"], Action.UPDATE).name
    raw = await api.client.get(WORKSPACES, api.settings.k8s_namespace, name)
    _may_update(api, who, workspace.parse(raw))
    wanted = await read_body(request, JobPatch)
    stated = request.headers.get("if-match", _ANY).strip().removeprefix("W/").strip('"')
    return await shown(api, who, await _patched(api, who, raw, wanted, stated))


async def _patched(api: Services, who: Actor, raw: Json, wanted: JobPatch, stated: str) -> Json:
    """The patch on what is there now. Without If-Match a write that overtook ours is taken in."""
    namespace, recorded = api.settings.k8s_namespace, False
    for attempt in range(MAX_PATCH_ATTEMPTS):
        ws = workspace.parse(raw)
        refuse_deleting(ws)
        if stated not in (_ANY, ws.resource_version):
            raise Conflict(f"{ws.name} has changed since you read it; read it again.", code="stale")
        change = manifests.change(wanted, ws, f"{ws.name[:52]}-env-{token_hex(3)[:5]}")
        decision = _may_update(api, who, ws)
        launched = _may_launch(api, who, ws, wanted, change.spec)
        if not recorded:
            api.audit.allowed(who, Action.UPDATE, ws.name, decision, sorted(wanted.model_fields_set))
            recorded = True
        made = False
        try:
            if change.secret_values:
                body = manifests.secret(change.secret_name, change.secret_values, raw)
                await api.client.create(SECRETS, namespace, body, field_manager=FIELD_MANAGER_API)
                made = True
            patched = await patching(api, who, ws, _with_rule(change, who, ws, launched))()
        except GuildNetError as error:
            if made and not isinstance(error, Unreachable):  # what was not answered may have been done
                await env_secrets.remove(api.client, namespace, ws.name, [change.secret_name])
            if not isinstance(error, Conflict) or stated != _ANY or attempt + 1 == MAX_PATCH_ATTEMPTS:
                api.audit.failed(who, Action.UPDATE, ws.name, decision, error)
                raise
        else:
            await env_secrets.remove(api.client, namespace, ws.name, change.unused)
            return patched
        raw = await api.client.get(WORKSPACES, namespace, ws.name)
    raise AssertionError("unreachable")


def _may_update(api: Services, who: Actor, ws: Workspace) -> Decision:
    """The decision that allows the caller to change this object. Raises NotFound or Denied."""
    api.authorizer.require_known(who, Action.UPDATE, ws)
    return api.authorizer.require(who, Action.UPDATE, ws.name, target_of(ws))


def _may_launch(api: Services, who: Actor, ws: Workspace, wanted: JobPatch, spec: WorkspaceSpec) -> Decision | None:
    """What lets the caller have this image, these ports, labels and exposure, which has to be a right to launch such a
    one; None where the patch leaves all of them as they are. Raises Denied."""
    given = {**ws.labels, **(wanted.labels or {})}
    labels = {key: value for key, value in given.items() if value is not None}
    relabelled = labels != ws.labels
    same = spec.image == ws.spec.image and spec.exposure == ws.spec.exposure and _ports(spec) == _ports(ws.spec)
    if same and not relabelled:
        return None
    target = Target(labels, ws.owner)
    if relabelled:
        api.authorizer.require(who, Action.UPDATE, ws.name, target)
        _refuse_gain(api, who, ws, target)
    found = api.authorizer.decide(who.identity, Action.LAUNCH, target, Launch(spec.image, _ports(spec)))
    if not found.allowed and not found.problems:
        found = replace(found, reason="its new image, ports, labels or exposure are none that you may launch")
    return api.authorizer.enforce(who, Action.UPDATE, ws.name, found)


def _refuse_gain(api: Services, who: Actor, ws: Workspace, target: Target) -> None:
    """Labels decide about rights: a change of them must not give the caller one that it did not have."""
    for action in Action:
        if action is Action.LAUNCH or api.authorizer.decide(who.identity, action, target_of(ws)).allowed:
            continue
        gained = api.authorizer.decide(who.identity, action, target)
        if gained.allowed:
            reason = f"its new labels would give you the right to {action.value} it"
            api.authorizer.enforce(who, Action.UPDATE, ws.name, replace(gained, allowed=False, reason=reason))


def _with_rule(change: manifests.Change, who: Actor, ws: Workspace, launched: Decision | None) -> dict[str, object]:
    """The patch; where an owner changes what its limit goes by, with the rule that it goes by now."""
    body, meta = dict(change.body), dict(change.body["metadata"])
    if launched is not None and who.identity.subject == ws.owner:
        meta["annotations"] = {ANNOTATION_LAUNCH_RULE: launched.rule}
    return {**body, "metadata": meta}


def _ports(spec: WorkspaceSpec) -> tuple[int, ...]:
    return tuple(port.container_port for port in served_ports(spec))
