"""A Workspace in a namespace that nobody serves: whoever creates it is told by the chart's admission policy."""

from __future__ import annotations

import json
import ssl
from typing import Any

import aiohttp
import pytest

from guildnet.kube.client import Client
from guildnet.kube.resources import Resource
from support.apiserver import ADMIN_TOKEN, ApiServer, make_namespace
from support.chart import rendered
from support.waiting import eventually

POLICIES = {
    kind: Resource("admissionregistration.k8s.io", "v1", plural, kind, namespaced=False)
    for kind, plural in (
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
    )
}


async def _create(server: ApiServer, namespace: str) -> tuple[int, str]:
    """The status of a dry run of creating a Workspace there, and the warnings or the refusal."""
    body = {
        "apiVersion": "guildnet.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "lab"}, "spec": {"image": "x"},
    }  # fmt: skip
    url = f"{server.url}/apis/guildnet.io/v1alpha1/namespaces/{namespace}/workspaces?dryRun=All"
    context = ssl.create_default_context(cafile=str(server.ca))
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=body, ssl=context) as answer,
    ):
        refused = "" if answer.status < 400 else json.loads(await answer.text())["message"]
        return answer.status, " ".join(answer.headers.getall("Warning", [])) + refused


@pytest.mark.parametrize(("action", "status"), [("Warn", 201), ("Deny", 422)])
async def test_who_creates_one_where_nobody_serves_is_told(
    api_server: ApiServer, kube: Client, action: str, status: int
):
    namespace, another = [await make_namespace(kube, {}) for _ in range(2)]
    anothers = await make_namespace(kube)
    objects = rendered(
        f"{namespace}-release", {"workspaces": {"namespace": namespace, "elsewhere": action, "plainSecrets": "Ignore"}}
    )
    policies = [item for item in objects if item["kind"] in POLICIES]
    assert len(policies) == 2
    made: list[tuple[Resource, Any]] = []
    try:
        for item in policies:
            await kube.create(POLICIES[item["kind"]], None, item)
            made.append((POLICIES[item["kind"]], item["metadata"]["name"]))

        async def told() -> bool:
            code, words = await _create(api_server, another)
            return code == status and f"create it in namespace {namespace}" in words

        await eventually(told, within=30, every=0.5)
        # Installs of other tests at this API server may have words about a namespace without the label; ours has none.
        code, words = await _create(api_server, namespace)
        assert (code, f"{namespace}-release" in words) == (201, False)
        assert await _create(api_server, anothers) == (201, "")
    finally:
        for resource, name in made:
            await kube.delete(resource, None, name)


def test_nothing_is_installed_where_it_is_not_wanted():
    objects = rendered("guildnet", {"workspaces": {"elsewhere": "Ignore", "plainSecrets": "Ignore"}})
    assert not [item for item in objects if item["kind"] in POLICIES]
