"""Every value of the chart under `workspaces`, another one for each, and what the operator is told then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import yaml

from support.chart import CHART

OTHER: Final[Mapping[str, Any]] = {
    "elsewhere": "Deny",
    "plainSecrets": "Warn",
    "namespace": "elsewhere",
    "createNamespace": False,
    "namespaceLabels": {"team": "research"},
    "namespaceAnnotations": {"note": "x"},
    "podSecurity": "baseline",
    "storage.default.mode": "off",
    "storage.default.size": "1Gi",
    "storage.default.className": "fast",
    "storage.default.mountPath": "/data",
    "pod.nodeSelector": {"pool": "workspaces"},
    "pod.tolerations": [{"key": "workspaces", "operator": "Exists"}],
    "pod.affinity": {"nodeAffinity": {}},
    "pod.topologySpread": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "pod.priorityClassName": "system-node-critical",
    "pod.runtimeClassName": "gvisor",
    "pod.hostUsers": False,
    "pod.terminationGracePeriodSeconds": 60,
    "pod.labels": {"team": "research"},
    "pod.annotations": {"note": "x"},
    "pod.env": [{"name": "TZ", "value": "UTC"}],
    "pod.volumes": [{"name": "scratch", "emptyDir": {}}],
    "pod.volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    "pod.resources.requests": {"cpu": "10m"},
    "pod.resources.limits": {"memory": "2Gi"},
    "caBundle": "-----BEGIN CERTIFICATE-----",
    "quota": {"pods": "100"},
    "limitRange": [{"type": "Container", "default": {"memory": "2Gi"}}],
    "tolerateControlPlane": False,
    "httpProbeImages": ["app"],
    "portBase": 30000,
    "imagePullSecret": "team-registry",
    "defaultPassword.existingSecret": "another",
    "defaultPassword.key": "pw",
    "defaultPassword.value": "correct horse",
    "directExposure": True,
    "loadBalancer.enabled": True,
    "loadBalancer.pool": "blue",
    "ingress.domain": "apps.example.com",
    "ingress.className": "public",
    "ingress.allowedClasses": ["other"],
    "ingress.allowedIssuers": ["another"],
    "ingress.certManagerIssuer": "letsencrypt",
    "ingress.tlsSecret": "wildcard",
    "ingress.authUrl": "https://auth.example.com",
    "ingress.authSignin": "https://login.example.com",
    "networkPolicy.enabled": False,
    "networkPolicy.ingressController.namespaces": ["ingress"],
    "networkPolicy.dns.namespaceLabels": {"kubernetes.io/metadata.name": "dns"},
    "networkPolicy.dns.podLabels": {"k8s-app": "coredns"},
    "networkPolicy.internet.enabled": False,
    "networkPolicy.internet.except": ["10.0.0.0/8"],
    "networkPolicy.internet.exceptIPv6": ["fc00::/7"],
    "networkPolicy.extraIngress": [{"from": [{"namespaceSelector": {}}]}],
    "networkPolicy.extraEgress": [{"to": [{"namespaceSelector": {}}]}],
}
"""Path below `workspaces` → another value than the chart's own."""
MAPS: Final = frozenset({
    "namespaceLabels", "namespaceAnnotations", "networkPolicy.dns.namespaceLabels", "networkPolicy.dns.podLabels",
    "pod.nodeSelector", "pod.affinity", "pod.labels", "pod.annotations", "pod.resources.requests",
    "pod.resources.limits", "quota",
})  # fmt: skip
"""Values that are maps as a whole: their keys are the install's own."""


def leaves() -> set[str]:
    """The paths of `workspaces` in the chart's values."""
    return set(_leaves(yaml.safe_load((CHART / "values.yaml").read_text())["workspaces"]))


def _leaves(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        below = f"{path}{key}"
        if isinstance(value, dict) and below not in MAPS:
            yield from _leaves(value, f"{below}.")
        else:
            yield below


def values(paths: Iterable[str]) -> dict[str, Any]:
    """Chart values in which these are changed."""
    found: dict[str, Any] = {}
    for path in paths:
        *groups, last = path.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = OTHER[path]
    return {"workspaces": found}


def environment(objects: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What the operator of a rendered install finds in its environment; values from elsewhere are their names."""
    (deployment,) = [
        item for item in objects if item["kind"] == "Deployment" and item["metadata"]["name"] == "guildnet-operator"
    ]
    entries = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    return {item["name"]: item.get("value", "from-elsewhere") for item in entries}
