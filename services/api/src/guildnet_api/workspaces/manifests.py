"""Manifests: a job as the objects to create, a patch as the merge patch of a Workspace. Pure.

Secret env values never enter a Workspace: they go into a Secret of their own, which the Workspace owns and its env
refers to.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from guildnet.names import (
    ANNOTATION_LAUNCH_RULE,
    ANNOTATION_OWNER,
    API_VERSION,
    LABEL_ID,
    LABEL_MANAGED,
)
from guildnet.sensitive import MASK
from guildnet.workspace import EnvVar, Exposure, Port, Resources, Storage, Workspace, WorkspaceSpec, replace, to_wire
from guildnet.workspace.ports import served_ports
from guildnet_api.workspaces import spec as wire
from guildnet_api.workspaces.secrets import is_kept_secret, refusal, unmasked_arguments
from guildnet_api.workspaces.spec import EnvValue, Expose, JobPatch, JobSpec

DEFAULT_PATH_MODE: Final = "Strip"
_WIRE_NAMES: Final = {"expose": "ports"}
"""Fields of a patch whose name in a Workspace is another one."""


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """A Workspace to create, and the secret values that its env refers to (none: no Secret is made)."""

    workspace: Mapping[str, Any]
    secret_name: str
    secret_values: Mapping[str, str]


def launch_plan(
    job: JobSpec,
    *,
    name: str,
    namespace: str,
    owner: str,
    rule: str,
    marks: Mapping[str, str],
    volume: Storage | None = None,
) -> LaunchPlan:
    """The objects of a launch; `owner` is the subject that launches it, `rule` the one that lets it.

    `marks` are annotations of every change, `volume` is what it gets for saying nothing of one.
    """
    secret_name = f"{name}-env"
    return LaunchPlan(
        workspace={
            "apiVersion": API_VERSION,
            "kind": "Workspace",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {**(job.labels or {}), LABEL_MANAGED: "true", LABEL_ID: name},
                "annotations": {
                    ANNOTATION_OWNER: owner,
                    ANNOTATION_LAUNCH_RULE: rule,
                    **marks,
                },
            },
            "spec": to_wire(_spec(job, secret_name, volume)),
        },
        secret_name=secret_name,
        secret_values=_secret_values(job.env or {}),
    )


def port_numbers(job: JobSpec) -> tuple[int, ...]:
    """The ports the workspace will serve: a Capability may limit them."""
    return tuple(port.container_port for port in served_ports(_spec(job, "")))


def _spec(job: JobSpec, secret_name: str, volume: Storage | None = None) -> WorkspaceSpec:
    return WorkspaceSpec(
        image=job.image,
        command=tuple(job.command or ()),
        args=tuple(job.args or ()),
        env=tuple(_variable(key, value, secret_name) for key, value in (job.env or {}).items()),
        ports=_ports(job.expose or ()),
        resources=_resources(job.resources),
        exposure=_exposure(job.exposure, None),
        storage=Storage(job.storage.size) if job.storage else volume,
        presets_ref=job.presetsRef,
        notes=job.notes,
    )


def secret(name: str, values: Mapping[str, str], workspace: Mapping[str, Any]) -> dict[str, Any]:
    """The Secret of these values, gone when its Workspace (the object as created) goes."""
    meta = workspace["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {LABEL_MANAGED: "true", LABEL_ID: meta["name"]},
            "ownerReferences": [
                {"apiVersion": API_VERSION, "kind": "Workspace", "name": meta["name"], "uid": meta["uid"]}
            ],
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


@dataclass(frozen=True, slots=True)
class Change:
    """A merge patch of a Workspace, the spec it leads to, and the new secret values it refers to.

    `unused` are names of Secrets that only the spec before referred to.
    """

    body: Mapping[str, Any]
    spec: WorkspaceSpec
    secret_name: str
    secret_values: Mapping[str, str]
    unused: Sequence[str] = ()


def change(patch: JobPatch, ws: Workspace, secret_name: str) -> Change:
    """What the patch does to this Workspace; it holds only while the resource version of `ws` does.

    Raises Invalid for a mask of a value that the Workspace does not have.
    """
    sent = patch.model_fields_set
    env = _changed_env(patch, ws.spec)
    changed = _changed(patch, ws.spec, env, secret_name)
    before, written = to_wire(ws.spec), to_wire(changed)
    fields = [_WIRE_NAMES.get(name, name) for name in JobPatch.model_fields if name in sent and name != "labels"]
    meta: dict[str, Any] = {"resourceVersion": ws.resource_version, "uid": ws.uid}
    if "labels" in sent and patch.labels is not None:
        meta["labels"] = dict(patch.labels)
    spec = {name: _difference(before.get(name), written.get(name)) for name in fields}
    return Change(
        body={"metadata": meta, **({"spec": spec} if spec else {})},
        spec=changed,
        secret_name=secret_name,
        secret_values=_secret_values({key: item for key, item in env.items() if item is not None}),
        unused=sorted(_secrets_of(ws.spec) - _secrets_of(changed)),
    )


def _difference(old: Any, new: Any) -> Any:
    """The merge patch that makes one of the other: null takes away, at every depth (RFC 7396)."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    gone = {key: None for key in old if key not in new}
    return {**gone, **{key: _difference(old.get(key), new[key]) for key in new}}


def _changed_env(patch: JobPatch, old: WorkspaceSpec) -> dict[str, EnvValue | None]:
    """The variables that change; one that was sent back masked does not."""
    sent = patch.env or {}
    masked = {key for key, item in sent.items() if item is not None and item.value == MASK}
    if unknown := masked.difference(item.name for item in old.env):
        raise refusal([f"env.{key}" for key in sorted(unknown)])
    return {key: item for key, item in sent.items() if key not in masked}


def _secrets_of(spec: WorkspaceSpec) -> set[str]:
    references = ((item.value_from or {}).get("secretKeyRef") for item in spec.env)
    return {str(reference["name"]) for reference in references if reference and "name" in reference}


def _secret_values(env: Mapping[str, EnvValue]) -> dict[str, str]:
    return {key: item.value for key, item in env.items() if is_kept_secret(key, item)}


def _changed(
    patch: JobPatch, old: WorkspaceSpec, env: Mapping[str, EnvValue | None], secret_name: str
) -> WorkspaceSpec:
    """The spec with every field that was sent in its new value."""
    values: dict[str, Any] = {
        "image": patch.image,
        "command": tuple(unmasked_arguments(patch.command or (), old.command, "command")),
        "args": tuple(unmasked_arguments(patch.args or (), old.args)),
        "notes": patch.notes,
        "ports": _ports(patch.expose or (), old.ports),
        "resources": _merged_resources(old.resources, patch.resources) if patch.resources else Resources(),
        "storage": _storage(patch.storage, old.storage),
        "exposure": _exposure(patch.exposure, old.exposure),
        "env": _merged_env(old.env, env, secret_name) if patch.env is not None else (),
    }
    sent = {_WIRE_NAMES.get(name, name) for name in patch.model_fields_set}
    return replace(old, **{name: value for name, value in values.items() if name in sent})


def _merged_env(old: Sequence[EnvVar], new: Mapping[str, EnvValue | None], secret_name: str) -> tuple[EnvVar, ...]:
    """Key by key: order kept, null takes away, a new key comes last."""
    kept = (item for item in old if item.name not in new)
    return (*kept, *(_variable(key, value, secret_name) for key, value in new.items() if value is not None))


def _variable(name: str, given: EnvValue, secret_name: str) -> EnvVar:
    if is_kept_secret(name, given):
        return EnvVar(name, value_from={"secretKeyRef": {"name": secret_name, "key": name}})
    return EnvVar(name, given.value)


def _ports(ports: Sequence[Expose], old: Sequence[Port] = ()) -> tuple[Port, ...]:
    """The path mode of a port that stays is kept: it belongs to the program behind it."""
    modes = {port.container_port: port.path_mode for port in old}
    return tuple(
        Port(port.port, port.given_name, path_mode=port.pathMode or modes.get(port.port, DEFAULT_PATH_MODE))
        for port in ports
    )


def _resources(resources: wire.Resources | None) -> Resources:
    """Both are requests; memory is the limit too, since it cannot be taken back, and CPU is not, since it can."""
    asked = {"cpu": resources.cpu, "memory": resources.memory} if resources else {}
    requests = {kind: amount for kind, amount in asked.items() if amount is not None}
    return Resources(requests, {kind: amount for kind, amount in requests.items() if kind == "memory"})


def _merged_resources(old: Resources, new: wire.Resources) -> Resources:
    """Kind by kind, as `_resources` would have them: what is not sent stays, null takes away, others are not ours."""
    sent = new.model_fields_set
    launched = _resources(new)
    requests = {kind: amount for kind, amount in old.requests.items() if kind not in sent}
    limits = {kind: amount for kind, amount in old.limits.items() if kind not in sent}
    return Resources({**requests, **launched.requests}, {**limits, **launched.limits})


def _storage(new: wire.Storage | None, old: Storage | None) -> Storage | None:
    if new is None:
        return None
    return replace(old, size=new.size) if old else Storage(new.size)


def _exposure(new: wire.Exposure | None, old: Exposure | None) -> Exposure | None:
    """Class and issuer, which only kubectl can say, stay with an Ingress."""
    if new is None:
        return None
    kept = old if old is not None and old.type == new.type else Exposure()
    return replace(kept, type=new.type, domain=new.domain)
