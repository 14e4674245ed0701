"""What each account may do, computed from the rendered roles and bindings and compared with the table it must equal."""

from __future__ import annotations

import pytest

from unit.chart.rendered import MATRIX, Render, Rendering

WORKSPACES = "guildnet-workspaces"
RELEASE = "guildnet"
CLUSTER = "*"

READ = frozenset({"get", "list", "watch"})
WRITE = READ | {"create", "patch", "delete"}

Rule = tuple[str, str, str]
"""Namespace, `resource.group`, object name (`*`: any)."""

API: dict[Rule, frozenset[str]] = {
    (WORKSPACES, "workspaces.guildnet.io", "*"): WRITE,
    (WORKSPACES, "capabilities.guildnet.io", "*"): READ,
    (WORKSPACES, "pods", "*"): READ,
    (WORKSPACES, "events", "*"): READ,
    (WORKSPACES, "pods/log", "*"): frozenset({"get"}),
    (WORKSPACES, "secrets", "*"): frozenset({"create"}),
}
PROXY: dict[Rule, frozenset[str]] = {
    (WORKSPACES, "workspaces.guildnet.io", "*"): READ,
    (WORKSPACES, "capabilities.guildnet.io", "*"): READ,
    (WORKSPACES, "endpointslices.discovery.k8s.io", "*"): READ,
    (CLUSTER, "tokenreviews.authentication.k8s.io", "*"): frozenset({"create"}),
    (RELEASE, "configmaps", "guildnet-entries"): frozenset({"get", "patch"}),
}
OPERATOR: dict[Rule, frozenset[str]] = {
    (WORKSPACES, "workspaces.guildnet.io", "*"): READ,
    (WORKSPACES, "workspaces/status.guildnet.io", "*"): frozenset({"patch"}),
    (WORKSPACES, "capabilities.guildnet.io", "*"): READ,
    (WORKSPACES, "capabilities/status.guildnet.io", "*"): frozenset({"patch"}),
    (WORKSPACES, "workspaces/finalizers.guildnet.io", "*"): frozenset({"update"}),
    (WORKSPACES, "deployments.apps", "*"): READ | {"create", "patch"},
    (WORKSPACES, "replicasets.apps", "*"): READ,
    (WORKSPACES, "services", "*"): READ | {"create", "patch"},
    (WORKSPACES, "persistentvolumeclaims", "*"): READ | {"create", "patch"},
    (WORKSPACES, "ingresses.networking.k8s.io", "*"): WRITE,
    (WORKSPACES, "networkpolicies.networking.k8s.io", "*"): WRITE,
    (WORKSPACES, "secrets", "*"): frozenset({"get", "create", "patch"}),
    (WORKSPACES, "pods", "*"): READ,
    (WORKSPACES, "events", "*"): frozenset({"create", "list", "watch"}),
    (RELEASE, "configmaps", "guildnet-entries"): READ,
    (RELEASE, "configmaps", "guildnet-ports"): frozenset({"get", "patch"}),
    (RELEASE, "leases.coordination.k8s.io", "guildnet-operator"): frozenset({"get", "update", "patch"}),
    (RELEASE, "leases.coordination.k8s.io", "*"): frozenset({"create"}),
    (RELEASE, "serviceaccounts", "guildnet-operator"): frozenset({"get"}),
}
TAILNET: dict[Rule, frozenset[str]] = {
    (RELEASE, "secrets", "guildnet-tailnet-state"): frozenset({"get", "update", "patch"})
}


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


@pytest.mark.parametrize(
    ("account", "values", "expected"),
    [
        ("guildnet-api", "defaults", API),
        ("guildnet-api", "tailnet", API),
        ("guildnet-proxy", "defaults", PROXY),
        ("guildnet-proxy", "tailnet", PROXY | TAILNET),
        ("guildnet-proxy", "many", PROXY),
        ("guildnet-operator", "defaults", OPERATOR),
        ("guildnet-operator", "tailnet", OPERATOR),
        ("guildnet-valkey", "defaults", {}),
        ("guildnet-admin", "defaults", {}),
    ],
)
def test_an_account_may_do_what_the_table_says_and_nothing_else(render: Render, account, values, expected):
    assert permissions(render(MATRIX[values]), account) == expected


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
