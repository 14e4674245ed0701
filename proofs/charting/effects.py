"""Has every value an effect? Each is changed in an install in which it counts, and the rendering has to be another."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from guildnet_chart.values import Value

ON: Final[Mapping[str, Any]] = {
    "tailnet": {"enabled": True},
    "entries": {
        "domain": {
            "origin": "https://guildnet.example.com",
            "ingress": {"enabled": True},
            "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}]},
        },
        "identityProxy": {"enabled": True, "tlsSecret": "identity-proxy"},
    },
    "monitoring": {
        name: {"enabled": True} for name in ("podMonitor", "serviceMonitor", "dashboard", "prometheusRule")
    },
    "operator": {"replicas": 2},
    "api": {"replicas": 2},
    "valkey": {"replicas": 1},
}  # fmt: skip
"""An install with all that goes together."""
WITHOUT_TAILNET: Final[Mapping[str, Any]] = {**ON, "tailnet": {"enabled": False}, "proxy": {"replicas": 2}}
CONTEXTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "proxy.replicas": {**ON, "tailnet": {"enabled": False}},
    "proxy.podDisruptionBudget": WITHOUT_TAILNET,
    "proxy.drain": WITHOUT_TAILNET,
    "api.autoscaling": {**ON, "api": {"autoscaling": {"enabled": True}}},
    "workspaces.defaultPassword.key": {**ON, "workspaces": {"defaultPassword": {"existingSecret": "pw"}}},
    "workspaces.loadBalancer.pool": {**ON, "workspaces": {"loadBalancer": {"enabled": True}}},
    "redis": {**ON, "valkey": {"enabled": False}, "redis": {"existingSecret": "r"}},
    "proxy.service": WITHOUT_TAILNET,
    "valkey.enabled": {**ON, "api": {"replicas": 1}},
}
"""Longest prefix of a path → the install in which it counts, where that is another."""
OTHER: Final[Mapping[str, Any]] = {
    "image.pullPolicy": "Always", "log.level": "debug", "log.format": "console", "access.default": "closed",
    "entries.local.origin": "http://another.localhost:81", "entries.local.mode": "path",
    "entries.domain.origin": "https://another.example.com", "entries.domain.mode": "path",
    "entries.domain.httpRoute.parentRefs": [{"name": "another"}], "entries.frontendOrigin": "https://ui.example.com",
    "entries.uiDevOrigin": "http://127.0.0.1:5173", "tailnet.loginServer": "https://headscale.example.com",
    "tailnet.tls.by": "none",
    "tailnet.mode": "path", "tailnet.hostname": "another", "tailnet.tags": ["tag:x"], "tailnet.extraArgs": ["--x"],
    "tailnet.command": ["x"], "workspaces.elsewhere": "Deny", "workspaces.plainSecrets": "Warn",
    "workspaces.podSecurity": "baseline",
    "workspaces.namespace": "another", "workspaces.storage.default.mode": "off",
    "workspaces.storage.default.size": "1Gi", "workspaces.storage.default.mountPath": "/data",
    "workspaces.pod.hostUsers": False, "workspaces.portBase": 30000, "proxy.service.type": "NodePort",
    "proxy.service.clusterIP": "10.96.0.9", "proxy.service.externalTrafficPolicy": "Local",
    "proxy.service.ipFamilyPolicy": "SingleStack", "proxy.allowedTargets": ["192.0.2.10/32:8443"],
    "proxy.firstByteSeconds": 61, "valkey.maxMemory": "97mb", "tests.launch.seconds": 121,
    "redis.url": "redis://another:6379/0", "valkey.replicas": 0,
    "workspaces.httpProbeImages": ["x"], "workspaces.networkPolicy.ingressController.namespaces": ["x"],
    "tracing.endpoint": "http://collector.example.com:4318", "tailnet.image.digest": "sha256:" + "0" * 64,
    "tailnet.image.pullPolicy": "Always", "proxy.transport": "api-server", "proxy.deniedHosts": ["x.example.com"],
    "monitoring.podMonitor.interval": "31s", "monitoring.serviceMonitor.interval": "31s",
}  # fmt: skip
"""Another value than the default, where none can be made from its kind."""
_MAPS: Final = {"image": {"tag": "x"}, "requests": {"cpu": "99m"}, "limits": {"memory": "99Mi"}}
"""Another value of a map by its key: what it has besides stays, since Helm merges maps."""
_OBJECT: Final = {"name": "x", "key": "x", "type": "Container", "mountPath": "/x", "maxSkew": 1, "ip": "192.0.2.1"}


def context(path: str) -> dict[str, Any]:
    """The values of the install in which this one counts."""
    fitting = [prefix for prefix in CONTEXTS if path == prefix or path.startswith(f"{prefix}.")]
    return copy.deepcopy(dict(CONTEXTS[max(fitting, key=len)] if fitting else ON))


def another(value: Value, now: Any) -> Any:
    """Another value than `now`, of the kind that the schema wants."""
    if value.path in OTHER:
        return OTHER[value.path]
    if isinstance(now, bool):
        return not now
    if isinstance(now, int | float):
        return now + 1
    if isinstance(now, str):
        return "x" if now != "x" else "y"
    if isinstance(now, list):
        return [] if now else [_element(value.path)]
    return _MAPS.get(value.path.rpartition(".")[2], {"x": "y"})


def _element(path: str) -> Any:
    key = path.rpartition(".")[2]
    if key in {"extraEnv", "env"}:
        return {"name": "X", "value": "y"}
    if key == "extraObjects":
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    texts = {
        "pullSecrets", "allowedClasses", "allowedIssuers", "loadBalancerSourceRanges", "except", "exceptIPv6",
        "deniedHosts", "podNetworks", "from", "clientNames", "adminGroups",
    }  # fmt: skip
    if key in texts:
        return "192.0.2.0/24"
    return dict(_OBJECT)


def changed(values: Mapping[str, Any], path: str, other: Any) -> dict[str, Any]:
    """The same values with this one changed."""
    found = copy.deepcopy(dict(values))
    *groups, last = path.split(".")
    place = found
    for group in groups:
        place = place.setdefault(group, {})
    place[last] = other
    return found


def at(values: Mapping[str, Any], path: str, default: Any) -> Any:
    """What an install has there."""
    place: Any = values
    for key in path.split("."):
        if not isinstance(place, Mapping) or key not in place:
            return default
        place = place[key]
    return place
