"""What becomes of a request to be reached past the proxy; the table is the one that `show-exposure` plays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guildnet.web.entries import Entry
from guildnet.workspace import Exposure
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.exposure import reach
from guildnet_operator.plan.manifests import desired
from guildnet_operator.plan.plan import IngressRule, Policy, Reach
from guildnet_operator.settings import Settings
from proofs.exposing.table import ALL_HAVE, INSTALLS, ROWS, Row
from unit.operator.values import NAME, workspace

PLAYED = [row for row in ROWS if row.invalid is None]


def policy_of(install: str) -> Policy:
    return Settings(**{**ALL_HAVE, **INSTALLS[install]}).policy()


def asked(words: Any) -> Exposure | None:
    return None if words is None else workspace(exposure=words).spec.exposure


@pytest.mark.parametrize("row", PLAYED, ids=lambda row: f"{row.install}: {row.name} {dict(row.exposure or {})}")
def test_a_request_becomes_what_the_table_says(row: Row):
    found = reach(row.name, asked(row.exposure), policy_of(row.install))
    assert (found.refused is None) == (row.refused is None)
    assert (row.refused or "") in (found.refused or "")
    assert found.service_type == row.exposed.service
    rule = found.ingress
    issuer = rule and (rule.annotations.get("cert-manager.io/cluster-issuer"))
    assert (rule and rule.host, rule and rule.class_name, issuer, rule and rule.tls_secret) == (
        row.exposed.host, row.exposed.class_name, row.exposed.issuer, row.exposed.tls_secret,
    )  # fmt: skip


def test_the_table_has_every_install_and_40_requests():
    assert {row.install for row in ROWS} == set(INSTALLS)
    assert len(ROWS) >= 40


NOT_ALLOWED = "exposure {} is not allowed by this install: an administrator can allow it (workspaces.directExposure)"
D = "d.example"


@pytest.mark.parametrize(
    ("policy", "exposure", "expected"),
    [
        (Policy(), Exposure("LoadBalancer"), Reach(refused=NOT_ALLOWED.format("LoadBalancer"))),
        (Policy(), Exposure("Ingress"), Reach(refused=NOT_ALLOWED.format("Ingress"))),
        (Policy(load_balancer=True), Exposure("Ingress"), Reach(refused=NOT_ALLOWED.format("Ingress"))),
        (Policy(domain=D), Exposure("LoadBalancer"), Reach(refused=NOT_ALLOWED.format("LoadBalancer"))),
        (Policy(load_balancer_pool="blue"), None, Reach()),
        (Policy(direct_exposure=True), None, Reach()),
        (Policy(direct_exposure=True), Exposure(), Reach()),
        (Policy(load_balancer=True, domain=D), Exposure(), Reach()),
        (Policy(load_balancer=True, domain=D), None, Reach("LoadBalancer")),
        (Policy(direct_exposure=True, load_balancer_pool="blue"), Exposure("LoadBalancer"),
         Reach("LoadBalancer", service_annotations={"metallb.io/address-pool": "blue"})),
        (Policy(direct_exposure=True, network_policy=True), Exposure("LoadBalancer"), Reach("LoadBalancer", admits=())),
        (Policy(direct_exposure=True), Exposure("Ingress"),
         Reach(refused="exposure Ingress needs a domain: set spec.exposure.domain")),
        (Policy(domain=D), Exposure("Ingress", "evil.com"),
         Reach(refused="domain evil.com is not below this install's domain d.example: use one that is")),
        (Policy(domain=D, auth_url="https://a", auth_signin="https://s"), None,
         Reach(ingress=IngressRule(f"{NAME}.d.example", "nginx", None, {
             "nginx.ingress.kubernetes.io/auth-url": "https://a",
             "nginx.ingress.kubernetes.io/auth-signin": "https://s",
         }))),
        (Policy(domain=D, network_policy=True, ingress_controllers=("a", "b")), None,
         Reach(ingress=IngressRule(f"{NAME}.d.example", "nginx", None, {}), admits=("a", "b"))),
        (Policy(domain=D, entries=(Entry("domain", f"https://{NAME}.d.example", "path"),)), None,
         Reach(refused=f"host {NAME}.d.example is this install's own or may be another workspace's: "
                       "use another domain")),
        # Without origins of their own beside it there is nothing of another workspace to take.
        (Policy(domain=D, entries=(Entry("domain", f"https://{D}", "path"),)), None,
         Reach(ingress=IngressRule(f"{NAME}.d.example", "nginx", None, {}))),
        (Policy(domain=D, entries=(Entry("domain", f"https://{D}", "host"),)), Exposure("Ingress", f"x-0123456.{D}"),
         Reach(ingress=IngressRule(f"{NAME}.x-0123456.d.example", "nginx", None, {}))),
        (Policy(domain=D, entries=(Entry("domain", f"https://{D}", "host"),)), Exposure("Ingress", f"x-01234567.{D}"),
         Reach(refused="domain x-01234567.d.example is below the origin of a workspace: use another domain")),
        # A name that looks like an origin's is none where the install's entry is not above it.
        (Policy(domain="x-01234567", entries=(Entry("domain", f"https://{D}", "host"),)),
         Exposure("Ingress", "team.x-01234567"),
         Reach(ingress=IngressRule(f"{NAME}.team.x-01234567", "nginx", None, {}))),
        (Policy(domain="org", entries=(Entry("domain", f"https://{D}", "host"),)),
         Exposure("Ingress", f"x-01234567.{D}.org"),
         Reach(ingress=IngressRule(f"{NAME}.x-01234567.d.example.org", "nginx", None, {}))),
        (Policy(domain=D, ingress_class="a", ingress_classes=("c", "b")), Exposure("Ingress", ingress_class="d"),
         Reach(refused="ingress class d is not one of this install's: a, b, c")),
        (Policy(domain=D, issuers=("b",)), Exposure("Ingress", tls_issuer="a"),
         Reach(refused="issuer a is not one of this install's: b")),
        (Policy(domain=D), Exposure("Ingress", tls_issuer="a"),
         Reach(refused="issuer a is not one of this install's: it has none")),
    ],
)  # fmt: skip
def test_the_way_past_the_proxy(policy: Policy, exposure: Exposure | None, expected: Reach):
    assert reach(NAME, exposure, policy) == expected


def opened(policy: Policy, **exposure: Any) -> Any:
    found = [item for item in desired(decide(workspace(exposure=exposure), policy)) if item["kind"] == "NetworkPolicy"]
    return found[0] if found else None


def test_a_network_policy_opens_one_workspace_to_those_who_are_to_reach_it():
    policy = Policy(direct_exposure=True, network_policy=True, ingress_controllers=("ingress", "other"))
    behind = opened(policy, type="Ingress", domain=D)
    assert behind["metadata"]["name"] == f"{NAME}-exposure"
    assert behind["spec"]["podSelector"]["matchLabels"]["guildnet.io/workspace"] == NAME
    assert behind["spec"]["policyTypes"] == ["Ingress"]
    assert behind["spec"]["ingress"] == [
        {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
                  for name in ("ingress", "other")],
         "ports": [{"port": 8080, "protocol": "TCP"}]}
    ]  # fmt: skip
    everybody = opened(policy, type="LoadBalancer")
    assert everybody["spec"]["ingress"] == [{"ports": [{"port": n, "protocol": "TCP"} for n in (8080, 8443)]}]
    assert opened(policy) is None
    assert opened(replace(policy, direct_exposure=False), type="LoadBalancer") is None
    assert opened(replace(policy, network_policy=False), type="LoadBalancer") is None


def test_an_ingress_without_a_known_controller_is_opened_to_pods_alone():
    found = opened(Policy(direct_exposure=True, network_policy=True), type="Ingress", domain=D)
    assert found["spec"]["ingress"][0]["from"] == [{"namespaceSelector": {}}]
