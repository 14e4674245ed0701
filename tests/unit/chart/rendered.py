"""What Helm renders, as objects, and the installs on which every general claim is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "charts" / "guildnet"

Object = dict[str, Any]


class RefusedError(Exception):
    """Helm did not render; the text is what it said."""


@dataclass(frozen=True)
class Rendering:
    """The objects of one rendering, hooks included."""

    objects: tuple[Object, ...]

    def of(self, kind: str, name: str | None = None) -> list[Object]:
        return [o for o in self.objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]

    def one(self, kind: str, name: str, namespace: str = "guildnet") -> Object:
        found = [o for o in self.of(kind, name) if o["metadata"].get("namespace", namespace) == namespace]
        assert len(found) == 1, f"{len(found)} of {kind} {namespace}/{name}"
        return found[0]

    def pod(self, component: str) -> Object:
        return self.one("Deployment", f"guildnet-{component}")["spec"]["template"]["spec"]

    def container(self, component: str, name: str | None = None) -> Object:
        containers = [*self.pod(component)["containers"], *self.pod(component).get("initContainers", [])]
        return next(c for c in containers if c["name"] == (name or component))

    def env(self, component: str, name: str | None = None) -> dict[str, Any]:
        return {e["name"]: e.get("value", e.get("valueFrom")) for e in self.container(component, name)["env"]}

    def pod_specs(self) -> Iterator[tuple[str, Object]]:
        for o in self.objects:
            if o["kind"] == "Deployment":
                yield o["metadata"]["name"], o["spec"]["template"]["spec"]
            elif o["kind"] == "Pod":
                yield o["metadata"]["name"], o["spec"]


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the CRDs are long
    """YAML in which a key given twice is an error, as it is for the API server."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"given twice: {', '.join(twice)}", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def parse(text: str) -> Rendering:
    return Rendering(tuple(o for o in yaml.load_all(text, Loader) if o))


Render = Callable[..., Rendering]

# Installs that differ in what they switch on.
CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "tailnet": {
        "tailnet": {
            "enabled": True,
            "loginServer": "https://headscale.example.com",
            "authKey": {"value": "tskey-1"},
            "tags": ["tag:guildnet", "tag:web"],
            "caBundle": CA,
            "metrics": True,
            "extraEnv": [{"name": "TS_NO_LOGS_NO_SUPPORT", "value": "true"}],
        }
    },
    "domain": {
        "entries": {
            "local": {"origin": ""},
            "domain": {
                "origin": "https://guildnet.example.com",
                "ingress": {"enabled": True, "className": "public", "tlsSecret": "wildcard"},
                "httpRoute": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]},
            },
            "identityProxy": {"enabled": True, "tlsSecret": "identity-proxy", "clientNames": ["oauth2-proxy.auth"]},
        }
    },
    "many": {
        "api": {"replicas": 3},
        "proxy": {"replicas": 2, "allowedTargets": ["192.0.2.10/32:8443", "[2001:db8::/64]:443"], "upstreamCA": CA},
        "redis": {"existingSecret": "redis"},
        "valkey": {"enabled": False},
        "monitoring": {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
    },
    "own-secrets": {
        "identity": {"existingSecret": "my-keys"},
        "valkey": {"existingSecret": "my-valkey"},
        "tailnet": {"enabled": True, "authKey": {"existingSecret": "my-authkey"}},
        "workspaces": {"defaultPassword": {"existingSecret": "my-password", "key": "pw"}, "createNamespace": False},
        "crds": {"enabled": False},
    },
    "scheduled": {
        "image": {"registry": "registry.example.com/team", "tag": "v7", "pullSecrets": ["pull"]},
        "commonLabels": {"team": "research"},
        **{
            component: {
                "nodeSelector": {"pool": "web"},
                "tolerations": [{"key": "web", "operator": "Exists"}],
                "affinity": {"nodeAffinity": {}},
                "topologySpread": [
                    {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
                ],
                "priorityClassName": "high",
                "podAnnotations": {"note": "x"},
                "podLabels": {"tier": "web"},
                "extraEnv": [{"name": "TZ", "value": "UTC"}],
            }
            for component in ("api", "proxy", "operator", "valkey")
        },
    },
}
