"""A second release beside the first: installed, in use, and gone again but for what outlives it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.local import Local, workspace
from support.release import Release, installed
from support.waiting import until

IMAGE = "guildnet/jupyterlab:0.1.0"
NAME = "stays"
# What the documentation promises, written down here and not read off the manifests: identities and counters that a
# later install goes on with, the namespace of the Workspaces, and every Workspace with all that is its own.
KEPT = {
    "ConfigMap/{release}/{release}-entries",
    "ConfigMap/{release}/{release}-ports",
    "Secret/{release}/{release}-keys",
    "Namespace//{release}-workspaces",
    "Workspace/{release}-workspaces/stays",
    "Deployment/{release}-workspaces/stays",
    "Secret/{release}-workspaces/stays-login",
    "ReplicaSet/{release}-workspaces/stays-*",
    "Pod/{release}-workspaces/stays-*",
    "Service/{release}-workspaces/stays",
    "Endpoints/{release}-workspaces/stays",
    "EndpointSlice/{release}-workspaces/stays-*",
}
# What the cluster itself puts into every namespace, and the namespace that helm was told to create.
FURNITURE = {
    "Namespace//{release}",
    *(
        f"{kind}/{{release}}{suffix}/{name}"
        for suffix in ("", "-workspaces")
        for kind, name in (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"))
    ),
}


@pytest.fixture
def release(local: Local) -> Iterator[Release]:
    with installed(local) as made:
        made.apply(workspace(NAME, IMAGE, ports=[{"containerPort": 8888, "name": "http", "pathMode": "Preserve"}]))
        made.wait_ready(NAME)
        yield made


def _everything(release: Release) -> set[str]:
    """Every object in the release's namespaces or with its name, as kind/namespace/name; generated ends as `*`."""
    local = release.local
    kinds = [
        kind
        for kind in local.kubectl("api-resources", "--verbs=list", "-o", "name").split()
        if not kind.startswith(("events", "componentstatuses"))
    ]
    listed = json.loads(local.kubectl("get", ",".join(kinds), "--all-namespaces", "-o", "json"))["items"]
    return {_line(one) for one in listed if release.name in json.dumps(one["metadata"].get("labels")) + _line(one)}


def _line(one: dict[str, Any]) -> str:
    metadata = one["metadata"]
    name = metadata["name"]
    if one["kind"] in ("ReplicaSet", "Pod", "EndpointSlice"):
        name = f"{metadata['labels'].get('guildnet.io/workspace', name)}-*"
    return f"{one['kind']}/{metadata.get('namespace', '')}/{name}"


def test_uninstall_leaves_the_workspaces_running_and_what_the_next_install_goes_on_with(local: Local, release: Release):
    def seen() -> list[tuple[str, str, int]]:
        kept = release.list("workspaces,deployments,pods")
        return sorted(
            (one["kind"], one["metadata"]["uid"], _restarts(one)) for one in kept if "deletion" not in str(one)
        )

    before = seen()
    assert [kind for kind, _, _ in before] == ["Deployment", "Pod", "Workspace"]
    release.uninstall()
    expected = {line.format(release=release.name) for line in KEPT | FURNITURE}
    # Helm waits for the Deployments; their pods, and the Lease of the operator's account, follow by garbage collection.
    until(lambda: not _everything(release) - expected, "what is not to be kept gone", seconds=60)
    assert _everything(release) == expected
    assert seen() == before, "neither replaced nor restarted"
    crds = local.kubectl("get", "crds", "-o", "name").split()
    assert {one.split("/")[-1] for one in crds} >= {"workspaces.guildnet.io", "capabilities.guildnet.io"}


def _restarts(one: dict[str, Any]) -> int:
    return sum(container["restartCount"] for container in one["status"].get("containerStatuses", ()))
