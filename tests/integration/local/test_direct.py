"""What `up` asks the API server itself, against a real one, beside what kubectl would have been asked."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
import zlib
from pathlib import Path
from typing import Any

import pytest

from guildnet_local.cluster.direct import Direct
from guildnet_local.cluster.kubectl import FIELD_MANAGER, KubectlError
from support.apiserver import ADMIN_TOKEN, ApiServer


class WithToken(Direct):
    """The test run's API server knows its admin by a token instead of a certificate."""

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.pki / "ca.pem"))


@pytest.fixture
def direct(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Direct:
    real = urllib.request.Request

    def authorised(*arguments: Any, **options: Any) -> urllib.request.Request:
        made = real(*arguments, **options)
        made.add_header("Authorization", f"Bearer {ADMIN_TOKEN}")
        return made

    monkeypatch.setattr(urllib.request, "Request", authorised)
    return WithToken(kubeconfig=api_server.kubeconfig, url=api_server.url, pki=api_server.directory)


@pytest.fixture
def namespace(direct: Direct, request: pytest.FixtureRequest) -> str:
    """A Kubernetes namespace of the test's own."""
    name = f"direct-{zlib.crc32(request.node.name.encode())}"
    direct.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
    return name


def deployment(namespace: str, replicas: int) -> dict[str, Any]:
    labels = {"app": "some"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "some", "image": "some:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "some", "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod},
    }


def secret(namespace: str, name: str, status: str) -> dict[str, Any]:
    labels = {"owner": "helm", "status": status}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace, "labels": labels}}


def test_objects_of_the_core_of_groups_and_of_our_own_are_applied_and_applied_again(direct: Direct, namespace: str):
    workspace = {
        "apiVersion": "guildnet.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": "lab", "namespace": namespace},
        "spec": {"image": "some:1"},
    }
    of_the_cluster = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{namespace}-made"}}
    for replicas in (1, 2):
        direct.apply([of_the_cluster, deployment(namespace, replicas), workspace])
    found = direct.get("deployments", "some", namespace=namespace)
    assert found["spec"]["replicas"] == 2
    assert {one["manager"] for one in found["metadata"]["managedFields"]} == {FIELD_MANAGER}
    assert [one["metadata"]["name"] for one in direct.get("deployments", namespace=namespace)["items"]] == ["some"]
    assert ("some", namespace) in [
        (one["metadata"]["name"], one["metadata"]["namespace"]) for one in direct.get("deployments")["items"]
    ]
    assert direct.get("workspaces.guildnet.io", "lab", namespace=namespace)["spec"]["image"] == "some:1"


def test_what_the_server_says_is_the_error(direct: Direct, namespace: str):
    with pytest.raises(KubectlError, match=r'deployments\.apps "none" not found'):
        direct.get("deployments", "none", namespace=namespace)
    with pytest.raises(KubectlError, match="/apis/apps/v1 serves no Deploy"):
        direct.apply([deployment(namespace, 1) | {"kind": "Deploy"}])
    with pytest.raises(KubectlError, match=r"/apis/none\.example/v1"):
        direct.apply([deployment(namespace, 1) | {"apiVersion": "none.example/v1"}])
    with pytest.raises(KubectlError, match=r"spec\.replicas: Invalid value: -1"):
        direct.apply([deployment(namespace, -1)])


def test_only_what_the_selector_takes_is_deleted(direct: Direct, namespace: str):
    direct.apply([secret(namespace, "done", "deployed"), secret(namespace, "cut-short", "pending-install")])
    for _ in range(2):
        direct.delete("secrets", namespace=namespace, selector="owner=helm,status in (pending-install,pending-upgrade)")
    assert [one["metadata"]["name"] for one in direct.get("secrets", namespace=namespace)["items"]] == ["done"]


def test_a_namespace_that_is_not_there_has_nothing_to_delete(direct: Direct):
    direct.delete("secrets", namespace="never-made", selector="owner=helm")


def test_a_token_is_for_its_audience(direct: Direct, namespace: str):
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "some", "namespace": namespace}}
    direct.apply([account])
    body = direct.token(namespace, "some", audience="guildnet", hours=24).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert claims["aud"] == ["guildnet"]
    assert claims["exp"] - claims["iat"] == 24 * 3600


def test_a_server_that_is_not_there_is_an_error_of_the_cluster(tmp_path: Path):
    with pytest.raises(KubectlError, match="GET /api/v1/nodes"):
        Direct(url="https://127.0.0.1:1", pki=tmp_path).get("nodes")
