"""From a job to the objects that make it true, and from a patch to the merge patch of a Workspace: pure.

Secret-looking env values never enter a Workspace: they go into a Secret of their own, which the Workspace owns and its
env refers to.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guildnet.names import ANNOTATION_OWNER, API_VERSION, LABEL_ID, LABEL_MANAGED
from guildnet.workspace.ports import default_ports
from guildnet_api.workspaces.secrets import MASK, is_secret
from guildnet_api.workspaces.spec import Expose, JobPatch, JobSpec, Resources


@dataclass(frozen=True, slots=True)
class Plan:
    """A Workspace to create, and the secret values that its env refers to (none: no Secret is made)."""

    workspace: Mapping[str, Any]
    secret_name: str
    secret_values: Mapping[str, str]


def plan(job: JobSpec, *, name: str, namespace: str, owner: str) -> Plan:
    env = job.env or {}
    secret_name = f"{name}-env"
    return Plan(
        workspace={
            "apiVersion": API_VERSION,
            "kind": "Workspace",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {**(job.labels or {}), LABEL_MANAGED: "true", LABEL_ID: name},
                "annotations": {ANNOTATION_OWNER: owner},
            },
            "spec": _without_none(
                {
                    "image": job.image,
                    "command": job.command,
                    "args": job.args,
                    "env": [_variable(key, value, secret_name) for key, value in env.items()] or None,
                    "ports": _ports(job.expose),
                    "resources": _resources(job.resources),
                    "storage": {"size": job.storage.size} if job.storage else None,
                    "presetsRef": job.presetsRef,
                    "notes": job.notes,
                }
            ),
        },
        secret_name=secret_name,
        secret_values={key: value for key, value in env.items() if is_secret(key)},
    )


def ports(job: JobSpec) -> tuple[int, ...]:
    """The numbers of the ports that the workspace will have; a Capability may limit them."""
    return port_numbers(job.image, [port.port for port in job.expose or ()])


def port_numbers(image: str, given: Sequence[int]) -> tuple[int, ...]:
    """The given ports, or those the operator opens for an image where none is given."""
    return tuple(given) or tuple(port.container_port for port in default_ports(image))


def secret(plan_name: str, values: Mapping[str, str], workspace: Mapping[str, Any]) -> dict[str, Any]:
    """The Secret of these values, gone when its Workspace (the object as created) goes."""
    meta = workspace["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": plan_name,
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
    """A merge patch of a Workspace, and the new secret values it refers to."""

    body: Mapping[str, Any]
    secret_name: str
    secret_values: Mapping[str, str]


def change(patch: JobPatch, raw: Mapping[str, Any], secret_name: str) -> Change:
    """What the patch does to the Workspace `raw`; the result holds only while that resource version does."""
    sent = patch.model_fields_set
    old_env = raw["spec"].get("env", [])
    env = {key: value for key, value in (patch.env or {}).items() if value != MASK}
    spec: dict[str, Any] = {
        name: getattr(patch, name) for name in ("image", "command", "args", "notes") if name in sent
    }
    if "expose" in sent:
        spec["ports"] = _ports(patch.expose, raw["spec"].get("ports", ()))
    if "resources" in sent:
        spec["resources"] = _resources(patch.resources)
    if "storage" in sent:
        spec["storage"] = {"size": patch.storage.size} if patch.storage else None
    if "env" in sent:
        spec["env"] = _merged_env(old_env, env, secret_name) if patch.env is not None else None
    meta: dict[str, Any] = {"resourceVersion": raw["metadata"]["resourceVersion"], "uid": raw["metadata"]["uid"]}
    if "labels" in sent and patch.labels is not None:
        meta["labels"] = dict(patch.labels)
    return Change(
        body={"metadata": meta, **({"spec": spec} if spec else {})},
        secret_name=secret_name,
        secret_values={key: value for key, value in env.items() if value is not None and is_secret(key)},
    )


def _merged_env(old: list[dict[str, Any]], new: Mapping[str, str | None], secret_name: str) -> list[dict[str, Any]]:
    """Key by key: order kept, null takes away, a new key comes last."""
    kept = [item for item in old if item["name"] not in new]
    return [*kept, *(_variable(key, value, secret_name) for key, value in new.items() if value is not None)]


def _variable(name: str, value: str, secret_name: str) -> dict[str, Any]:
    if is_secret(name):
        return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_name, "key": name}}}
    return {"name": name, "value": value}


def _ports(ports: list[Expose] | None, old: Any = ()) -> list[dict[str, Any]] | None:
    """The path mode of a port that stays is kept: it belongs to the program behind it."""
    if ports is None:
        return None
    modes = {item["containerPort"]: item.get("pathMode") for item in old}
    return [
        _without_none(
            {
                "containerPort": port.port,
                "name": port.given_name,
                "protocol": "TCP",
                "pathMode": port.pathMode or modes.get(port.port),
            }
        )
        for port in ports
    ]


def _resources(resources: Resources | None) -> dict[str, Any] | None:
    """Both are asked for; memory is the limit too, since it cannot be taken back, and CPU is not, since it can."""
    if resources is None:
        return None
    asked = _without_none({"cpu": resources.cpu, "memory": resources.memory})
    limits = _without_none({"memory": resources.memory})
    return {"requests": asked, **({"limits": limits} if limits else {})} if asked else None


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
