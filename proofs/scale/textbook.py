"""An operator for Workspaces as kopf's documentation teaches it, for comparison: `kopf run textbook.py -n NAMESPACE`.

Create and update handlers make adopted children with the official client; an event handler brings the Deployment's
readiness into the Workspace's status. Nothing is left out that kopf does by itself, and nothing is made slower.
"""

from __future__ import annotations

from typing import Any

import kopf
import kubernetes

GROUP, VERSION, PLURAL = "guildnet.io", "v1alpha1", "workspaces"
LABEL = "example.com/textbook"


def _children(name: str, spec: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    labels = {LABEL: name}
    ports = [{"containerPort": item["containerPort"]} for item in spec.get("ports") or [{"containerPort": 8080}]]
    env = [{"name": item["name"], "value": item.get("value", "")} for item in spec.get("env") or ()]
    container = {"name": "workspace", "image": spec["image"], "ports": ports, "env": env}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {"selector": labels, "ports": [{"port": item["containerPort"]} for item in ports]},
    }
    return deployment, service


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.posting.level = 30  # logging of every handler as an Event is the first thing people turn off


@kopf.on.create(GROUP, VERSION, PLURAL)
def create(name: str, namespace: str, spec: Any, **_: Any) -> None:
    deployment, service = _children(name, spec)
    kopf.adopt([deployment, service])
    kubernetes.client.AppsV1Api().create_namespaced_deployment(namespace, deployment)
    kubernetes.client.CoreV1Api().create_namespaced_service(namespace, service)


@kopf.on.update(GROUP, VERSION, PLURAL, field="spec")
def update(name: str, namespace: str, spec: Any, **_: Any) -> None:
    deployment, service = _children(name, spec)
    kubernetes.client.AppsV1Api().patch_namespaced_deployment(name, namespace, deployment)
    kubernetes.client.CoreV1Api().patch_namespaced_service(name, namespace, service)


@kopf.on.event("apps", "v1", "deployments", labels={LABEL: kopf.PRESENT})
def ready(name: str, namespace: str, status: Any, meta: Any, **_: Any) -> None:
    if not status.get("readyReplicas"):
        return
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "",
        "lastTransitionTime": meta["creationTimestamp"],
    }
    body = {"status": {"phase": "Running", "conditions": [condition]}}
    kubernetes.client.CustomObjectsApi().patch_namespaced_custom_object_status(
        GROUP, VERSION, namespace, PLURAL, name, body
    )
