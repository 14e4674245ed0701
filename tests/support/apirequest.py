"""What a request to the Kubernetes API is about, read off its method, path, content type and body. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

_PATCHES = {
    "application/apply-patch+yaml": "apply",
    "application/json-patch+json": "json-patch",
    "application/merge-patch+json": "merge",
}
APART = frozenset({"events", "leases"})
"""Written outside of any reconcile: Events are best effort, a Lease is renewed by the clock."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request. `verb` is read, watch, create, delete, replace, apply, json-patch or merge."""

    verb: str
    resource: str
    """The plural, with the subresource where there is one: `workspaces/status`."""
    name: str

    @property
    def is_write(self) -> bool:
        return self.verb not in ("read", "watch")

    @property
    def counts(self) -> bool:
        """Is it one of the numbered writes?"""
        return self.is_write and self.resource not in APART

    @property
    def kind(self) -> str:
        """What is written how, whatever the object's name: `create deployments`."""
        return f"{self.verb} {self.resource}"

    def __str__(self) -> str:
        return f"{self.verb} {self.resource} {self.name}".rstrip()


def about(method: str, path: str, query: str, content_type: str, body: bytes) -> ApiRequest:
    """Read a request; `path` is without the query."""
    resource, name = _target(path)
    if method == "GET":
        return ApiRequest("watch" if "watch=true" in query or "watch=1" in query else "read", resource, name)
    if method == "POST":
        return ApiRequest("create", resource, name or _named(body))
    if method == "PATCH":
        return ApiRequest(_PATCHES.get(content_type.partition(";")[0], "patch"), resource, name)
    return ApiRequest({"DELETE": "delete", "PUT": "replace"}.get(method, method.lower()), resource, name)


def _target(path: str) -> tuple[str, str]:
    parts = [part for part in path.split("/") if part]
    parts = parts[2:] if parts[:1] == ["api"] else parts[3:] if parts[:1] == ["apis"] else parts
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    resource, name, sub = [*parts, "", "", ""][:3]
    return f"{resource}/{sub}" if sub else resource, name


def _named(body: bytes) -> str:
    try:
        return str(json.loads(body)["metadata"]["name"])
    except (ValueError, KeyError, TypeError):
        return ""
