"""From the values of a Workspace to its wire form: what is None or empty is left out, so a patch says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guildnet.workspace.model import (
    Condition,
    EnvVar,
    Exposure,
    Origin,
    Port,
    Probe,
    Resources,
    Storage,
    WorkspaceSpec,
    WorkspaceStatus,
)


def to_wire(spec: WorkspaceSpec) -> dict[str, Any]:
    """The `spec` of a Workspace as JSON; `running` is always said, everything else only where it is set."""
    return _said(
        {
            "image": spec.image,
            "command": list(spec.command),
            "args": list(spec.args),
            "env": [_env(item) for item in spec.env],
            "ports": [_port(item) for item in spec.ports],
            "resources": _resources(spec.resources),
            "exposure": _exposure(spec.exposure),
            "storage": _storage(spec.storage),
            "probe": _probe(spec.probe),
            "presetsRef": spec.presets_ref,
            "notes": spec.notes,
        }
    ) | {"running": spec.running}


def status_to_wire(status: WorkspaceStatus) -> dict[str, Any]:
    """The whole `status` as JSON with every key present: null where unset, so that a merge patch removes what is gone.

    Conditions are a list to a merge patch: they are replaced as a whole.
    """
    origin = status.origin
    return {
        "observedGeneration": status.observed_generation,
        "phase": None if status.phase is None else status.phase.value,
        "readyReplicas": status.ready_replicas,
        "serviceDNS": status.service_dns,
        "serviceIP": status.service_ip,
        "serviceUID": status.service_uid,
        "externalURL": status.external_url,
        "url": status.url,
        "proxyTarget": status.proxy_target,
        "origin": None if origin is None else _origin(origin),
        "node": status.node,
        "podName": status.pod_name,
        "restarts": status.restarts,
        "startupSeconds": status.startup_seconds,
        "lastError": status.last_error,
        "files": status.files,
        "conditions": [_condition(item) for item in status.conditions],
    }


def _origin(origin: Origin) -> dict[str, Any]:
    ports = [{"containerPort": item.container_port, "port": item.port} for item in origin.ports]
    return {"port": origin.port, "host": origin.host, "ports": ports or None}


def _env(item: EnvVar) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": item.name}
    # An empty value is a value: FOO="" is not the same as no FOO.
    if item.value is not None:
        wire["value"] = item.value
    if item.value_from is not None:
        wire["valueFrom"] = dict(item.value_from)
    return wire


def _port(item: Port) -> dict[str, Any]:
    return _said(
        {
            "containerPort": item.container_port,
            "name": item.name,
            "protocol": item.protocol,
            "pathMode": item.path_mode,
        }
    )


def _resources(resources: Resources) -> dict[str, Any]:
    return _said({"requests": dict(resources.requests), "limits": dict(resources.limits)})


def _exposure(exposure: Exposure | None) -> dict[str, Any] | None:
    if exposure is None:
        return None
    return _said(
        {
            "type": exposure.type,
            "domain": exposure.domain,
            "ingressClass": exposure.ingress_class,
            "tlsIssuer": exposure.tls_issuer,
        }
    )


def _storage(storage: Storage | None) -> dict[str, Any] | None:
    if storage is None:
        return None
    return _said(
        {
            "size": storage.size,
            "storageClassName": storage.storage_class_name,
            "mountPath": storage.mount_path,
        }
    ) | {"retain": storage.retain}


def _probe(probe: Probe | None) -> dict[str, Any] | None:
    if probe is None:
        return None
    return _said(
        {
            "type": probe.type,
            "path": probe.path,
            "port": probe.port,
            "initialDelaySeconds": probe.initial_delay_seconds,
            "periodSeconds": probe.period_seconds,
            "timeoutSeconds": probe.timeout_seconds,
            "failureThreshold": probe.failure_threshold,
            "startupSeconds": probe.startup_seconds,
        }
    )


def _condition(item: Condition) -> dict[str, Any]:
    wire = _said(
        {
            "type": item.type,
            "status": item.status,
            "lastTransitionTime": item.last_transition_time,
            "observedGeneration": item.observed_generation,
        }
    )
    return wire | {"reason": item.reason, "message": item.message}


def _said(wire: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in wire.items() if value is not None and value not in ("", [], {})}
