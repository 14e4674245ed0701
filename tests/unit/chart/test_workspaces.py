"""The workspace namespace, who may talk to whom in it, the presets, and what the install keeps secret."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from guildnet.sensitive import expressions, recognition
from guildnet_api.workspaces import presets
from unit.chart.rendered import CHART, Render, Rendering


def test_the_namespace_enforces_pod_security_restricted_and_outlives_the_install(render: Render):
    namespace = render().one("Namespace", "guildnet-workspaces")["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert namespace["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_a_namespace_of_ones_own_is_used_for_everything(render: Render):
    rendering = render({"workspaces": {"namespace": "team", "createNamespace": False}})
    assert rendering.of("Namespace") == []
    namespaces = {o["metadata"].get("namespace") for o in rendering.objects} - {None}
    assert namespaces == {"guildnet", "team"}


def test_nothing_comes_in_but_the_proxy_and_nothing_goes_out_but_dns_and_the_internet(render: Render):
    rendering = render()
    deny = rendering.one("NetworkPolicy", "guildnet-default-deny", "guildnet-workspaces")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allow = rendering.one("NetworkPolicy", "guildnet-workspaces", "guildnet-workspaces")["spec"]
    (source,) = allow["ingress"][0]["from"]
    assert source["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "guildnet"}}
    assert source["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "proxy"
    dns, internet = allow["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert [block["ipBlock"]["cidr"] for block in internet["to"]] == ["0.0.0.0/0", "::/0"]


@pytest.mark.parametrize(
    "address",
    ["10.96.0.1", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.100", "127.0.0.1",
     "fd00:ec2::254", "fd7a:115c:a1e0::1", "fe80::1", "::1", "64:ff9b::a60:1", "2002:a60:1::"],
)  # fmt: skip
def test_the_internet_holds_no_private_metadata_or_tailnet_address(render: Render, address):
    policy = render().one("NetworkPolicy", "guildnet-workspaces", "guildnet-workspaces")
    blocks = [block["ipBlock"] for block in policy["spec"]["egress"][1]["to"]]
    wanted = ipaddress.ip_address(address)
    for block in blocks:
        excepted = any(wanted in ipaddress.ip_network(cidr) for cidr in block["except"])
        assert wanted not in ipaddress.ip_network(block["cidr"]) or excepted


def test_every_exception_lies_within_its_range(render: Render):
    policy = render().one("NetworkPolicy", "guildnet-workspaces", "guildnet-workspaces")
    for block in (block["ipBlock"] for block in policy["spec"]["egress"][1]["to"]):
        for cidr in block["except"]:
            assert ipaddress.ip_network(cidr).version == ipaddress.ip_network(block["cidr"]).version


def test_the_internet_can_be_closed_and_rules_added(render: Render):
    extra = [{"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}]}]
    values = {"workspaces": {"networkPolicy": {"internet": {"enabled": False}, "extraEgress": extra}}}
    policy = render(values).one("NetworkPolicy", "guildnet-workspaces", "guildnet-workspaces")
    assert policy["spec"]["egress"][1:] == extra


SOLVER = "guildnet-acme-solver"


@pytest.mark.parametrize(
    ("ingress", "there"),
    [({}, False), ({"certManagerIssuer": "letsencrypt"}, True), ({"allowedIssuers": ["letsencrypt"]}, True)],
)
def test_cert_managers_solver_is_open_to_the_ingress_controller_where_there_is_an_issuer(
    render: Render, ingress, there
):
    found = render({"workspaces": {"ingress": ingress}}).of("NetworkPolicy", SOLVER)
    assert bool(found) == there
    if there:
        spec = found[0]["spec"]
        assert spec["podSelector"]["matchLabels"] == {"acme.cert-manager.io/http01-solver": "true"}
        (rule,) = spec["ingress"]
        labels = {"kubernetes.io/metadata.name": "ingress-nginx"}
        assert rule["from"] == [{"namespaceSelector": {"matchLabels": labels}}]
        assert rule["ports"] == [{"port": 8089, "protocol": "TCP"}]


def test_exposure_opens_no_workspace_by_a_policy_for_all(render: Render):
    """The operator opens those that are exposed, one by one."""
    values = {"directExposure": True, "loadBalancer": {"enabled": True}, "ingress": {"domain": "apps.example.com"}}
    policies = [o["spec"] for o in render({"workspaces": values}).of("NetworkPolicy")]
    assert policies == [o["spec"] for o in render().of("NetworkPolicy")]


def test_policies_can_be_left_out(render: Render):
    values = {"networkPolicy": {"enabled": False}, "workspaces": {"networkPolicy": {"enabled": False}}}
    assert render(values).of("NetworkPolicy") == []


def test_the_presets_are_ones_the_api_accepts(render: Render):
    text = render().one("ConfigMap", "guildnet-presets")["data"]["presets.json"]
    found = {preset.label: preset for preset in presets.parse(text, "presets.json")}
    assert found["JupyterLab"].image == "guildnet/jupyterlab:0.1.0"
    assert found["JupyterLab"].pathMode == "Preserve"
    assert found["VS Code"].image == "guildnet/code-server:0.1.0"


def test_a_presets_image_is_a_reference_or_completed_like_the_components(render: Render):
    values = {
        "image": {"registry": "r.example.com", "tag": "v2"},
        "presets": [
            {"label": "A", "image": "docker.io/library/nginx:1", "env": {"A": "1"}, "storage": {"size": "1Gi"}},
            {"label": "B", "image": {"repository": "b", "digest": f"sha256:{'0' * 64}"}},
            {"label": "C", "image": {"repository": "c"}},
        ],
    }
    data = render(values).one("ConfigMap", "guildnet-presets")["data"]["presets.json"]
    assert [preset["image"] for preset in json.loads(data)] == [
        "docker.io/library/nginx:1",
        f"r.example.com/b@sha256:{'0' * 64}",
        "r.example.com/c:v2",
    ]
    assert json.loads(data)[0]["env"] == {"A": "1"}


def test_other_presets_start_other_pods_of_the_api(render: Render):
    def checksum(values: dict[str, object]) -> str:
        template = render(values).one("Deployment", "guildnet-api")["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/presets"]

    assert checksum({}) != checksum({"presets": []})


def decoded(secret: dict[str, dict[str, str]], key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()


def test_the_identity_key_is_long_random_and_mounted_for_api_and_proxy_alone(render: Render):
    rendering = render()
    key = decoded(rendering.one("Secret", "guildnet-keys"), "identity")
    assert len(key) == 64
    assert key != decoded(render({"installName": "other"}).one("Secret", "guildnet-keys"), "identity")
    assert keys(rendering, "identity") == {"guildnet-api": True, "guildnet-proxy": True}


def test_the_key_of_workspaces_logins_is_mounted_for_who_derives_them_and_may_be_absent(render: Render):
    rendering = render()
    key = decoded(rendering.one("Secret", "guildnet-keys"), "workspace")
    assert len(key) == 64
    assert key != decoded(rendering.one("Secret", "guildnet-keys"), "identity")
    assert keys(rendering, "workspace") == dict.fromkeys(("guildnet-api", "guildnet-operator", "guildnet-proxy"), False)
    for name in ("api", "operator", "proxy"):
        assert rendering.env(name)["WORKSPACE_KEY_FILE"] == "/etc/guildnet/keys/workspace"


def keys(rendering: Rendering, key: str) -> dict[str, bool]:
    """Who has this key of the Secret, and whether it has to be there."""
    found: dict[str, bool] = {}
    for name, pod in rendering.pod_specs():
        for volume in pod.get("volumes", []):
            sources = [volume["secret"]] if "secret" in volume else []
            sources += [item["secret"] for item in volume.get("projected", {}).get("sources", ()) if "secret" in item]
            for source in sources:
                if "guildnet-keys" not in (source.get("name"), source.get("secretName")):
                    continue
                assert source.get("items"), "each key by its name, or every key would be there"
                if any(item["key"] == key for item in source["items"]):
                    found[name] = not source.get("optional")
    return found


def test_valkey_asks_for_the_password_that_the_api_knows_and_writes_nothing(render: Render):
    rendering = render()
    secret = rendering.one("Secret", "guildnet-valkey")
    password = decoded(secret, "password")
    assert len(password) == 32
    assert decoded(secret, "url") == f"redis://:{password}@guildnet-valkey:6379/0"
    configuration = decoded(secret, "valkey.conf").splitlines()
    assert {f"requirepass {password}", 'save ""', "appendonly no"} <= set(configuration)


def test_a_secret_of_ones_own_is_used_and_none_is_made(render: Render):
    rendering = render({"identity": {"existingSecret": "mine"}, "valkey": {"existingSecret": "v"}})
    assert rendering.of("Secret") == []
    assert rendering.env("api")["REDIS_URL"] == {"secretKeyRef": {"name": "v", "key": "url"}}


def test_no_default_password_exists(render: Render):
    rendering = render()
    assert "AGENT_DEFAULT_PASSWORD" not in rendering.env("operator")
    assert "changeme" not in json.dumps(rendering.objects)


def test_the_url_of_an_own_redis_is_in_a_secret_and_nowhere_else(run_helm: Callable[..., str]):
    url = "rediss://user:s3cret@redis.example.com:6380/1"
    values = {"redis": {"url": url}, "valkey": {"enabled": False}}
    text = run_helm("template", "guildnet", str(CHART), "--namespace", "guildnet", values=values)
    assert "s3cret" not in text
    assert text.count(base64.b64encode(url.encode()).decode()) == 1
    other = run_helm(
        "template", "guildnet", str(CHART), "--namespace", "guildnet", values={**values, "redis": {"url": url + "0"}}
    )
    (before,), (after,) = (re.findall("checksum/redis: (.*)", one) for one in (text, other))
    assert before != after, "the api would go on with the old one"


def test_a_rendering_without_the_cluster_is_the_same_each_time_where_secrets_are_given(run_helm: Callable[..., str]):
    """What GitOps renderers do: `lookup` finds nothing."""

    def rendered(values: dict[str, Any]) -> set[str]:
        return set(run_helm("template", "guildnet", str(CHART), "-n", "guildnet", values=values).splitlines())

    given = {"identity": {"existingSecret": "my-keys"}, "valkey": {"existingSecret": "my-valkey"}}
    assert rendered(given) == rendered(given)
    random = {line.split(":")[0].strip() for line in rendered({}) ^ rendered({})}
    assert random == {"identity", "workspace", "password", "url", "valkey.conf"}


def test_the_policy_on_plain_secrets_goes_by_the_rules_of_the_api(render: Render):
    """The API server's tests say what it makes of them; these are the words it is given."""
    (policy,) = [
        item for item in render().of("ValidatingAdmissionPolicy") if item["metadata"]["name"].endswith("-plain-secrets")
    ]
    variables = {item["name"]: item["expression"] for item in policy["spec"]["variables"]}
    joined = "".join(f".replace('{word}', '')" for word in recognition.HARMLESS)
    assert (
        f"e.name.lowerAscii().replace('_', ''){joined}.matches(r'{recognition.PARTS.pattern}')" in variables["secrets"]
    )
    for expression in (expressions.WORD, expressions.KEY, expressions.NO_SECRET_KEY):
        assert f"e.name.matches(r'{expression}')" in variables["secrets"]
    assert f"e.value.matches(r'{recognition.URL_PASSWORD.pattern}')" in variables["secrets"]
    assert f"e.name in [{', '.join(f'{name!r}' for name in recognition.NO_SECRETS)}]" in variables["plain"]


@pytest.mark.parametrize(("value", "actions"), [("Deny", [["Deny"]]), ("Warn", [["Warn"]]), ("Ignore", [])])
def test_plain_secrets_are_refused_told_or_left_alone(render: Render, value: str, actions: list[list[str]]):
    bindings = render({"workspaces": {"plainSecrets": value, "elsewhere": "Ignore"}}).of(
        "ValidatingAdmissionPolicyBinding"
    )
    assert [item["spec"]["validationActions"] for item in bindings] == actions
