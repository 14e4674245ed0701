"""The cluster's storage: local-path-provisioner and a default class, whose volumes are our directories. Values only.

They go with the cluster. What is inside is every workspace's own, so each is writable by everyone on this one node: a
volume of this kind takes no group from its pod.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAMESPACE = "local-path-storage"
NAME = "local-path-provisioner"
CLASS = "local-path"
PROVISIONER = "rancher.io/local-path"
LABELS = {"app": NAME}
_OBJECT = {"name": NAME, "labels": LABELS}
_EVERYWHERE = "DEFAULT_PATH_FOR_NON_LISTED_NODES"
_SETUP = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
_TEARDOWN = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'


def manifests(image: str, helper_image: str, directory: Path) -> list[dict[str, Any]]:
    """Everything that storage needs, in the order to apply it; volumes are made in `directory` of the node."""
    namespaced = {**_OBJECT, "namespace": NAMESPACE}
    role, subject = "rbac.authorization.k8s.io", {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    bound = {"subjects": [subject]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": LABELS}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": namespaced},
        {"apiVersion": f"{role}/v1", "kind": "ClusterRole", "metadata": _OBJECT, "rules": _RULES},
        {"apiVersion": f"{role}/v1", "kind": "ClusterRoleBinding", "metadata": _OBJECT, **bound,
         "roleRef": {"apiGroup": role, "kind": "ClusterRole", "name": NAME}},
        {"apiVersion": f"{role}/v1", "kind": "Role", "metadata": namespaced, "rules": _OWN_RULES},
        {"apiVersion": f"{role}/v1", "kind": "RoleBinding", "metadata": namespaced, **bound,
         "roleRef": {"apiGroup": role, "kind": "Role", "name": NAME}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": namespaced,
         "data": _configuration(helper_image, directory)},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": namespaced, "spec": {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": _pod(image, helper_image)},
        }},
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
         "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
         "provisioner": PROVISIONER, "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Delete"},
    ]  # fmt: skip


_READ = ["get", "list", "watch"]
_WRITE = [*_READ, "create", "patch", "update", "delete"]
_RULES = [
    {"apiGroups": [""], "resources": ["nodes", "configmaps", "pods", "pods/log"], "verbs": _READ},
    {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": _READ},
    {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": _WRITE},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": _READ},
]  # fmt: skip
_OWN_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": _WRITE}]


def _configuration(helper_image: str, directory: Path) -> dict[str, str]:
    helper = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod"},
        "spec": {
            "containers": [{"name": "helper-pod", "image": helper_image, "imagePullPolicy": "IfNotPresent"}],
        },
    }
    return {
        "config.json": json.dumps({"nodePathMap": [{"node": _EVERYWHERE, "paths": [str(directory)]}]}),
        "setup": _SETUP,
        "teardown": _TEARDOWN,
        "helperPod.yaml": json.dumps(helper),
    }


def _pod(image: str, helper_image: str) -> dict[str, Any]:
    return {
        "serviceAccountName": NAME,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": NAME,
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "args": [
                    "start",
                    "--config=/etc/config/config.json",
                    f"--configmap-name={NAME}",
                    f"--helper-image={helper_image}",
                ],
                "env": [
                    {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                    {"name": "SERVICE_ACCOUNT_NAME", "value": NAME},
                    {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"},
                ],
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": True}],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }
