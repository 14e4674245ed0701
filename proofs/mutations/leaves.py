"""The leaves of the schema, and for each what it is changed to and where the change has to show.

The schema says which leaves there are; a leaf without a row here, or a row without a leaf, is an error.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
Children = Mapping[str, Any]
"""The children of one Workspace by kind."""
CRD = Path(__file__).parents[2] / "crds" / "guildnet.io_workspaces.yaml"
CLASS, OTHER_CLASS = "mutations-grow", "mutations-other"

BASE: Json = {
    "image": "example.com/app:1",
    "command": ["run"],
    "args": ["--fast"],
    "env": [
        {"name": "PLAIN", "value": "1"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}},
        {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": False}}},
    ],
    "ports": [{"containerPort": 3000, "name": "web", "protocol": "TCP", "pathMode": "Strip"}],
    "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}},
    "exposure": {"type": "Ingress", "domain": "a.example.com", "ingressClass": "nginx", "tlsIssuer": "one"},
    "storage": {"size": "1Gi", "storageClassName": CLASS, "mountPath": "/data", "retain": False},
    "running": True,
    "probe": {
        "type": "http", "path": "/h", "port": 3000, "initialDelaySeconds": 1, "periodSeconds": 7,
        "timeoutSeconds": 2, "failureThreshold": 4, "startupSeconds": 90,
    },
    "presetsRef": "preset",
    "notes": "a note",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf. `place` is where it is in BASE; `shows` finds in the children what has to become `expected`."""

    place: tuple[str | int, ...]
    valid: Any
    invalid: Any
    shows: Callable[[Children], Any] | None
    expected: Any = None
    group: Json | None = None
    """What stands in place of the whole group, where a valid value of the leaf rules its neighbours out."""
    one_way: str = ""
    """The words with which going back is refused, for what cannot be undone."""
    at_creation: bool = False
    """It can be chosen only when the Workspace is made."""

    @property
    def wanted(self) -> Any:
        return self.valid if self.expected is None else self.expected

    @property
    def field(self) -> str:
        """As the API server names it."""
        text = "spec"
        for part in self.place:
            text += f"[{part}]" if isinstance(part, int) else f".{part}"
        return text

    def changed(self, *, valid: bool) -> Json:
        spec = copy.deepcopy(BASE)
        if valid and self.group is not None:
            return {**spec, str(self.place[0]): self.group}
        target: Any = spec
        for part in self.place[:-1]:
            target = target[part]
        target[self.place[-1]] = self.valid if valid else self.invalid
        return spec


def container(children: Children) -> Json:
    found: Json = children["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def variable(name: str) -> Callable[[Children], Any]:
    def find(children: Children) -> Any:
        item = next((e for e in container(children)["env"] if e["name"] == name), None)
        return None if item is None else item.get("valueFrom") or item.get("value")

    return find


def reference(name: str, kind: str, key: str) -> Callable[[Children], Any]:
    return lambda children: variable(name)(children)[kind].get(key)


def probe(which: str, key: str) -> Callable[[Children], Any]:
    return lambda children: container(children)[which].get(key)


def http(key: str) -> Callable[[Children], Any]:
    return lambda children: container(children)["readinessProbe"]["httpGet"][key]


def service_port(key: str) -> Callable[[Children], Any]:
    return lambda children: children["Service"]["spec"]["ports"][0][key]


def ingress(*path: str | int) -> Callable[[Children], Any]:
    def find(children: Children) -> Any:
        found: Any = children["Ingress"]
        for part in path:
            found = found[part]
        return found

    return find


def claim(*path: str) -> Callable[[Children], Any]:
    def find(children: Children) -> Any:
        found: Any = children["PersistentVolumeClaim"]
        for part in path:
            found = found.get(part) or {}
        return found

    return find


ISSUER = "cert-manager.io/cluster-issuer"
SECRET, CONFIG = ("env", 1, "valueFrom", "secretKeyRef"), ("env", 2, "valueFrom", "configMapKeyRef")
PORT = ("ports", 0)

LEAVES = (
    Leaf(("image",), "example.com/app:2", "", lambda c: container(c)["image"]),
    Leaf(("command", 0), "walk", 5, lambda c: container(c)["command"][0]),
    Leaf(("args", 0), "--slow", 5, lambda c: container(c)["args"][0]),
    Leaf(("env", 0, "name"), "RENAMED", "9-NOT", variable("RENAMED"), expected="1"),
    Leaf(("env", 0, "value"), "2", 5, variable("PLAIN")),
    Leaf((*SECRET, "name"), "other", "", reference("SECRET", "secretKeyRef", "name")),
    Leaf((*SECRET, "key"), "other", "", reference("SECRET", "secretKeyRef", "key")),
    Leaf((*SECRET, "optional"), True, "yes", reference("SECRET", "secretKeyRef", "optional")),
    Leaf((*CONFIG, "name"), "other", "", reference("CONFIG", "configMapKeyRef", "name")),
    Leaf((*CONFIG, "key"), "other", "", reference("CONFIG", "configMapKeyRef", "key")),
    Leaf((*CONFIG, "optional"), True, "yes", reference("CONFIG", "configMapKeyRef", "optional")),
    Leaf((*PORT, "containerPort"), 4000, 0, service_port("port")),
    Leaf((*PORT, "name"), "other", "UPPER", service_port("name")),
    Leaf((*PORT, "protocol"), "TCP", "UDP", service_port("protocol")),
    Leaf((*PORT, "pathMode"), "Preserve", "Keep", lambda c: str(variable("GUILDNET_BASE_PATH")(c))[:14],
         expected="/proxy/server/"),
    Leaf(("resources", "requests", "cpu"), "200m", "lots", lambda c: container(c)["resources"]["requests"]["cpu"]),
    Leaf(("resources", "limits", "memory"), "2Gi", "1Zi", lambda c: container(c)["resources"]["limits"]["memory"]),
    # Maps of quantities: another key of each, which the spec did not have before.
    Leaf(("resources", "requests", "memory"), "64Mi", "lots",
         lambda c: container(c)["resources"]["requests"]["memory"]),
    Leaf(("resources", "limits", "cpu"), "2", "many", lambda c: container(c)["resources"]["limits"]["cpu"]),
    Leaf(("exposure", "type"), "LoadBalancer", "NodePort", lambda c: c["Service"]["spec"]["type"],
         group={"type": "LoadBalancer"}),
    Leaf(("exposure", "domain"), "b.example.com", "Not a name",
         lambda c: str(ingress("spec", "rules", 0, "host")(c)).partition(".")[2]),
    Leaf(("exposure", "ingressClass"), "haproxy", "", ingress("spec", "ingressClassName")),
    Leaf(("exposure", "tlsIssuer"), "two", "", ingress("metadata", "annotations", ISSUER)),
    Leaf(("storage", "size"), "2Gi", "0", claim("spec", "resources", "requests", "storage"), one_way="cannot shrink"),
    Leaf(("storage", "storageClassName"), OTHER_CLASS, "", claim("spec", "storageClassName"), at_creation=True),
    Leaf(("storage", "mountPath"), "/else", "relative", lambda c: container(c)["volumeMounts"][0]["mountPath"]),
    Leaf(("storage", "retain"), True, "yes", lambda c: bool(claim("metadata", "ownerReferences")(c)), expected=False),
    Leaf(("running",), False, "no", lambda c: c["Deployment"]["spec"]["replicas"], expected=0),
    Leaf(("probe", "type"), "tcp", "exec", probe("readinessProbe", "tcpSocket"), expected={"port": 3000},
         group={"type": "tcp"}),
    Leaf(("probe", "path"), "/other", "relative", http("path")),
    Leaf(("probe", "port"), 3001, 0, http("port")),
    Leaf(("probe", "initialDelaySeconds"), 9, -1, probe("startupProbe", "initialDelaySeconds")),
    Leaf(("probe", "periodSeconds"), 8, 0, probe("livenessProbe", "periodSeconds")),
    Leaf(("probe", "timeoutSeconds"), 3, 0, probe("livenessProbe", "timeoutSeconds")),
    Leaf(("probe", "failureThreshold"), 5, 0, probe("livenessProbe", "failureThreshold")),
    Leaf(("probe", "startupSeconds"), 91, 0, probe("startupProbe", "failureThreshold")),
    # These two are for people and for the UI; no child knows of them.
    Leaf(("presetsRef",), "another", "p" * 254, None),
    Leaf(("notes",), "another", "n" * 4097, None),
)  # fmt: skip


def of_the_schema() -> set[str]:
    """The leaves that the schema has, with `[]` for the items of a list and `*` for the keys of a map."""
    crd = yaml.safe_load(CRD.read_text())
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return set(_leaves(root, ""))


def _leaves(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if "properties" in schema:
        for name, child in schema["properties"].items():
            yield from _leaves(child, f"{path}.{name}".lstrip("."))
    elif "items" in schema:
        yield from _leaves(schema["items"], f"{path}[]")
    elif "additionalProperties" in schema:
        yield from _leaves(schema["additionalProperties"], f"{path}.*")
    else:
        yield path


def of_the_table() -> set[str]:
    """The leaves that have a row, written as `of_the_schema` writes them."""
    maps = {("resources", "requests"), ("resources", "limits")}
    found = set()
    for leaf in LEAVES:
        text = ""
        for index, part in enumerate(leaf.place):
            if isinstance(part, int):
                text += "[]"
            else:
                text += ".*" if leaf.place[:index] in maps else f".{part}"
        found.add(text.lstrip("."))
    return found
