"""`desired`: a `Decided` as Kubernetes objects. Pure; each builder is one expression that reads like its manifest.

Nothing version-dependent goes into the pod template: an upgrade of the operator must not restart a running workspace.
Fields that would be empty are left out, because the API server drops them and a comparison would find them missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guildnet.names import (
    ANNOTATION_HASH,
    ANNOTATION_RESTARTED_AT,
    API_VERSION,
    LABEL_ID,
    LABEL_MANAGED,
    LABEL_WORKSPACE,
    LABEL_WORKSPACE_UID,
)
from guildnet.workspace import EnvVar
from guildnet_operator.plan.defaults import PASSWORD_KEY
from guildnet_operator.plan.plan import Check, Decided, ServedPort, Timing
from guildnet_operator.sync.diff import fingerprint
from guildnet_operator.watch.live import CONTAINER

Manifest = dict[str, Any]

VOLUME: Final = "storage"
ANNOTATION_CLAIM_OF: Final = LABEL_WORKSPACE_UID
"""On a retained claim in place of an owner reference: whose it is. Set it to another uid to hand the claim over."""
USER_ID: Final = 1000


def desired(decided: Decided) -> tuple[Manifest, ...]:
    """Every child but the password Secret, which is made once and never compared; each with its hash annotation."""
    children = (
        persistent_volume_claim(decided),
        deployment(decided),
        service(decided),
        ingress(decided),
    )
    return tuple(_with_hash(child) for child in children if child is not None)


def owner_reference(decided: Decided) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "Workspace",
        "name": decided.name,
        "uid": decided.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def deployment(decided: Decided) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(decided, decided.name),
        "spec": {
            "replicas": decided.replicas,
            "revisionHistoryLimit": 2,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": _selector(decided)},
            "template": {
                "metadata": _some(
                    labels={**labels(decided), LABEL_WORKSPACE_UID: decided.uid},
                    annotations=_some(**{ANNOTATION_RESTARTED_AT: decided.restarted_at}),
                ),
                "spec": pod_spec(decided),
            },
        },
    }


def pod_spec(decided: Decided) -> Manifest:
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
        containers=[container(decided)],
        volumes=[{"name": VOLUME, "persistentVolumeClaim": {"claimName": decided.claim.name}}]
        if decided.claim
        else None,
        imagePullSecrets=[{"name": decided.pull_secret}] if decided.pull_secret else None,
        tolerations=_tolerations() if decided.tolerate_control_plane else None,
    )


def container(decided: Decided) -> Manifest:
    return _some(
        name=CONTAINER,
        image=decided.image,
        command=list(decided.command),
        args=list(decided.args),
        env=[_env(item) for item in decided.env],
        ports=[_container_port(port) for port in decided.ports],
        resources=_some(requests=dict(decided.requests), limits=dict(decided.limits)),
        securityContext={
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        volumeMounts=[{"name": VOLUME, "mountPath": decided.claim.mount_path}] if decided.claim else None,
        startupProbe=_probe(decided.check, decided.check.startup) if decided.check else None,
        readinessProbe=_probe(decided.check, decided.check.readiness) if decided.check else None,
        livenessProbe=_probe(decided.check, decided.check.liveness) if decided.check else None,
    )


def service(decided: Decided) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(decided, decided.name, annotations=decided.reach.service_annotations),
        "spec": {
            "type": decided.reach.service_type,
            "publishNotReadyAddresses": False,
            "selector": _selector(decided),
            "ports": [
                {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
                for port in decided.ports
            ],
        },
    }


def persistent_volume_claim(decided: Decided) -> Manifest | None:
    claim = decided.claim
    if claim is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(
            decided, claim.name, owned=not claim.retain, annotations={ANNOTATION_CLAIM_OF: decided.uid}
        ),
        "spec": _some(
            accessModes=["ReadWriteOnce"],
            storageClassName=claim.storage_class,
            resources={"requests": {"storage": claim.size}},
        ),
    }


def ingress(decided: Decided) -> Manifest | None:
    rule = decided.reach.ingress
    if rule is None:
        return None
    backend = {"service": {"name": decided.name, "port": {"number": decided.main_port.number}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _metadata(decided, decided.name, annotations=rule.annotations),
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


def password_secret(decided: Decided, value: str) -> Manifest:
    """The Secret behind env PASSWORD. Created only: its value is never compared, written again or read."""
    assert decided.password_secret is not None  # noqa: S101 - asked for only where the decision names one
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(decided, decided.password_secret),
        "type": "Opaque",
        "stringData": {PASSWORD_KEY: value},
    }


def labels(decided: Decided) -> dict[str, str]:
    return {
        LABEL_MANAGED: "true",
        LABEL_ID: decided.name,
        LABEL_WORKSPACE: decided.name,
        "app.kubernetes.io/name": "workspace",
        "app.kubernetes.io/instance": decided.name,
        "app.kubernetes.io/part-of": "guildnet",
        "app.kubernetes.io/managed-by": "guildnet-operator",
    }


def _selector(decided: Decided) -> dict[str, str]:
    return {LABEL_MANAGED: "true", LABEL_WORKSPACE: decided.name, LABEL_WORKSPACE_UID: decided.uid}


def _metadata(
    decided: Decided, name: str, *, owned: bool = True, annotations: Mapping[str, str] | None = None
) -> Manifest:
    return _some(
        name=name,
        namespace=decided.namespace,
        labels=labels(decided),
        annotations=dict(annotations or {}),
        ownerReferences=[owner_reference(decided)] if owned else None,
    )


def _env(item: EnvVar) -> Manifest:
    return {
        "name": item.name,
        **({"valueFrom": dict(item.value_from)} if item.value_from else {"value": item.value or ""}),
    }


def _container_port(port: ServedPort) -> Manifest:
    return {"name": port.name, "containerPort": port.number, "protocol": port.protocol}


def _probe(check: Check, timing: Timing) -> Manifest:
    http = {"path": check.path, "port": check.port, "scheme": check.scheme.upper()}
    return {
        **({"httpGet": http} if check.type == "http" else {"tcpSocket": {"port": check.port}}),
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


def _with_hash(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION_HASH: fingerprint(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}
