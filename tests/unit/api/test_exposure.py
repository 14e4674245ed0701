"""Exposure past the proxy, as a launch and a patch say it; whether the install allows it is the operator's word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guildnet import workspace
from guildnet.errors import Invalid
from guildnet_api.workspaces import manifests, view
from guildnet_api.workspaces.spec import JobPatch, JobSpec, parse

INGRESS = {"type": "Ingress", "domain": "apps.example.com"}


def launched(exposure: dict[str, str]) -> dict[str, Any]:
    job = parse(json.dumps({"image": "a", "exposure": exposure}).encode(), JobSpec)
    plan = manifests.launch_plan(job, name="a-1", namespace="n", owner="o", rule="r", marks={})
    return dict(plan.workspace["spec"])


def held(exposure: dict[str, str] | None) -> workspace.Workspace:
    spec = {"image": "a"} | ({"exposure": exposure} if exposure else {})
    return workspace.parse({"metadata": {"name": "a-1", "namespace": "n", "uid": "u"}, "spec": spec})


def patched(before: dict[str, str] | None, exposure: dict[str, str] | None) -> Any:
    patch = parse(json.dumps({"exposure": exposure}).encode(), JobPatch)
    return manifests.change(patch, held(before), "s").body["spec"]["exposure"]


@pytest.mark.parametrize("exposure", [INGRESS, {"type": "LoadBalancer"}, {"type": "ClusterIP"}, {"type": "Ingress"}])
def test_a_launch_asks_for_it_as_it_was_said_and_the_detail_shows_it(exposure: dict[str, str]):
    assert launched(exposure)["exposure"] == exposure
    assert view.detail(held(exposure), (), None, ())["exposure"] == exposure
    assert "exposure" not in view.detail(held(None), (), None, ())


@pytest.mark.parametrize(
    ("exposure", "field", "reason"),
    [
        ({"type": "NodePort"}, "exposure.type", "one of 'ClusterIP', 'LoadBalancer' or 'Ingress'"),
        ({"type": "LoadBalancer", "domain": "a.b"}, "exposure", "a domain is for the type Ingress only"),
        ({"type": "Ingress", "domain": "A_b"}, "exposure.domain", "not a DNS name like apps.example.com"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(exposure: dict[str, str], field: str, reason: str):
    with pytest.raises(Invalid) as raised:
        launched(exposure)
    assert [(one.field, one.reason) for one in raised.value.details] == [(field, reason)]


def test_a_patch_changes_what_it_says_and_leaves_what_only_kubectl_can_say():
    kept = INGRESS | {"ingressClass": "nginx", "tlsIssuer": "letsencrypt"}
    assert patched(kept, {"type": "Ingress", "domain": "b.example.com"}) == kept | {"domain": "b.example.com"}
    assert patched(kept, {"type": "LoadBalancer"}) == {
        "type": "LoadBalancer", "domain": None, "ingressClass": None, "tlsIssuer": None,
    }  # fmt: skip
    assert patched(kept, None) is None
    assert patched(None, INGRESS) == INGRESS
