"""What an install puts into every workspace's pod besides what the Workspace says. Pure.

It comes as JSON of the chart's `workspaces.pod`, and stays text in the settings and in the record on a Deployment, so
that two installs that say the same are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

Manifest = dict[str, Any]

CA_FOLDER: Final = "/etc/guildnet/ca"
CA_FILE: Final = f"{CA_FOLDER}/ca.crt"
CA_VOLUME: Final = "guildnet-ca"
CA_ENV: Final = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
)  # fmt: skip
"""Variables by which OpenSSL and Go, requests and pip, curl, git, and Node.js find authorities."""

_POD_FIELDS: Final = {
    "nodeSelector": "nodeSelector",
    "affinity": "affinity",
    "topologySpread": "topologySpreadConstraints",
    "priorityClassName": "priorityClassName",
    "runtimeClassName": "runtimeClassName",
    "hostUsers": "hostUsers",
    "terminationGracePeriodSeconds": "terminationGracePeriodSeconds",
}
"""Keys that are fields of a pod's spec, by their names there."""
_KEYS: Final = frozenset(
    {*_POD_FIELDS, "tolerations", "labels", "annotations", "env", "volumes", "volumeMounts", "resources"}
)
_LISTS: Final = frozenset({"topologySpread", "tolerations", "env", "volumes", "volumeMounts"})


def canonical(text: str) -> str:
    """The same as text that is alike for alike contents; "" for nothing. Raises ValueError that names what is wrong."""
    if not text.strip():
        return ""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    if unknown := sorted(found.keys() - _KEYS):
        raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    for key in sorted(found.keys() & _LISTS):
        if not isinstance(found[key], list) or not all(isinstance(item, dict) for item in found[key]):
            raise ValueError(f"{key} is not a list of objects")
    kept = {key: value for key, value in found.items() if value not in (None, "", [], {})}
    return json.dumps(kept, sort_keys=True, separators=(",", ":")) if kept else ""


@lru_cache(maxsize=64)
def read(text: str) -> Mapping[str, Any]:
    """The contents of a canonical text."""
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def resources(
    extras: Mapping[str, Any], requests: Mapping[str, str], limits: Mapping[str, str]
) -> tuple[Manifest, Manifest]:
    """Requests and limits: the install's for each resource of which the Workspace says neither."""
    given = extras.get("resources") or {}
    said = requests.keys() | limits.keys()
    return (
        {**{key: value for key, value in (given.get("requests") or {}).items() if key not in said}, **requests},
        {**{key: value for key, value in (given.get("limits") or {}).items() if key not in said}, **limits},
    )


def pod_fields(extras: Mapping[str, Any]) -> Manifest:
    """Fields of a pod's spec that nothing else sets."""
    return {field: extras.get(key) for key, field in _POD_FIELDS.items()}


def env(extras: Mapping[str, Any], ca_configmap: str, names: Iterable[str]) -> list[Manifest]:
    """Entries of the container, but those whose name the Workspace has taken."""
    taken = set(names)
    authorities = [{"name": name, "value": CA_FILE} for name in CA_ENV] if ca_configmap else []
    given = {item["name"]: item for item in (*authorities, *extras.get("env", ()))}
    return [item for name, item in given.items() if name not in taken]


def volumes(extras: Mapping[str, Any], ca_configmap: str) -> list[Manifest]:
    authorities = [{"name": CA_VOLUME, "configMap": {"name": ca_configmap}}] if ca_configmap else []
    return [*authorities, *extras.get("volumes", ())]


def volume_mounts(extras: Mapping[str, Any], ca_configmap: str) -> list[Manifest]:
    authorities = [{"name": CA_VOLUME, "mountPath": CA_FOLDER, "readOnly": True}] if ca_configmap else []
    return [*authorities, *extras.get("volumeMounts", ())]


def changes(before: str, after: str) -> tuple[str, ...]:
    """What differs between two canonical texts, each key in a few words."""
    old, new = read(before), read(after)
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return tuple(f"{key} {_short(new.get(key))} instead of {_short(old.get(key))}" for key in keys)


def _short(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


_SHORT: Final = 60
