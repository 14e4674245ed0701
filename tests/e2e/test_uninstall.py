"""A second release beside the first: installed, and gone again but for what the keep policy names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from support.local import ROOT, Local, guildnet_local, run
from support.waiting import until

RELEASE = "guildnet-second"
WORKSPACES = "guildnet-second-workspaces"


@pytest.fixture
def helm(local: Local) -> Iterator[list[str]]:
    from guildnet_local.build.programs import ensure

    program = str(ensure(["helm"], report=lambda _: None)["helm"])
    yield [program, "--kubeconfig", local.kubeconfig, "--namespace", RELEASE]
    local.kubectl("delete", "namespace", RELEASE, WORKSPACES, "--ignore-not-found", "--timeout=120s", timeout=130)


def _pods(local: Local) -> str:
    return local.kubectl("get", "pods", f"--namespace={RELEASE}", "-o", "name")


def _everything(local: Local) -> set[str]:
    """Every object that belongs to the second release, as kind/namespace/name."""
    kinds = local.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    ours = set()
    for kind in kinds:
        if kind.startswith(("events", "componentstatuses")):
            continue
        listed = json.loads(local.kubectl("get", kind, "--all-namespaces", "-o", "json"))["items"]
        for found in listed:
            metadata = found["metadata"]
            if RELEASE in (metadata["name"], metadata.get("namespace")) or RELEASE in str(metadata.get("labels")):
                ours.add(f"{found['kind']}/{metadata.get('namespace', '')}/{metadata['name']}")
    return ours


def _leases(local: Local) -> list[Any]:
    found: list[Any] = json.loads(local.kubectl("-n", RELEASE, "get", "leases", "-o", "json"))["items"]
    return found


def test_uninstall_leaves_only_what_the_keep_policy_names(local: Local, helm: list[str]):
    values = yaml.safe_load(guildnet_local("values"))
    values |= {
        "tailnet": {"enabled": False},
        "crds": {"enabled": False},
        "workspaces": {**values.get("workspaces", {}), "namespace": WORKSPACES},
    }
    values["proxy"]["service"].pop("clusterIP", None)
    installed = run(
        *helm, "install", RELEASE, str(ROOT / "charts" / "guildnet"), "--create-namespace", "--server-side=true",
        "--values", "-", "--wait", "--timeout=120s", stdin=yaml.safe_dump(values), timeout=150,
    )  # fmt: skip
    assert installed.status == 0, installed.err
    manifest = run(*helm, "get", "manifest", RELEASE).out
    kept = {
        f"{item['kind']}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
        for item in yaml.safe_load_all(manifest)
        if item and item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept, "volumes and identities outlive an uninstall"
    removed = run(*helm, "uninstall", RELEASE, "--wait", "--timeout=120s", timeout=150)
    assert removed.status == 0, removed.err
    # What the cluster itself puts into every namespace, and the namespace that helm was told to create.
    furniture = {
        f"{kind}/{namespace}/{name}"
        for namespace in (RELEASE, WORKSPACES)
        for kind, name in (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"))
    } | {f"Namespace//{RELEASE}"}
    # Helm waits for the Deployments; their pods, and what the pods had claimed, follow.
    until(lambda: not _pods(local), "the pods of the second release gone", seconds=60)
    # The Lease is nobody's of Helm's: it belongs to the operator's account, and the garbage collector takes it.
    until(lambda: not _leases(local), "the Lease of the second release gone", seconds=60)
    assert _everything(local) - furniture == kept
