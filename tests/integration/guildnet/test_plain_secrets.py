"""Values of secrets in a Workspace's env are refused by the chart's admission policy, with the way to write them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from guildnet.errors import Invalid
from guildnet.kube.client import Client
from guildnet.kube.resources import WORKSPACES, Resource
from guildnet.sensitive import is_secret_name
from support.apiserver import make_namespace
from support.chart import rendered
from support.waiting import eventually

POLICIES = {
    kind: Resource("admissionregistration.k8s.io", "v1", plural, kind, namespaced=False)
    for kind, plural in (
        ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
    )
}
SECRET = (
    "DB_PASSWORD",
    "dbPassword",
    "CLIENTSECRET",
    "API_KEY",
    "ApiKey",
    "JWT_KEY",
    "GH_PAT",
    "DBPass",
    "OAuth",
    "myAUTH",
)
HARMLESS = ("PATH", "TOKENIZERS_PARALLELISM", "KEY", "PUBLIC_KEY", "PUBLICKey", "BYPASS", "GUILDNET_SCRIPT_COOKIES")


def _with(env: list[dict[str, Any]], name: str = "lab") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"image": "busybox", "env": env}}


async def _refusal(kube: Client, namespace: str, env: list[dict[str, Any]]) -> str:
    """Why a Workspace with this env is not made; "" where it is."""
    try:
        await kube.create(WORKSPACES, namespace, _with(env))
    except Invalid as error:
        return str(error)
    await kube.delete(WORKSPACES, namespace, "lab")
    return ""


@pytest.fixture
async def served(kube: Client) -> AsyncIterator[str]:
    """A namespace that an install serves, its policies in effect."""
    namespace = await make_namespace(kube)
    await kube.create(WORKSPACES, namespace, _with([{"name": "OLD_TOKEN", "value": "x"}], "before"))
    objects = rendered(f"{namespace}-release", {"workspaces": {"namespace": namespace, "elsewhere": "Ignore"}})
    policies = [item for item in objects if item["kind"] in POLICIES]
    assert len(policies) == 2
    for item in policies:
        await kube.create(POLICIES[item["kind"]], None, item)

    async def told() -> bool:
        return "PASSWORD" in await _refusal(kube, namespace, [{"name": "PASSWORD", "value": "x"}])

    try:
        await eventually(told, within=30, every=0.5)
        yield namespace
    finally:
        for item in policies:
            await kube.delete(POLICIES[item["kind"]], None, item["metadata"]["name"])


async def test_what_the_api_would_move_into_a_secret_is_refused_by_name(kube: Client, served: str):
    assert all(map(is_secret_name, SECRET))
    assert not any(map(is_secret_name, HARMLESS))
    said = await _refusal(kube, served, [{"name": name, "value": "x"} for name in (*SECRET, *HARMLESS)])
    assert f"could read {', '.join(SECRET)}: put it into a Secret of this namespace" in said
    assert "valueFrom.secretKeyRef" in said
    assert await _refusal(kube, served, [{"name": name, "value": "x"} for name in HARMLESS]) == ""


async def test_a_password_in_a_url_is_one_too(kube: Client, served: str):
    assert "DATABASE_URL" in await _refusal(kube, served, [{"name": "DATABASE_URL", "value": "postgres://u:p@db/x"}])
    assert await _refusal(kube, served, [{"name": "DATABASE_URL", "value": "postgres://db/x"}]) == ""


async def test_a_reference_and_an_empty_value_hold_no_secret(kube: Client, served: str):
    reference = {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "team-api", "key": "token"}}}
    assert await _refusal(kube, served, [reference, {"name": "PASSWORD", "value": ""}]) == ""


async def test_what_stands_there_is_left_alone_until_its_env_changes(kube: Client, served: str):
    await kube.merge_patch(WORKSPACES, served, "before", {"spec": {"notes": "changed"}})
    with pytest.raises(Invalid, match="OLD_TOKEN"):
        await kube.merge_patch(WORKSPACES, served, "before", {"spec": {"env": [{"name": "OLD_TOKEN", "value": "y"}]}})


async def test_a_large_env_is_judged_as_well(kube: Client, served: str):
    """An expression that costs too much fails, and lets everything through: 3/4 MiB do not cost that."""
    many = [{"name": f"{'LONG_NAME_' * 5}{number}", "value": "https://" + "v" * 3000} for number in range(255)]
    assert "LAST_TOKEN" in await _refusal(kube, served, [*many, {"name": "LAST_TOKEN", "value": "x"}])
