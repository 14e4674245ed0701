"""Manifests: a `Plan` as Kubernetes objects. Pure; each builder is one expression that reads like its manifest.

Nothing version-dependent goes into the pod template: an upgrade of the operator must not restart a running workspace.
Fields that would be empty are left out, because the API server drops them and a comparison would find them missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from guildnet.names import (
    ANNOTATION_HASH,
    ANNOTATION_OWNER,
    ANNOTATION_RESTARTED_AT,
    ANNOTATION_SETTINGS,
    ANNOTATION_TEMPLATE,
    API_VERSION,
    LABEL_ID,
    LABEL_MANAGED,
    LABEL_WORKSPACE,
    LABEL_WORKSPACE_UID,
    exposure_policy_name,
)
from guildnet.workspace import EnvVar
from guildnet_operator.plan import extras
from guildnet_operator.plan.plan import Plan, ProbePlan, ServedPort, Timing

Manifest = dict[str, Any]

CONTAINER: Final = "workspace"
"""Name of the container that runs the workspace's image."""
VOLUME: Final = "storage"
ANNOTATION_CLAIM_OF: Final = LABEL_WORKSPACE_UID
"""On a claim: whose it is, which on a retained one is said by no owner reference. One that a deleted Workspace left is
found again by the next of its name and owner (`guildnet.io/owner`); set this to another's uid to hand it over."""
USER_ID: Final = 1000


def desired(plan: Plan) -> tuple[Manifest, ...]:
    """Every child but the password Secret, which is made once and never compared; each with its hash annotation."""
    children = (
        persistent_volume_claim(plan),
        deployment(plan),
        service(plan),
        ingress(plan),
        network_policy(plan),
    )
    return tuple(_with_hash(child) for child in children if child is not None)


def owner_reference(plan: Plan) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "Workspace",
        "name": plan.name,
        "uid": plan.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def deployment(plan: Plan) -> Manifest:
    template = pod_template(plan)
    made_by = {ANNOTATION_SETTINGS: plan.settings, ANNOTATION_TEMPLATE: fingerprint(template)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(plan, plan.name, annotations=made_by),
        "spec": {
            "replicas": plan.replicas,
            "revisionHistoryLimit": 2,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": _selector(plan)},
            "template": template,
        },
    }


def pod_template(plan: Plan) -> Manifest:
    installs = extras.read(plan.extras)
    return {
        "metadata": _some(
            labels={**installs.get("labels", {}), **labels(plan), LABEL_WORKSPACE_UID: plan.uid},
            annotations={**installs.get("annotations", {}), **_some(**{ANNOTATION_RESTARTED_AT: plan.restarted_at})},
        ),
        "spec": pod_spec(plan),
    }


def template_hash(plan: Plan) -> str:
    """The hash of the pod template, as the Deployment carries it."""
    return fingerprint(pod_template(plan))


def pod_spec(plan: Plan) -> Manifest:
    installs = extras.read(plan.extras)
    storage = [{"name": VOLUME, "persistentVolumeClaim": {"claimName": plan.claim.name}}] if plan.claim else []
    tolerations = [*(_tolerations() if plan.tolerate_control_plane else ()), *installs.get("tolerations", ())]
    return _some(
        automountServiceAccountToken=False,
        enableServiceLinks=False,
        securityContext={
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        containers=[container(plan)],
        volumes=[*storage, *extras.volumes(installs, plan.ca_configmap)],
        imagePullSecrets=[{"name": plan.pull_secret}] if plan.pull_secret else None,
        tolerations=tolerations,
        **extras.pod_fields(installs),
    )


def container(plan: Plan) -> Manifest:
    installs = extras.read(plan.extras)
    storage = [{"name": VOLUME, "mountPath": plan.claim.mount_path}] if plan.claim else []
    taken = [item.name for item in plan.env]
    return _some(
        name=CONTAINER,
        image=plan.image,
        command=list(plan.command),
        args=list(plan.args),
        env=[*(_env(item) for item in plan.env), *extras.env(installs, plan.ca_configmap, taken)],
        ports=[_container_port(port) for port in plan.ports],
        resources=_some(requests=dict(plan.requests), limits=dict(plan.limits)),
        securityContext={
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        volumeMounts=[*storage, *extras.volume_mounts(installs, plan.ca_configmap)],
        startupProbe=_probe(plan.probe, plan.probe.startup) if plan.probe else None,
        readinessProbe=_probe(plan.probe, plan.probe.readiness) if plan.probe else None,
        livenessProbe=_probe(plan.probe, plan.probe.liveness) if plan.probe else None,
    )


def service(plan: Plan) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(plan, plan.name, annotations=plan.reach.service_annotations),
        "spec": {
            "type": plan.reach.service_type,
            "publishNotReadyAddresses": False,
            "selector": _selector(plan),
            "ports": [
                {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
                for port in plan.ports
            ],
        },
    }


def persistent_volume_claim(plan: Plan) -> Manifest | None:
    claim = plan.claim
    if claim is None:
        return None
    whose = _some(**{ANNOTATION_CLAIM_OF: plan.uid, ANNOTATION_OWNER: plan.owner})
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(plan, claim.name, owned=not claim.retain, annotations=whose),
        "spec": _some(
            accessModes=["ReadWriteOnce"],
            storageClassName=claim.storage_class,
            resources={"requests": {"storage": claim.size}},
        ),
    }


def ingress(plan: Plan) -> Manifest | None:
    rule = plan.reach.ingress
    if rule is None:
        return None
    backend = {"service": {"name": plan.name, "port": {"number": plan.main_port.number}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _metadata(plan, plan.name, annotations=rule.annotations),
        "spec": _some(
            ingressClassName=rule.class_name,
            tls=[{"hosts": [rule.host], "secretName": rule.tls_secret}] if rule.tls_secret else None,
            rules=[
                {
                    "host": rule.host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        ),
    }


def network_policy(plan: Plan) -> Manifest | None:
    """Lets in who comes past the proxy, on the ports that are exposed; the chart's policies let in the proxy alone."""
    reach = plan.reach
    if reach.admits is None:
        return None
    exposed = plan.ports if reach.ingress is None else plan.ports[:1]
    senders = [_namespace(name) for name in reach.admits]
    if reach.ingress is not None and not senders:
        senders = [{"namespaceSelector": {}}]
    ports = [{"port": port.number, "protocol": port.protocol} for port in exposed]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(plan, exposure_policy_name(plan.name)),
        "spec": {
            "podSelector": {"matchLabels": _selector(plan)},
            "policyTypes": ["Ingress"],
            "ingress": [_some(**{"from": senders, "ports": ports})],
        },
    }


def _namespace(name: str) -> Manifest:
    # The API server sets this label on every namespace.
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def password_secret(plan: Plan, values: Mapping[str, str]) -> Manifest:
    """The Secret behind the password or the token. Created only: it is never compared, written again or read."""
    assert plan.password_secret is not None  # noqa: S101  asked for only where the decision names one
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(plan, plan.password_secret),
        "type": "Opaque",
        "stringData": dict(values),
    }


def labels(plan: Plan) -> dict[str, str]:
    return {
        LABEL_MANAGED: "true",
        LABEL_ID: plan.name,
        LABEL_WORKSPACE: plan.name,
        "app.kubernetes.io/name": "workspace",
        "app.kubernetes.io/instance": plan.name,
        "app.kubernetes.io/part-of": "guildnet",
        "app.kubernetes.io/managed-by": "guildnet-operator",
    }


def _selector(plan: Plan) -> dict[str, str]:
    return {LABEL_MANAGED: "true", LABEL_WORKSPACE: plan.name, LABEL_WORKSPACE_UID: plan.uid}


def _metadata(plan: Plan, name: str, *, owned: bool = True, annotations: Mapping[str, str] | None = None) -> Manifest:
    return _some(
        name=name,
        namespace=plan.namespace,
        labels=labels(plan),
        annotations=dict(annotations or {}),
        ownerReferences=[owner_reference(plan)] if owned else None,
    )


def _env(item: EnvVar) -> Manifest:
    return {
        "name": item.name,
        **({"valueFrom": dict(item.value_from)} if item.value_from else {"value": item.value or ""}),
    }


def _container_port(port: ServedPort) -> Manifest:
    return {"name": port.name, "containerPort": port.number, "protocol": port.protocol}


def _probe(probe: ProbePlan, timing: Timing) -> Manifest:
    http = {"path": probe.path, "port": probe.port, "scheme": probe.scheme.upper()}
    return {
        **({"httpGet": http} if probe.type == "http" else {"tcpSocket": {"port": probe.port}}),
        **({"initialDelaySeconds": timing.initial} if timing.initial else {}),
        "periodSeconds": timing.period,
        "timeoutSeconds": timing.timeout,
        "failureThreshold": timing.failures,
    }


def _tolerations() -> list[Manifest]:
    return [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}]


def _some(**fields: Any) -> Manifest:
    """The fields that say something: None and empty texts, lists and maps are left out, False and 0 are not."""
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """A short hash of a desired object, carried as an annotation: a change shows even where values look alike."""
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _with_hash(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION_HASH: fingerprint(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}
