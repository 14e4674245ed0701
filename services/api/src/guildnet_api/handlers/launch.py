"""Launch of a workspace: a name of its own, its Secret beside it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from guildnet import workspace
from guildnet.access import Action, Decision, Launch, Target
from guildnet.errors import Conflict, GuildNetError, NotFound
from guildnet.kube.client import Json
from guildnet.kube.resources import SECRETS, WORKSPACES
from guildnet.names import ATTEMPTS, FIELD_MANAGER_API, LABEL_LAUNCH, LABEL_MANAGED, base_name, with_suffix
from guildnet.workspace import Storage
from guildnet_api.access.admission import limit_reached
from guildnet_api.access.audit import Actor
from guildnet_api.deps import Services, actor
from guildnet_api.http.params import json_response, read_body
from guildnet_api.workspaces import manifests, presets
from guildnet_api.workspaces.idempotency import HEADER, LaunchKey, launch_key
from guildnet_api.workspaces.spec import JobSpec


@dataclass(frozen=True, slots=True)
class Job:
    """What is launched, and the volume it gets for having said nothing of one."""

    spec: JobSpec
    volume: Storage | None


async def launch(api: Services, request: Request) -> Response:
    who = actor(request)
    # Checked before the body is read: an unknown caller learns nothing about what is wrong with it.
    api.authorizer.require_identified(who, Action.LAUNCH, "a workspace")
    given = await read_body(request, JobSpec)
    job = presets.fill(given, api.presets)
    key = launch_key(request.headers.get(HEADER), who.identity.subject, job, api.key)
    if key is not None and (known := await _launched_with(api, key)):
        # The launch before may have ended between the Workspace and its Secret.
        await _create_secret(api, _plan(api, who, known["metadata"]["name"], Job(job, None)), known, repeated=True)
        await api.watches.wait_for(known["metadata"]["name"], known["metadata"]["resourceVersion"])
        return _answer(known)
    base, subject = base_name(job.name, job.image), who.identity.subject
    target = Target({**(job.labels or {}), LABEL_MANAGED: "true"}, subject)
    ports = manifests.port_numbers(job)

    def decide() -> Decision:
        wanted = Launch(job.image, ports, api.admission.running(subject))
        return api.authorizer.decide(who.identity, Action.LAUNCH, target, wanted)

    decision = api.authorizer.enforce(who, Action.LAUNCH, base, await api.admission.caught_up(decide))
    # A volume of its own, or none, is the launch's word and its preset's; only silence is filled.
    says_nothing = job.storage is None and "storage" not in given.model_fields_set
    with api.admission.pending(subject):
        volume = await api.default_storage.get() if says_nothing else None
        name, created = await _create(api, who, decision, base, Job(job, volume), key)
        await api.watches.wait_for(name, created["metadata"]["resourceVersion"])
    await _require_place(api, who, decision, created)
    return _answer(created)


def _answer(created: Json) -> Response:
    name = created["metadata"]["name"]
    return json_response({"id": name, "status": "pending"}, 202, {"Location": f"/api/servers/{name}"})


async def _launched_with(api: Services, key: LaunchKey) -> Json | None:
    """The workspace that an earlier launch with this key made. Raises Conflict where that was another launch."""
    selector = f"{LABEL_LAUNCH}={key.digest}"
    found = await api.client.list(WORKSPACES, api.settings.k8s_namespace, label_selector=selector)
    return next((item for item in found["items"] if key.made(item)), None)


async def _create(
    api: Services, who: Actor, decision: Decision, base: str, job: Job, key: LaunchKey | None
) -> tuple[str, Json]:
    """The first free name of a few. Raises Conflict when none was."""
    for attempt in range(ATTEMPTS):
        name = key.name(base, attempt) if key else with_suffix(base)
        plan = _plan(api, who, name, job, decision.rule)
        api.audit.allowed(who, Action.LAUNCH, name, decision, sorted(job.spec.model_fields_set))
        try:
            return name, await _create_both(api, plan, key)
        except Conflict as error:
            api.audit.failed(who, Action.LAUNCH, name, decision, error)
            if error.reason != "AlreadyExists":
                raise
        except GuildNetError as error:
            api.audit.failed(who, Action.LAUNCH, name, decision, error)
            raise
    raise Conflict(f"No free name like {base}-xxxxx was found; give another name.", code="name_taken")


async def _require_place(api: Services, who: Actor, decision: Decision, created: Json) -> None:
    """Raises Conflict where the operator has no place for what was made, after deleting it: others were first."""
    made = workspace.parse(created)
    if await api.admission.refused(made) is None:
        return
    error = limit_reached("launch", made.name, api.admission.limit_of(made))
    with suppress(NotFound):
        await api.client.delete(WORKSPACES, api.settings.k8s_namespace, made.name, uid=made.uid)
    api.audit.failed(who, Action.LAUNCH, made.name, decision, error)
    raise error


def _plan(api: Services, who: Actor, name: str, job: Job, rule: str = "") -> manifests.LaunchPlan:
    """`rule` is the one that allows the launch; "" where only the Secret is wanted."""
    namespace, owner = api.settings.k8s_namespace, who.identity.subject
    return manifests.launch_plan(
        job.spec, name=name, namespace=namespace, owner=owner, rule=rule, marks=who.marks, volume=job.volume
    )


async def _create_both(api: Services, plan: manifests.LaunchPlan, key: LaunchKey | None) -> Json:
    """The Workspace, then the Secret it owns: without an owner nobody would ever remove it."""
    created, ours = await _create_once(api, plan, key)
    try:
        await _create_secret(api, plan, created, repeated=key is not None)
    except BaseException:
        if ours:
            meta = created["metadata"]
            await api.client.delete(WORKSPACES, api.settings.k8s_namespace, meta["name"], uid=meta["uid"])
        raise
    return created


async def _create_secret(api: Services, plan: manifests.LaunchPlan, workspace: Json, *, repeated: bool) -> None:
    """The Secret that the workspace's env refers to; of a launch that may be a repeat it may be there."""
    env = workspace["spec"].get("env") or ()
    named = {((item.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name") for item in env}
    if plan.secret_name not in named or not plan.secret_values:
        return
    body = manifests.secret(plan.secret_name, plan.secret_values, workspace)
    try:
        await api.client.create(SECRETS, api.settings.k8s_namespace, body, field_manager=FIELD_MANAGER_API)
    except Conflict as error:
        if not repeated or error.reason != "AlreadyExists":
            raise


async def _create_once(api: Services, plan: manifests.LaunchPlan, key: LaunchKey | None) -> tuple[Json, bool]:
    """The Workspace and whether it was made here: with a key, another launch may have been quicker. Raises Conflict."""
    namespace = api.settings.k8s_namespace
    wanted = key.marked(plan.workspace) if key else plan.workspace
    try:
        return await api.client.create(WORKSPACES, namespace, wanted, field_manager=FIELD_MANAGER_API), True
    except Conflict as error:
        if key is None or error.reason != "AlreadyExists":
            raise
        known = await api.client.get(WORKSPACES, namespace, wanted["metadata"]["name"])
        if not key.made(known):
            raise
        return known, False
