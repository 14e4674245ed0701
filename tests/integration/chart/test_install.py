"""The chart on a real API server, by the pinned Helm with server-side apply: what changes, what stays, what is left."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from guildnet.kube.client import Client
from guildnet.kube.resources import CONFIGMAPS, SECRETS
from guildnet_local.build.programs import ensure

ROOT = Path(__file__).resolve().parents[3]
KEPT = {
    "ConfigMap/guildnet-entries",
    "ConfigMap/guildnet-ports",
    "Secret/guildnet-keys",
    "Secret/guildnet-tailnet-state",
}


@dataclass(frozen=True)
class Install:
    """One release in namespaces of its own. The test run's API server has the CRDs already."""

    program: Path
    kubeconfig: str
    namespace: str
    workspaces: str

    def helm(self, *arguments: str, values: dict[str, Any] | None = None) -> str:
        command = [str(self.program), *arguments, "--kubeconfig", self.kubeconfig, "--namespace", self.namespace]
        given = json.dumps({"crds": {"enabled": False}, **(values or {})})
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def upgrade(self, **values: Any) -> str:
        values["workspaces"] = {"namespace": self.workspaces, **values.get("workspaces", {})}
        values.setdefault("tailnet", {"enabled": True, "authKey": {"value": "k"}})
        chart = str(ROOT / "charts" / "guildnet")
        return self.helm(
            "upgrade",
            "guildnet",
            chart,
            "--install",
            "--create-namespace",
            "--server-side=true",
            "-f",
            "-",
            values=values,
        )

    def uninstall(self) -> str:
        return self.helm("uninstall", "guildnet")


@pytest.fixture
def install(kubeconfig: str) -> Install:
    name = f"chart-{token_hex(4)}"
    return Install(Path(ensure(["helm"])["helm"]), kubeconfig, name, f"{name}-workspaces")


async def _secret(kube: Client, install: Install, name: str) -> dict[str, str]:
    found = (await kube.get(SECRETS, install.namespace, name)).get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in found.items()}


async def _names(kube: Client, install: Install, *paths: str) -> set[str]:
    found = set()
    for path in paths:
        listed = await kube.request("GET", path.format(install.namespace))
        kind = listed["kind"].removesuffix("List")
        found |= {f"{kind}/{item['metadata']['name']}" for item in listed["items"]}
    return found


async def test_what_was_written_at_run_time_survives_every_upgrade(install: Install, kube: Client):
    install.upgrade()
    keys, valkey = await _secret(kube, install, "guildnet-keys"), await _secret(kube, install, "guildnet-valkey")
    written = [
        (CONFIGMAPS, "guildnet-ports", {"next": "20032"}),
        (CONFIGMAPS, "guildnet-entries", {"tailnet": "guildnet.tail.example"}),
        (SECRETS, "guildnet-tailnet-state", {"_machinekey": base64.b64encode(b"m").decode()}),
    ]
    for resource, name, data in written:
        await kube.merge_patch(resource, install.namespace, name, {"data": data})
    install.upgrade(log={"level": "debug"}, commonLabels={"changed": "yes"})
    for resource, name, data in written:
        live = await kube.get(resource, install.namespace, name)
        assert live["data"] == data
        assert live["metadata"]["labels"]["changed"] == "yes"
    assert await _secret(kube, install, "guildnet-keys") == keys
    assert await _secret(kube, install, "guildnet-valkey") == valkey


async def test_an_upgrade_without_a_change_changes_no_deployment(install: Install, kube: Client):
    path = f"/apis/apps/v1/namespaces/{install.namespace}/deployments"

    async def generations() -> dict[str, int]:
        items = (await kube.request("GET", path))["items"]
        return {item["metadata"]["name"]: item["metadata"]["generation"] for item in items}

    install.upgrade()
    before = await generations()
    assert set(before) == {"guildnet-api", "guildnet-proxy", "guildnet-operator", "guildnet-valkey"}
    install.upgrade()
    assert await generations() == before


async def test_an_uninstall_leaves_what_the_keep_policy_names_and_the_next_install_takes_it_over(
    install: Install, kube: Client
):
    install.upgrade()
    keys = await _secret(kube, install, "guildnet-keys")
    await kube.merge_patch(CONFIGMAPS, install.namespace, "guildnet-ports", {"data": {"next": "20064"}})
    install.uninstall()
    left = await _names(
        kube,
        install,
        "/api/v1/namespaces/{}/configmaps",
        "/api/v1/namespaces/{}/secrets",
        "/api/v1/namespaces/{}/services",
        "/apis/apps/v1/namespaces/{}/deployments",
        "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    )
    assert left - {"ConfigMap/kube-root-ca.crt"} == KEPT
    install.upgrade()
    assert await _secret(kube, install, "guildnet-keys") == keys
    assert (await kube.get(CONFIGMAPS, install.namespace, "guildnet-ports"))["data"] == {"next": "20064"}


ADDED: dict[str, dict[str, Any]] = {
    "no tailnet": {"tailnet": {"enabled": False}},
    "several replicas": {"tailnet": {"enabled": False}, "api": {"replicas": 2}, "proxy": {"replicas": 2}},
    "a domain": {"entries": {"domain": {"origin": "https://g.example.com", "ingress": {"enabled": True}}}},
    "own extra environment": {"api": {"extraEnv": [{"name": "LOG_LEVEL", "value": "debug"}]}},
    "no policies": {"networkPolicy": {"enabled": False}, "workspaces": {"networkPolicy": {"enabled": False}}},
}


@pytest.mark.parametrize("values", ADDED.values(), ids=ADDED)
async def test_the_api_server_takes_it_and_a_change_to_it(install: Install, values: dict[str, Any]):
    install.upgrade()
    install.upgrade(**values)
    install.upgrade()


async def test_the_policies_of_the_workspace_namespace_are_accepted_without_a_warning(install: Install, kube: Client):
    assert "arning" not in install.upgrade()
    listed = await kube.request("GET", f"/apis/networking.k8s.io/v1/namespaces/{install.workspaces}/networkpolicies")
    assert {item["metadata"]["name"] for item in listed["items"]} == {"guildnet-default-deny", "guildnet-workspaces"}
