"""What each account may do, computed from the rendered roles and bindings and compared with the table it must equal."""

from __future__ import annotations

import pytest

from support.rights import accounts, rights
from unit.chart.rendered import MATRIX, Render, Rendering

WORKSPACES = "guildnet-workspaces"
RELEASE = "guildnet"
CLUSTER = "*"

Rule = tuple[str, str, str]
"""Namespace, `resource.group`, object name (`*`: any)."""

PLACES = {"workspaces": WORKSPACES, "release": RELEASE, "cluster": CLUSTER}


def said(account: str, *, tailnet: bool = False) -> dict[Rule, frozenset[str]]:
    """What rights.yaml lets an account do."""
    found: dict[Rule, frozenset[str]] = {}
    for right in rights(account):
        if right.when is None or (tailnet and right.when == "tailnet"):
            key = (PLACES[right.place], right.resource, right.name)
            found[key] = found.get(key, frozenset()) | right.verbs
    return found


def permissions(rendering: Rendering, account: str) -> dict[Rule, frozenset[str]]:
    roles = {(o["kind"], o["metadata"].get("namespace", CLUSTER), o["metadata"]["name"]): o for o in rendering.objects}
    found: dict[Rule, frozenset[str]] = {}
    for binding in [*rendering.of("RoleBinding"), *rendering.of("ClusterRoleBinding")]:
        if {"kind": "ServiceAccount", "name": account, "namespace": RELEASE} not in binding["subjects"]:
            continue
        namespace = binding["metadata"].get("namespace", CLUSTER)
        role = roles[binding["roleRef"]["kind"], namespace, binding["roleRef"]["name"]]
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for name in rule.get("resourceNames", ["*"]):
                        key = (namespace, f"{resource}.{group}".rstrip("."), name)
                        found[key] = found.get(key, frozenset()) | frozenset(rule["verbs"])
    return found


@pytest.mark.parametrize("values", ["defaults", "tailnet", "many"])
@pytest.mark.parametrize("account", sorted(accounts()))
def test_an_account_may_do_what_rights_yaml_says_and_nothing_else(render: Render, account: str, values: str):
    tailnet = values == "tailnet"
    assert permissions(render(MATRIX[values]), f"guildnet-{account}") == said(account, tailnet=tailnet)


def test_every_account_of_the_chart_is_in_rights_yaml(render: Render):
    made = {item["metadata"]["name"].removeprefix("guildnet-") for item in render().of("ServiceAccount")}
    assert made == set(accounts())


def test_no_account_has_more_than_its_work_needs():
    """What the review of 0.1.0 found unused stays gone."""
    operator = said("operator")
    assert operator[WORKSPACES, "secrets", "*"] == {"get", "create"}
    assert operator[RELEASE, "leases.coordination.k8s.io", "guildnet-operator"] == {"get", "update"}
    assert said("api")[WORKSPACES, "secrets", "*"] == {"create", "deletecollection"}
    assert all(right.when == "tailnet" for right in rights("proxy") if right.resource == "secrets")


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_nobody_gets_a_wildcard_or_a_way_into_pods_roles_or_all_secrets(render: Render, values):
    rendering = render(values)
    for role in [*rendering.of("Role"), *rendering.of("ClusterRole")]:
        for rule in role["rules"]:
            granted = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert not granted & {"*", "pods/exec", "pods/attach", "roles", "rolebindings", "impersonate", "escalate"}
            if "secrets" in rule["resources"]:
                assert not {"list", "watch"} & set(rule["verbs"])


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_every_binding_names_an_account_and_a_role_of_the_chart(render: Render, values):
    rendering = render(values)
    accounts = {(o["metadata"]["name"], o["metadata"]["namespace"]) for o in rendering.of("ServiceAccount")}
    for binding in [*rendering.of("RoleBinding"), *rendering.of("ClusterRoleBinding")]:
        role = rendering.of(binding["roleRef"]["kind"], binding["roleRef"]["name"])
        assert [o for o in role if o["metadata"].get("namespace") == binding["metadata"].get("namespace")]
        assert {(subject["name"], subject["namespace"]) for subject in binding["subjects"]} <= accounts


def test_the_secret_of_the_tailnet_state_is_there_before_the_sidecar_asks_for_it(render: Render):
    rendering = render(MATRIX["tailnet"])
    assert rendering.one("Secret", "guildnet-tailnet-state")["type"] == "Opaque"
    rules = [rule for role in rendering.of("Role", "guildnet-proxy") for rule in role["rules"]]
    assert not any("create" in rule["verbs"] for rule in rules if "secrets" in rule["resources"])
    assert render().of("Secret", "guildnet-tailnet-state") == []


@pytest.mark.parametrize("through", ["pod", "api-server"])
def test_ports_are_forwarded_where_that_is_the_way_and_nowhere_else(render: Render, through: str):
    rendering = render({"proxy": {"transport": through}})
    granted = [
        rule for role in rendering.of("Role") for rule in role["rules"] if "pods/portforward" in rule["resources"]
    ]
    assert [rule["verbs"] for rule in granted] == ([["get", "create"]] if through == "api-server" else [])
    assert rendering.env("proxy")["PROXY_TRANSPORT"] == through
