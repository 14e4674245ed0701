"""What each account may do, asked of the real API server. That none was ever refused anything: `afterwards`."""

from __future__ import annotations

import json

import pytest

from support.local import NAMESPACE, RELEASE_NAMESPACE, Local

WORKSPACES = "workspaces.guildnet.io"
MAY = [
    ("api", "create", WORKSPACES, NAMESPACE),
    ("api", "delete", WORKSPACES, NAMESPACE),
    ("api", "get", "pods/log", NAMESPACE),
    ("api", "create", "secrets", NAMESPACE),
    ("proxy", "watch", "endpointslices.discovery.k8s.io", NAMESPACE),
    ("proxy", "create", "tokenreviews.authentication.k8s.io", None),
    ("operator", "patch", WORKSPACES + "/status", NAMESPACE),
    ("operator", "patch", "deployments.apps", NAMESPACE),
    ("operator", "get", "secrets", NAMESPACE),
]
NEVER = [
    ("api", "get", "secrets", NAMESPACE),
    ("api", "list", "secrets", NAMESPACE),
    ("api", "create", "pods/exec", NAMESPACE),
    ("api", "create", "deployments.apps", NAMESPACE),
    ("api", "patch", WORKSPACES + "/status", NAMESPACE),
    ("proxy", "create", WORKSPACES, NAMESPACE),
    ("proxy", "list", "secrets", RELEASE_NAMESPACE),
    ("proxy", "create", "secrets", RELEASE_NAMESPACE),
    ("proxy", "get", "services", NAMESPACE),
    ("operator", "list", "secrets", NAMESPACE),
    ("operator", "watch", "secrets", NAMESPACE),
    ("operator", "create", "pods/exec", NAMESPACE),
    ("operator", "create", "roles.rbac.authorization.k8s.io", NAMESPACE),
    ("operator", "create", "deployments.apps", "default"),
    ("operator", "get", "secrets", RELEASE_NAMESPACE),
]


def _may(local: Local, account: str, verb: str, resource: str, namespace: str | None) -> bool:
    scope = ["-n", namespace] if namespace else ["--all-namespaces"]
    resource, _, subresource = resource.partition("/")
    asked = ["auth", "can-i", verb, resource, *([f"--subresource={subresource}"] if subresource else [])]
    user = f"--as=system:serviceaccount:{RELEASE_NAMESPACE}:guildnet-{account}"
    groups = ["--as-group=system:serviceaccounts", "--as-group=system:authenticated"]
    return local.try_kubectl(*asked, *scope, user, *groups).out == "yes"


def _id(case: tuple[str, str, str, str | None]) -> str:
    return " ".join(str(part) for part in case)


@pytest.mark.parametrize("case", MAY, ids=_id)
def test_the_account_may(local: Local, case: tuple[str, str, str, str | None]):
    assert _may(local, *case)


@pytest.mark.parametrize("case", NEVER, ids=_id)
def test_the_account_may_never(local: Local, case: tuple[str, str, str, str | None]):
    assert not _may(local, *case)


def test_a_workspace_pod_has_no_token(local: Local, lab: str):
    listed = local.kubectl("-n", NAMESPACE, "get", "pods", "-l", f"guildnet.io/workspace={lab}", "-o", "json")
    pods = json.loads(listed)["items"]
    assert pods
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False, pod["metadata"]["name"]
