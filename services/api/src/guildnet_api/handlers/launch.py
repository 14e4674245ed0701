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
from guildnet.names import ATTEMPTS, FIELD_MANAGER_API, LABEL_MANAGED, base_name, with_suffix
from guildnet.workspace import Storage
from guildnet_api.access.admission import limit_reached
from guildnet_api.access.audit import Actor
from guildnet_api.deps import Services, actor
from guildnet_api.http.params import json_response, read_body
from guildnet_api.workspaces import manifests, presets
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
        name, created = await _create(api, who, decision, base, Job(job, volume))
        await api.watches.wait_for(name, created["metadata"]["resourceVersion"])
    await _require_place(api, who, decision, created)
    return json_response({"id": name, "status": "pending"}, 202, {"Location": f"/api/servers/{name}"})


async def _create(api: Services, who: Actor, decision: Decision, base: str, job: Job) -> tuple[str, Json]:
    """The first free name of a few. Raises Conflict when none was."""
    namespace, owner = api.settings.k8s_namespace, who.identity.subject
    for _ in range(ATTEMPTS):
        name = with_suffix(base)
        plan = manifests.launch_plan(
            job.spec, name=name, namespace=namespace, owner=owner, rule=decision.rule, volume=job.volume
        )
        api.audit.allowed(who, Action.LAUNCH, name, decision, sorted(job.spec.model_fields_set))
        try:
            return name, await _create_both(api, plan)
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


async def _create_both(api: Services, plan: manifests.LaunchPlan) -> Json:
    """The Workspace, then the Secret it owns: without an owner nobody would ever remove it."""
    namespace = api.settings.k8s_namespace
    created = await api.client.create(WORKSPACES, namespace, plan.workspace, field_manager=FIELD_MANAGER_API)
    if plan.secret_values:
        body = manifests.secret(plan.secret_name, plan.secret_values, created)
        try:
            await api.client.create(SECRETS, namespace, body, field_manager=FIELD_MANAGER_API)
        except BaseException:
            meta = created["metadata"]
            await api.client.delete(WORKSPACES, namespace, meta["name"], uid=meta["uid"])
            raise
    return created
