"""The state of a namespace without what differs between two runs that did the same: uids, times, addresses, ports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from guildnet.kube.client import Client
from guildnet.kube.resources import (
    DEPLOYMENTS,
    INGRESSES,
    NETWORKPOLICIES,
    PODS,
    PVCS,
    SECRETS,
    SERVICES,
    WORKSPACES,
    Resource,
)
from guildnet.names import ANNOTATION_HASH, ANNOTATION_TEMPLATE, FIELD_MANAGER_OPERATOR

State = dict[str, Any]
KINDS: tuple[Resource, ...] = (WORKSPACES, DEPLOYMENTS, SERVICES, PVCS, SECRETS, INGRESSES, NETWORKPOLICIES)
_METADATA = ("name", "labels", "annotations", "ownerReferences", "finalizers", "generation", "deletionTimestamp")
_PORT = re.compile(r"(?<=:)2\d{4}\b")
"""A port of an address: other numbers are compared."""
_UID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_ADDRESS = re.compile(r"\b10\.96\.\d+\.\d+\b")


async def state(kube: Client, namespace: str) -> State:
    """Every object of the kinds, by `Kind/name`, and the pods of each workspace as a count."""
    found = {}
    for resource in KINDS:
        for item in (await kube.list(resource, namespace))["items"]:
            found[f"{resource.kind}/{item['metadata']['name']}"] = item
    uids = {item["metadata"]["uid"]: key for key, item in found.items()}
    plain: State = {key: _plain(item) for key, item in found.items()}
    pods = (await kube.list(PODS, namespace))["items"]
    for item in plain.values():
        if "podName" in item["status"]:
            item["status"]["podName"] = _whose(item["status"]["podName"], pods)
    plain["pods"] = sorted(pod["metadata"]["labels"]["guildnet.io/workspace"] for pod in pods)
    text = json.dumps(plain, sort_keys=True).replace(namespace, "NAMESPACE")
    for uid, key in uids.items():
        text = text.replace(uid, f"uid of {key}").replace(uid[:8], f"uid8 of {key}")
    text = _UID.sub("uid of what is gone", text)
    normal: State = json.loads(_ADDRESS.sub("ADDRESS", _PORT.sub("PORT", text)))
    return normal


def _whose(name: str, pods: Sequence[Mapping[str, Any]]) -> str:
    """The workspace of the pod of this name, which has chance in it."""
    owners = [pod["metadata"]["labels"]["guildnet.io/workspace"] for pod in pods if pod["metadata"]["name"] == name]
    return f"a pod of {owners[0]}" if owners else "a pod that is not there"


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = item["metadata"]
    kept = {key: metadata[key] for key in _METADATA if key in metadata}
    # It is made of the uid, too.
    hashes = (ANNOTATION_HASH, ANNOTATION_TEMPLATE)
    kept["annotations"] = {k: v for k, v in (kept.get("annotations") or {}).items() if k not in hashes}
    kept["managed"] = sorted(
        f"{entry['operation']} {entry.get('subresource', '')}"
        for entry in metadata.get("managedFields") or ()
        if entry["manager"] == FIELD_MANAGER_OPERATOR
    )
    rest = {key: value for key, value in item.items() if key not in ("metadata", "data", "status")}
    return {"metadata": kept, **rest, "data": sorted(item.get("data") or ()), "status": _status(item)}


def _status(item: Mapping[str, Any]) -> dict[str, Any]:
    status = dict(item.get("status") or {})
    origin = status.get("origin")
    if origin:
        status["origin"] = {**origin, "port": "PORT"}
    if "replicas" in (item.get("spec") or {}):
        status.pop("conditions", None)  # the Deployment controller's: its words have names and times
        status.pop("terminatingReplicas", None)
        status.pop("collisionCount", None)  # whether the ReplicaSet of a deleted Deployment was still there
    status.pop("startupSeconds", None)  # a time
    if "conditions" in status:
        status["conditions"] = [
            {key: value for key, value in condition.items() if key != "lastTransitionTime"}
            for condition in status["conditions"]
        ]
    return status


def differences(one: State, other: State) -> list[str]:
    """Where two states differ, one line each."""
    found: list[str] = []
    _compare("", one, other, found)
    return found


def _compare(path: str, one: Any, other: Any, found: list[str]) -> None:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            _compare(f"{path}.{key}", one.get(key), other.get(key), found)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            _compare(f"{path}[{index}]", left, right, found)
    elif one != other:
        found.append(f"{path.lstrip('.')}: expected {one!r}, found {other!r}")
