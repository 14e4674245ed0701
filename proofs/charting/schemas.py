"""The types of each version of Kubernetes, as its Go client has them, and what does not fit an object's type.

The client's module holds the whole typed schema (structured-merge-diff's form) as text; each version is a download of
4 MB from Go's module proxy, kept in Go's cache.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from guildnet_local.build.go import find_go, go_environment

VERSIONS: Final[Mapping[str, str]] = {
    "1.30": "v0.30.14", "1.31": "v0.31.14", "1.32": "v0.32.10", "1.33": "v0.33.6", "1.34": "v0.34.2", "1.35": "v0.35.4",
    "1.36": "v0.36.0",
}  # fmt: skip
"""Kubernetes → release of its Go client."""
_SCHEMA: Final = re.compile(r"schemaYAML = typed\.YAMLObject\(`(.*?)`\)", re.DOTALL)
_SCALARS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,), "numeric": (int, float), "boolean": (bool,), "untyped": (str, int, float, bool),
}  # fmt: skip
_OF_OTHERS: Final = (".coreos.com", ".cert-manager.io", "gateway.networking.k8s.io", "apiextensions.k8s.io")
"""Groups whose types come with controllers of theirs, and CustomResourceDefinitions, which a real API server takes."""

Types = Mapping[str, Mapping[str, Any]]


@cache
def types_of(version: str) -> Types:
    """Name of a type → its schema. Raises RuntimeError where the module cannot be had."""
    go = find_go(os.environ)
    command = [str(go.path), "mod", "download", "-json", f"k8s.io/client-go@{VERSIONS[version]}"]
    environment = {**os.environ, **go_environment(os.environ), "GOFLAGS": "-mod=mod"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(f"the types of Kubernetes {version} cannot be had: {done.stdout}{done.stderr}")
    folder = Path(json.loads(done.stdout)["Dir"])
    found = _SCHEMA.search((folder / "applyconfigurations" / "internal" / "internal.go").read_text())
    if found is None:
        raise RuntimeError(f"the Go client of Kubernetes {version} has no schema where it used to be")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {item["name"]: item for item in yaml.load(found[1], loader)["types"]}


def belongs_to_others(item: Mapping[str, Any]) -> bool:
    """Is its type none of Kubernetes' own?"""
    group = str(item["apiVersion"]).rpartition("/")[0]
    return group.endswith(_OF_OTHERS)


def problems(item: Mapping[str, Any], types: Types) -> list[str]:
    """What does not fit, each with its path; an API that this version does not serve is one."""
    group, _, version = str(item["apiVersion"]).rpartition("/")
    short = group.removesuffix(".k8s.io").removesuffix(".authorization") or "core"
    name = f"io.k8s.api.{short}.{version}.{item['kind']}"
    if name not in types:
        return [f"{item['apiVersion']} {item['kind']} is not served"]
    return list(_judged(item, {"namedType": name}, types, item["kind"]))


def _judged(value: Any, schema: Mapping[str, Any], types: Types, path: str) -> Iterator[str]:
    named = schema.get("namedType")
    if named is not None:
        schema = types.get(named, {})
    if not schema or value is None or named == "__untyped_deduced_":
        return
    if "map" in schema and isinstance(value, dict):
        yield from _map(value, schema["map"], types, path)
    elif "list" in schema and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _judged(item, schema["list"]["elementType"], types, f"{path}[{index}]")
    elif "scalar" in schema:
        wanted = _SCALARS[schema["scalar"]]
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            yield f"{path} is {type(value).__name__}, not {schema['scalar']}"
    else:
        yield f"{path} is {type(value).__name__}, not {'a map' if 'map' in schema else 'a list'}"


def _map(value: Mapping[str, Any], schema: Mapping[str, Any], types: Types, path: str) -> Iterator[str]:
    fields = {field["name"]: field["type"] for field in schema.get("fields", ())}
    other = schema.get("elementType")
    for key, item in value.items():
        if key in fields:
            yield from _judged(item, fields[key], types, f"{path}.{key}")
        elif other is not None:
            yield from _judged(item, other, types, f"{path}.{key}")
        else:
            yield f"{path}.{key} is no field"
